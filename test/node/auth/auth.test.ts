/** Users on whole nodes: tokens, acting for somebody, watches, the cluster's own operations, and what comes through the port. */
import { describe, expect, test } from 'vitest'
import { text } from '../../../base/index.ts'
import { anonymous } from '../../../execution/index.ts'
import { restoreSnapshot } from '../../../src/node/index.ts'
import type { Node } from '../../../src/node/index.ts'
import { nodeCrypto, saveSnapshotFile } from '../../../src/storage/index.ts'
import { seededRandom } from '../../net/schedulers.ts'
import { UsersWorld, codeOf } from './users.ts'

const users = new UsersWorld()
const cluster = users.cluster.bind(users)

const principal = async (node: Node, user = 'ada', password = 'lovelace') => {
  const { token } = await node.auth.authenticate(user, password)
  return node.auth.principalOf(token)
}

describe('a token', () => {
  test('is given for the right password only, and counts on every node', async () => {
    const [a, b] = (await cluster('a', 'b', 'c')) as [Node, Node]
    expect(await codeOf(a.auth.authenticate('ada', 'byron'))).toBe('AuthFailed')
    expect(await codeOf(a.auth.authenticate('nobody', 'lovelace'))).toBe('AuthFailed')
    const { token } = await a.auth.authenticate('ada', 'lovelace')
    const onB = await b.auth.principalOf(token)
    expect(onB.user).toBe('ada')
    expect(await b.auth.principalOf(token)).toBe(onB)
    expect(await codeOf(b.as(onB).store.put('app/x', '1'))).toBe('ok')
    expect(await codeOf(b.as(onB).store.put('other', '1'))).toBe('PermissionDenied')
  })

  test('is void when it was changed, when its time is up, and when its user or password is gone', async () => {
    const [a] = (await cluster('a')) as [Node]
    const { token } = await a.auth.authenticate('ada', 'lovelace')
    for (const wrong of [`${token}x`, `x${token}`, token.slice(0, -1), 'x', '.', `${token}.x`, 'x'.repeat(5_000)]) {
      expect(await codeOf(a.auth.principalOf(wrong))).toBe('InvalidAuthToken')
    }
    await a.auth.userGrantRole('ada', 'root')
    expect((await a.auth.principalOf(token)).user).toBe('ada')
    await a.auth.userChangePassword('ada', 'king')
    expect(await codeOf(a.auth.principalOf(token))).toBe('InvalidAuthToken')
    const next = await a.auth.authenticate('ada', 'king')
    await users.world.pass(3_600_000)
    expect(await codeOf(a.auth.principalOf(next.token))).toBe('InvalidAuthToken')
    const last = await a.auth.authenticate('ada', 'king')
    await a.auth.userDelete('ada')
    await a.auth.userAdd('ada', { password: 'king' })
    expect(await codeOf(a.auth.principalOf(last.token))).toBe('InvalidAuthToken')
  })

  test('outlives no change of whether permissions are in force', async () => {
    const [a] = (await cluster('a')) as [Node]
    const { token } = await a.auth.authenticate('ada', 'lovelace')
    await a.auth.disable()
    expect(await a.auth.principalOf(token)).toBe(anonymous)
    expect(await codeOf(a.auth.authenticate('ada', 'lovelace'))).toBe('AuthNotEnabled')
    await a.auth.enable()
    expect(await codeOf(a.auth.principalOf(token))).toBe('InvalidAuthToken')
  })

  test('is not given to users without a password, nor to those that change while it is checked', async () => {
    const [a] = (await cluster('a')) as [Node]
    await a.auth.userAdd('robot', { noPassword: true })
    expect(await codeOf(a.auth.authenticate('robot', ''))).toBe('NoPasswordUser')
    users.world.meanwhile = () => a.auth.userDelete('ada').catch(() => undefined)
    expect(await codeOf(a.auth.authenticate('ada', 'lovelace'))).toBe('AuthFailed')
  })
})

