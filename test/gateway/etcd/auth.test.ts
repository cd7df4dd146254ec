/** The Auth service, and what every other service refuses while permissions are in force. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Decoded, Encodable, MessageName } from '../../../src/gateway/etcd/schema/index.ts'
import type { Metadata, Outcome } from './caller.ts'
import { bytes, openWorld, prefixEndOf } from './world.ts'
import type { World } from './world.ts'

let world: World
const auth = 'etcdserverpb.Auth'
/** Metadata of callers who have logged in. */
let root: Metadata = {}
let ada: Metadata = {}

const call = <In extends MessageName>(path: string, request: In, message: Encodable<In>, as: Metadata = root) =>
  world.caller.call(path, request, message, as)
const token = async (name: string, password: string): Promise<string> =>
  (await call(`${auth}/Authenticate`, 'AuthenticateRequest', { name, password }, {})).response?.token ?? ''
const outcome = ({ code, text }: Outcome): Outcome => ({ code, text })
const denied = { code: 7, text: 'etcdserver: permission denied' }
const nameless = { code: 3, text: 'etcdserver: user name is empty' }

beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

describe('before permissions are in force', () => {
  test('nobody logs in, and enabling needs a root user with the root role', async () => {
    const authenticate = await call(`${auth}/Authenticate`, 'AuthenticateRequest', { name: 'root', password: 'x' }, {})
    expect(authenticate).toMatchObject({ code: 9, text: 'etcdserver: authentication is not enabled' })
    const enable = () => call(`${auth}/AuthEnable`, 'AuthEnableRequest', {})
    expect(await enable()).toMatchObject({ code: 9, text: 'etcdserver: root user does not exist' })
    await call(`${auth}/UserAdd`, 'AuthUserAddRequest', { name: 'root', password: 'secret' })
    expect(await enable()).toMatchObject({ code: 9, text: 'etcdserver: root user does not have root role' })
    expect((await call(`${auth}/AuthStatus`, 'AuthStatusRequest', {})).response?.enabled).toBe(false)
    // A token means nothing yet, whatever it is.
    expect((await call('etcdserverpb.KV/Range', 'RangeRequest', { key: bytes('k') }, { token: 'nonsense' })).code).toBe(
      0,
    )
  })

  test('users, roles and permissions are managed, and told as they are', async () => {
    const ok = async (reply: Promise<Outcome>): Promise<void> =>
      expect(outcome(await reply)).toEqual({ code: 0, text: '' })
    await ok(call(`${auth}/UserGrantRole`, 'AuthUserGrantRoleRequest', { user: 'root', role: 'root' }))
    await ok(call(`${auth}/UserAdd`, 'AuthUserAddRequest', { name: 'ada', password: 'lovelace' }))
    await ok(call(`${auth}/UserAdd`, 'AuthUserAddRequest', { name: 'cert', options: { no_password: true } }))
    await ok(call(`${auth}/RoleAdd`, 'AuthRoleAddRequest', { name: 'app' }))
    const grant = (perm: Encodable<'Permission'>) =>
      call(`${auth}/RoleGrantPermission`, 'AuthRoleGrantPermissionRequest', { name: 'app', perm })
    await ok(grant({ permType: 2, key: bytes('app/'), range_end: prefixEndOf('app/') }))
    await ok(grant({ permType: 0, key: bytes('read') }))
    await ok(grant({ permType: 1, key: bytes('gone'), range_end: bytes('\0') }))
    const revoke = { role: 'app', key: bytes('gone'), range_end: bytes('\0') }
    await ok(call(`${auth}/RoleRevokePermission`, 'AuthRoleRevokePermissionRequest', revoke))
    await ok(call(`${auth}/UserGrantRole`, 'AuthUserGrantRoleRequest', { user: 'ada', role: 'app' }))
    const { response: role } = await call(`${auth}/RoleGet`, 'AuthRoleGetRequest', { role: 'app' })
    expect(role?.perm.map(({ permType, key, range_end }) => [permType, String(key), String(range_end)])).toEqual([
      [2, 'app/', 'app0'],
      [0, 'read', ''],
    ])
    expect((await call(`${auth}/UserGet`, 'AuthUserGetRequest', { name: 'ada' })).response?.roles).toEqual(['app'])
    expect((await call(`${auth}/UserList`, 'AuthUserListRequest', {})).response?.users).toEqual(['ada', 'cert', 'root'])
    expect((await call(`${auth}/RoleList`, 'AuthRoleListRequest', {})).response?.roles).toEqual(['app'])
  })

  const known = { user: 'ada', role: 'app' }
  test.each<[string, () => Promise<Outcome>, number, string]>([
    [
      'a user twice',
      () => call(`${auth}/UserAdd`, 'AuthUserAddRequest', { name: 'ada', password: 'x' }),
      9,
      'user name already exists',
    ],
    [
      'a user without a name',
      () => call(`${auth}/UserAdd`, 'AuthUserAddRequest', { password: 'x' }),
      3,
      'user name is empty',
    ],
    [
      'a password that is hashed',
      () => call(`${auth}/UserAdd`, 'AuthUserAddRequest', { name: 'x', hashedPassword: 'x' }),
      12,
      'passwords that are hashed already are not taken',
    ],
    [
      'a user that is not there',
      () => call(`${auth}/UserDelete`, 'AuthUserDeleteRequest', { name: 'x' }),
      9,
      'user name not found',
    ],
    [
      'a password of nobody',
      () => call(`${auth}/UserChangePassword`, 'AuthUserChangePasswordRequest', { name: 'x', password: 'y' }),
      9,
      'user name not found',
    ],
    ['a look at nobody', () => call(`${auth}/UserGet`, 'AuthUserGetRequest', { name: 'x' }), 9, 'user name not found'],
    [
      'a role of nobody',
      () => call(`${auth}/UserGrantRole`, 'AuthUserGrantRoleRequest', { ...known, user: 'x' }),
      9,
      'user name not found',
    ],
    [
      'a role that is not there',
      () => call(`${auth}/UserGrantRole`, 'AuthUserGrantRoleRequest', { ...known, role: 'x' }),
      9,
      'role name not found',
    ],
    [
      'to take a role that was not given',
      () => call(`${auth}/UserRevokeRole`, 'AuthUserRevokeRoleRequest', { name: 'root', role: 'app' }),
      9,
      'role is not granted to the user',
    ],
    [
      'a role twice',
      () => call(`${auth}/RoleAdd`, 'AuthRoleAddRequest', { name: 'app' }),
      9,
      'role name already exists',
    ],
    ['a role without a name', () => call(`${auth}/RoleAdd`, 'AuthRoleAddRequest', {}), 3, 'role name is empty'],
    [
      'to delete no role',
      () => call(`${auth}/RoleDelete`, 'AuthRoleDeleteRequest', { role: 'x' }),
      9,
      'role name not found',
    ],
    [
      'a permission that is none',
      () => call(`${auth}/RoleGrantPermission`, 'AuthRoleGrantPermissionRequest', { name: 'app' }),
      3,
      'permission not given',
    ],
    [
      'to take a permission that was not given',
      () => call(`${auth}/RoleRevokePermission`, 'AuthRoleRevokePermissionRequest', { role: 'app', key: bytes('x') }),
      9,
      'permission is not granted to the role',
    ],
  ])('%s is refused', async (_what, run, code, text) => {
    expect(outcome(await run())).toEqual({ code, text: `etcdserver: ${text}` })
  })
})