describe('acting for somebody', () => {
  test('is as much as the user may, on every interface; the node itself may everything', async () => {
    const [a] = (await cluster('a')) as [Node]
    const ada = a.as(await principal(a))
    expect(a.as(anonymous)).toBe(a.as(anonymous))
    await ada.store.put('app/x', '1')
    await a.store.put('other', '2')
    expect((await ada.store.get('app/x'))?.text()).toBe('1')
    expect(await codeOf(ada.store.get('other'))).toBe('PermissionDenied')
    expect(await codeOf(ada.store.range())).toBe('PermissionDenied')
    expect(await codeOf(ada.store.compact(1))).toBe('PermissionDenied')
    expect(await codeOf(a.as(anonymous).store.get('app/x'))).toBe('UserEmpty')
    await using lock = await ada.sync.lock('app/lock')
    await ada.store.txn().if(lock.guard()).then().commit()
    expect(await codeOf(ada.sync.lock('lock'))).toBe('PermissionDenied')
    expect(await codeOf(ada.programs.call('none', 'x', null))).toBe('PermissionDenied')
    expect(await codeOf(ada.admin.hash())).toBe('PermissionDenied')
    expect(await codeOf(ada.admin.addMember('d', 'd:1'))).toBe('PermissionDenied')
    const snapshot = ada.admin.snapshot()[Symbol.asyncIterator]()
    expect(await codeOf(snapshot.next() as Promise<unknown>)).toBe('PermissionDenied')
    expect((await ada.admin.status()).ready).toBe(true)
    expect(await codeOf(ada.auth.userList())).toBe('PermissionDenied')
    expect((await ada.auth.userGet('ada')).roles).toEqual(['app'])
    const root = a.as(await principal(a, 'root', 'secret'))
    expect(await root.auth.userList()).toEqual(['ada', 'root'])
    expect((await root.store.get('other'))?.text()).toBe('2')
    expect(await codeOf(root.admin.hash())).toBe('ok')
  })

  test('goes on over changes of others, and ends with the password', async () => {
    const [a] = (await cluster('a')) as [Node]
    const ada = a.as(await principal(a))
    await a.auth.roleAdd('other')
    expect(await codeOf(ada.store.put('app/x', '1'))).toBe('ok')
    await a.auth.roleRevokePermission('app', 'app/', 'app0')
    expect(await codeOf(ada.store.put('app/x', '1'))).toBe('PermissionDenied')
    await a.auth.userChangePassword('ada', 'king')
    expect(await codeOf(ada.store.put('app/x', '1'))).toBe('AuthOldRevision')
  })

  test('is decided by the log, also when the node lagged as it stamped the request', async () => {
    const [a] = (await cluster('a')) as [Node]
    const ada = a.as(await principal(a))
    const changed = a.auth.roleRevokePermission('app', 'app/', 'app0')
    // Stamped before the change is applied, applied after it, and stamped again.
    expect(await codeOf(ada.store.put('app/x', '1'))).toBe('PermissionDenied')
    await changed
  })
})

test('whoever changes permissions on a follower finds them changed there', async () => {
  const all = await cluster('a', 'b', 'c')
  const follower = all.find((node) => node.status().role === 'follower') as Node
  const other = all.find((node) => node !== follower && node.status().role === 'follower') as Node
  const ada = await principal(follower)
  for (let round = 0; round < 10; round++) {
    await follower.auth.roleRevokePermission('app', 'app/', 'app0')
    expect(await codeOf(follower.as(ada).store.get('app/x', { consistency: 'committed' }))).toBe('PermissionDenied')
    await follower.auth.roleGrantPermission('app', { access: 'readwrite', key: 'app/', rangeEnd: 'app0' })
    expect(await codeOf(follower.as(ada).store.get('app/x', { consistency: 'committed' }))).toBe('ok')
    expect(await codeOf(other.as(ada).store.put('app/x', '1'))).toBe('ok')
  }
  await follower.auth.disable()
  expect(await follower.auth.principalOf('anything')).toBe(anonymous)
  await follower.auth.enable()
  expect(await codeOf(follower.as(anonymous).store.get('x', { consistency: 'committed' }))).toBe('UserEmpty')
})

describe('a watch', () => {
  test('needs to read all its keys, and ends as soon as it may no longer', async () => {
    const [a] = (await cluster('a')) as [Node]
    const ada = a.as(await principal(a))
    expect(await codeOf(ada.store.watch({ prefix: 'b' }).next())).toBe('PermissionDenied')
    expect(await codeOf(a.as(anonymous).store.watch({ prefix: 'app/' }).next())).toBe('UserEmpty')
    const watch = ada.store.watch({ prefix: 'app/' })
    await watch.opened
    await a.store.put('app/1', 'seen')
    const { value } = (await watch.next()) as { value: { events: { entry?: { value: Uint8Array } }[] } }
    expect(text(value.events[0]?.entry?.value as Uint8Array)).toBe('seen')
    await a.auth.userAdd('other', { noPassword: true })
    await a.store.put('app/2', 'seen too')
    expect((await watch.next()).done).toBe(false)
    await Promise.all([a.auth.roleRevokePermission('app', 'app/', 'app0'), a.store.put('app/3', 'too late')])
    expect(await codeOf(watch.next())).toBe('PermissionDenied')
  })

  test('without a user ends when permissions come in force, and needs none when they are not', async () => {
    const [a] = (await cluster('a')) as [Node]
    await a.auth.disable()
    const watch = a.as(anonymous).store.watch({ prefix: 'app/' })
    await watch.opened
    const own = a.store.watch({ prefix: 'app/' })
    await own.opened
    await a.auth.enable()
    expect(await codeOf(watch.next())).toBe('UserEmpty')
    await a.store.put('app/1', '')
    expect((await own.next()).done).toBe(false)
  })
})

describe('through the port', () => {
  test('who has not logged in may look at the cluster, and nothing else', async () => {
    const [a] = (await cluster('a', 'b', 'c')) as [Node]
    await using client = await users.world.connect('a', 'b', 'c')
    expect(await codeOf(client.store.put('app/x', '1'))).toBe('UserEmpty')
    expect(await codeOf(client.store.get('app/x'))).toBe('UserEmpty')
    expect(await codeOf(client.store.watch({ prefix: 'app/' }).next())).toBe('UserEmpty')
    expect(await codeOf(client.admin.addMember('d', 'd:1'))).toBe('UserEmpty')
    expect(await codeOf(client.admin.removeMember('b'))).toBe('UserEmpty')
    expect(await codeOf(client.admin.transferLeadership())).toBe('UserEmpty')
    expect(await codeOf(client.admin.snapshot()[Symbol.asyncIterator]().next() as Promise<unknown>)).toBe('UserEmpty')
    expect((await client.admin.members()).length).toBe(3)
    expect((await a.admin.members()).length).toBe(3)
  })

  test('nobody joins without a place that root has reserved', async () => {
    const [a] = (await cluster('a')) as [Node]
    const guest = await users.world.open('d', { join: ['a:1'] })
    users.nodes.push(guest)
    await users.world.pass(5_000)
    expect(guest.status().role).toBe('joining')
    expect((await a.admin.members()).map(({ name }) => name)).toEqual(['a'])
    await a.admin.addMember('d', 'd:1')
    await guest.ready()
    expect((await a.admin.members()).map(({ name }) => name)).toEqual(['a', 'd'])
  })

  test('members pass on to the leader what they have checked', async () => {
    const all = await cluster('a', 'b', 'c')
    const follower = all.find((node) => node.status().role === 'follower') as Node
    const root = follower.as(await principal(follower, 'root', 'secret'))
    expect(await codeOf(root.admin.addMember('d', 'd:1'))).toBe('ok')
    const ada = follower.as(await principal(follower))
    expect(await codeOf(ada.admin.removeMember('d'))).toBe('PermissionDenied')
  })
})