describe('while permissions are in force', () => {
  let attached: number

  beforeAll(async () => {
    await call('etcdserverpb.KV/Put', 'PutRequest', { key: bytes('other'), value: bytes('x') })
    attached = (await call('etcdserverpb.Lease/LeaseGrant', 'LeaseGrantRequest', { TTL: 600 })).response?.ID ?? 0
    await call('etcdserverpb.KV/Put', 'PutRequest', { key: bytes('leased'), value: bytes('x'), lease: attached })
    await call(`${auth}/AuthEnable`, 'AuthEnableRequest', {})
    root = { token: await token('root', 'secret') }
    ada = { token: await token('ada', 'lovelace') }
  })

  test('only the right password logs in', async () => {
    const login = (name: string, password: string) =>
      call(`${auth}/Authenticate`, 'AuthenticateRequest', { name, password }, {})
    const failed = { code: 3, text: 'etcdserver: authentication failed, invalid user ID or password' }
    expect(await login('ada', 'byron')).toMatchObject(failed)
    expect(await login('nobody', 'x')).toMatchObject(failed)
    const text = 'auth: authentication failed, password was given for no password user'
    expect(await login('cert', 'x')).toMatchObject({ code: 2, text })
    const status = (await call(`${auth}/AuthStatus`, 'AuthStatusRequest', {})).response
    expect(status).toMatchObject({ enabled: true })
    expect(status?.authRevision).toBeGreaterThan(0)
  })

  test('a token that is none is refused', async () => {
    const reply = await call('etcdserverpb.KV/Range', 'RangeRequest', { key: bytes('app/') }, { token: 'nonsense' })
    expect(reply).toMatchObject({ code: 16, text: 'etcdserver: invalid auth token' })
  })

  const kv = 'etcdserverpb.KV'
  const put = (key: string, more: Encodable<'PutRequest'> = {}) => ({ key: bytes(key), value: bytes('v'), ...more })
  test.each<[string, (as: Metadata) => Promise<Outcome>, Outcome | 'ok', Outcome | 'ok']>([
    ['a put within', (as) => call(`${kv}/Put`, 'PutRequest', put('app/1'), as), 'ok', nameless],
    ['a put elsewhere', (as) => call(`${kv}/Put`, 'PutRequest', put('other'), as), denied, nameless],
    ['a put of what may only be read', (as) => call(`${kv}/Put`, 'PutRequest', put('read'), as), denied, nameless],
    [
      'a put to a lease of others',
      (as) => call(`${kv}/Put`, 'PutRequest', put('app/1', { lease: attached }), as),
      denied,
      nameless,
    ],
    ['a range within', (as) => call(`${kv}/Range`, 'RangeRequest', { key: bytes('app/1') }, as), 'ok', nameless],
    [
      'a range beyond',
      (as) => call(`${kv}/Range`, 'RangeRequest', { key: bytes('app/'), range_end: bytes('\0') }, as),
      denied,
      nameless,
    ],
    [
      'a range of all',
      (as) => call(`${kv}/Range`, 'RangeRequest', { key: bytes('\0'), range_end: bytes('\0') }, as),
      denied,
      nameless,
    ],
    [
      'a serializable range elsewhere',
      (as) => call(`${kv}/Range`, 'RangeRequest', { key: bytes('other'), serializable: true }, as),
      denied,
      nameless,
    ],
    [
      'a delete elsewhere',
      (as) => call(`${kv}/DeleteRange`, 'DeleteRangeRequest', { key: bytes('other') }, as),
      denied,
      nameless,
    ],
    [
      'a transaction that looks elsewhere',
      (as) => call(`${kv}/Txn`, 'TxnRequest', { compare: [{ key: bytes('other') }] }, as),
      denied,
      nameless,
    ],
    [
      'a transaction within one that would write elsewhere',
      (as) =>
        call(
          `${kv}/Txn`,
          'TxnRequest',
          { failure: [{ request_txn: { success: [{ request_put: put('other') }] } }] },
          as,
        ),
      denied,
      nameless,
    ],
    ['a compaction', (as) => call(`${kv}/Compact`, 'CompactionRequest', { revision: 3 }, as), denied, nameless],
    [
      'the end of a lease of others',
      (as) => call('etcdserverpb.Lease/LeaseRevoke', 'LeaseRevokeRequest', { ID: attached }, as),
      denied,
      nameless,
    ],
    [
      'a look at the keys of a lease of others',
      (as) => call('etcdserverpb.Lease/LeaseTimeToLive', 'LeaseTimeToLiveRequest', { ID: attached, keys: true }, as),
      denied,
      nameless,
    ],
    ['a lease', (as) => call('etcdserverpb.Lease/LeaseGrant', 'LeaseGrantRequest', { TTL: 10 }, as), 'ok', 'ok'],
    [
      'a lock elsewhere',
      (as) => call('v3lockpb.Lock/Lock', 'LockRequest', { name: bytes('other'), lease: 0 }, as),
      denied,
      nameless,
    ],
    [
      'to unlock what others hold',
      (as) => call('v3lockpb.Lock/Unlock', 'UnlockRequest', { key: bytes('other/1') }, as),
      denied,
      nameless,
    ],
    [
      'a campaign elsewhere',
      (as) => call('v3electionpb.Election/Campaign', 'CampaignRequest', { name: bytes('other') }, as),
      denied,
      nameless,
    ],
    [
      'to see a leader elsewhere',
      (as) => call('v3electionpb.Election/Leader', 'LeaderRequest', { name: bytes('other') }, as),
      denied,
      nameless,
    ],
    [
      'to see leaders elsewhere',
      (as) => call('v3electionpb.Election/Observe', 'LeaderRequest', { name: bytes('other') }, as),
      denied,
      nameless,
    ],
    [
      'the list of members',
      (as) => call('etcdserverpb.Cluster/MemberList', 'MemberListRequest', { linearizable: true }, as),
      'ok',
      'ok',
    ],
    [
      'a new member',
      (as) => call('etcdserverpb.Cluster/MemberAdd', 'MemberAddRequest', { peerURLs: ['http://127.0.0.1:1'] }, as),
      denied,
      nameless,
    ],
    [
      'a member less',
      (as) => call('etcdserverpb.Cluster/MemberRemove', 'MemberRemoveRequest', { ID: 1 }, as),
      denied,
      nameless,
    ],
    [
      'a member elsewhere',
      (as) =>
        call(
          'etcdserverpb.Cluster/MemberUpdate',
          'MemberUpdateRequest',
          { ID: 1, peerURLs: ['http://127.0.0.1:1'] },
          as,
        ),
      denied,
      nameless,
    ],
    [
      'a promotion',
      (as) => call('etcdserverpb.Cluster/MemberPromote', 'MemberPromoteRequest', { ID: 1 }, as),
      denied,
      nameless,
    ],
    [
      'a member less that there is not',
      (as) => call('etcdserverpb.Cluster/MemberRemove', 'MemberRemoveRequest', { ID: 99 }, as),
      denied,
      nameless,
    ],
    [
      'a promotion of a member that there is not',
      (as) => call('etcdserverpb.Cluster/MemberPromote', 'MemberPromoteRequest', { ID: 99 }, as),
      denied,
      nameless,
    ],
    [
      'a new member at an address that is none',
      (as) => call('etcdserverpb.Cluster/MemberAdd', 'MemberAddRequest', { peerURLs: ['nowhere'] }, as),
      denied,
      nameless,
    ],
    ['the status', (as) => call('etcdserverpb.Maintenance/Status', 'StatusRequest', {}, as), 'ok', 'ok'],
    ['a snapshot', (as) => call('etcdserverpb.Maintenance/Snapshot', 'SnapshotRequest', {}, as), denied, nameless],
    ['the hash', (as) => call('etcdserverpb.Maintenance/Hash', 'HashRequest', {}, as), denied, nameless],
    [
      'the hash of the keys',
      (as) => call('etcdserverpb.Maintenance/HashKV', 'HashKVRequest', {}, as),
      denied,
      nameless,
    ],
    [
      'a defragmentation',
      (as) => call('etcdserverpb.Maintenance/Defragment', 'DefragmentRequest', {}, as),
      denied,
      nameless,
    ],
    [
      'another leader',
      (as) => call('etcdserverpb.Maintenance/MoveLeader', 'MoveLeaderRequest', { targetID: 1 }, as),
      denied,
      nameless,
    ],
    [
      'another user',
      (as) => call(`${auth}/UserAdd`, 'AuthUserAddRequest', { name: 'eve', password: 'x' }, as),
      denied,
      nameless,
    ],
    ['a look at oneself', (as) => call(`${auth}/UserGet`, 'AuthUserGetRequest', { name: 'ada' }, as), 'ok', nameless],
    ['a look at others', (as) => call(`${auth}/UserGet`, 'AuthUserGetRequest', { name: 'root' }, as), denied, nameless],
    ['the end of it all', (as) => call(`${auth}/AuthDisable`, 'AuthDisableRequest', {}, as), denied, nameless],
  ])('%s is what a user, and one without a name, may do or not', async (_what, run, user, nobody) => {
    const ok = { code: 0, text: '' }
    expect(outcome(await run(ada))).toEqual(user === 'ok' ? ok : user)
    expect(outcome(await run({}))).toEqual(nobody === 'ok' ? ok : nobody)
  })

  test('a watch that may not be is created and canceled in one response; one that may be sees its keys', async () => {
    const open = async (as: Metadata, request: Encodable<'WatchCreateRequest'>): Promise<Decoded<'WatchResponse'>> => {
      const stream = world.caller.open('etcdserverpb.Watch/Watch', 'WatchRequest', as)
      stream.send({ create_request: request })
      const first = await stream.next()
      stream.cancel()
      return first
    }
    const all = { key: bytes('app/'), range_end: bytes('\0') }
    expect(await open(ada, all)).toMatchObject({
      ...{ created: true, canceled: true, watch_id: -1 },
      cancel_reason: 'rpc error: code = PermissionDenied desc = etcdserver: permission denied',
    })
    expect(await open({}, all)).toMatchObject({
      ...{ created: true, canceled: true },
      cancel_reason: 'rpc error: code = InvalidArgument desc = etcdserver: user name is empty',
    })
    const allowed = { key: bytes('app/'), range_end: prefixEndOf('app/') }
    expect(await open(ada, allowed)).toMatchObject({ created: true, canceled: false })
  })

  test('the JSON form takes the token with the request', async () => {
    const { json } = await world.post('/v3/auth/authenticate', { name: 'ada', password: 'lovelace' })
    const { token: authorization } = json as { readonly token: string }
    const post = (key: string) =>
      fetch(`http://${world.address}/v3/kv/range`, {
        method: 'POST',
        headers: { authorization },
        body: JSON.stringify({ key: Buffer.from(key).toString('base64') }),
      })
    expect((await post('app/1')).status).toBe(200)
    expect((await post('other')).status).toBe(403)
    expect((await world.post('/v3/kv/range', { key: 'YQ==' })).status).toBe(400)
  })

  test('root may do everything, but not delete itself; then they are no longer in force', async () => {
    expect((await call('etcdserverpb.KV/Put', 'PutRequest', put('other'))).code).toBe(0)
    expect(await call(`${auth}/UserDelete`, 'AuthUserDeleteRequest', { name: 'root' })).toMatchObject({
      code: 3,
      text: 'etcdserver: invalid auth management',
    })
    expect((await call(`${auth}/AuthDisable`, 'AuthDisableRequest', {})).code).toBe(0)
    expect((await call('etcdserverpb.KV/Range', 'RangeRequest', { key: bytes('other') }, {})).code).toBe(0)
  })
})