test('users, their passwords and tokens survive a restart of all members', async () => {
  const [a] = (await cluster('a')) as [Node]
  const { token } = await a.auth.authenticate('ada', 'lovelace')
  const { stateHash } = a.status()
  await a.close({ transfer: false })
  users.nodes = [await users.world.open('a')]
  const [again] = users.nodes as [Node]
  await again.ready()
  expect(stateHash).not.toBe('')
  expect((await again.auth.principalOf(token)).user).toBe('ada')
  expect((await again.auth.status()).enabled).toBe(true)
  expect(await codeOf(again.auth.authenticate('root', 'secret'))).toBe('ok')
})

test('a member that comes with a snapshot knows the users, too', async () => {
  const [a] = (await cluster('a')) as [Node]
  const { token } = await a.auth.authenticate('ada', 'lovelace')
  await a.admin.addMember('b', 'b:1')
  const b = await users.world.open('b', { join: ['a:1'] })
  users.nodes.push(b)
  await b.ready()
  expect((await b.auth.principalOf(token)).user).toBe('ada')
  // The follower is a heartbeat behind; nothing is written meanwhile.
  await users.world.pass(1_000)
  const [onA, onB] = [await a.admin.hash(), await b.admin.hash()]
  expect([onB.index, onB.hash]).toEqual([onA.index, onA.hash])
  expect(await codeOf(b.as(anonymous).store.put('x', 'y'))).toBe('UserEmpty')
})

test('a cluster that is restored from a backup has the users of then', async () => {
  const [a] = (await cluster('a')) as [Node]
  const chunks: Uint8Array[] = []
  for await (const chunk of a.admin.snapshot()) chunks.push(chunk)
  await a.close({ transfer: false })
  const each = async function* each(): AsyncIterable<Uint8Array> {
    yield* chunks
  }
  const files = users.world.disk('r')
  await files.makeDirectory('backups')
  await saveSnapshotFile(files, 'backups/one', each(), nodeCrypto)
  await restoreSnapshot({
    ...{ file: 'backups/one', dataDir: 'data', name: 'r', listen: 'r:1', peers: undefined },
    ...{ files, crypto: nodeCrypto, random: seededRandom(77) },
  })
  const restored = await users.world.open('r')
  users.nodes = [restored]
  await restored.ready()
  expect(await codeOf(restored.as(anonymous).store.get('x'))).toBe('UserEmpty')
  expect(await codeOf(restored.as(await principal(restored)).store.put('app/x', '1'))).toBe('ok')
})

test('what is missing or wrong in a call is told before anything is sent', async () => {
  const [a] = (await cluster('a')) as [Node]
  const { auth } = a
  expect(await codeOf(auth.userAdd('x', {}))).toBe('InvalidArgument')
  expect(await codeOf(auth.userAdd('x', { password: 'y'.repeat(2_000) }))).toBe('InvalidArgument')
  expect(await codeOf(auth.userAdd(7 as never, { password: 'y' }))).toBe('InvalidArgument')
  expect(await codeOf(auth.roleGrantPermission('app', undefined as never))).toBe('PermissionNotGiven')
  expect(await codeOf(auth.roleGrantPermission('app', { access: 'x' as never, key: 'k' }))).toBe('InvalidArgument')
  expect(await codeOf(auth.roleRevokePermission('app', 'nothing'))).toBe('PermissionNotGranted')
  expect((await auth.roleGet('app')).permissions.map(({ access, key }) => [access, text(key)])).toEqual([
    ['readwrite', 'app/'],
  ])
  expect(await codeOf(users.world.open('z', { authTokenTtlMs: 0 }))).toBe('InvalidArgument')
})
