/** The Cluster, Maintenance and health services, as clients of etcd know them. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MemoryFiles, nodeCrypto, verifySnapshotFile } from '../../../src/storage/index.ts'
import { bytes, openWorld } from './world.ts'
import type { World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld({ name: 'n1', advertise: '127.0.0.1:7401' })
})
afterAll(() => world.close())

const cluster = 'etcdserverpb.Cluster'
const maintenance = 'etcdserverpb.Maintenance'
const put = (key: string, value: string) =>
  world.caller.ok('etcdserverpb.KV/Put', 'PutRequest', { key: bytes(key), value: bytes(value) })

describe('members', () => {
  const list = (linearizable = false) => world.caller.ok(`${cluster}/MemberList`, 'MemberListRequest', { linearizable })

  test('are listed with their addresses, those of clients without a scheme', async () => {
    for (const linearizable of [false, true]) {
      const { members, header } = await list(linearizable)
      expect(members).toMatchObject([
        { ID: 1, name: 'n1', peerURLs: ['http://127.0.0.1:7401'], clientURLs: ['127.0.0.1:7401'], isLearner: false },
      ])
      expect(header?.member_id).toBe(1)
    }
  })

  test('are added, moved and removed by their ids', async () => {
    const add = (peerURLs: readonly string[], isLearner = false) =>
      world.caller.call(`${cluster}/MemberAdd`, 'MemberAddRequest', { peerURLs, isLearner })
    const { response } = await add(['http://127.0.0.1:7402'], true)
    const ID = response?.member?.ID ?? 0
    expect(response?.member).toMatchObject({ name: 'member-127.0.0.1-7402', isLearner: true, clientURLs: [] })
    expect(response?.members.map(({ name }) => name)).toEqual(['n1', ''])
    expect(await add(['http://127.0.0.1:7402'])).toMatchObject({
      code: 9,
      text: 'etcdserver: Peer URLs already exists',
    })
    const badUrls = { code: 3, text: 'etcdserver: given member URLs are invalid' }
    expect(await add([])).toMatchObject(badUrls)
    expect(await add(['https://127.0.0.1:7403'])).toMatchObject(badUrls)
    expect(await add(['http://127.0.0.1:7403', 'http://127.0.0.1:7404'])).toMatchObject(badUrls)

    const update = (id: number, url: string) =>
      world.caller.call(`${cluster}/MemberUpdate`, 'MemberUpdateRequest', { ID: id, peerURLs: [url] })
    expect((await update(ID, 'http://127.0.0.1:7405')).response?.members[1]?.peerURLs).toEqual([
      'http://127.0.0.1:7405',
    ])
    expect((await update(ID, '127.0.0.1:7405')).code).toBe(0)
    expect(await update(ID, 'http://127.0.0.1:7401')).toMatchObject({
      code: 9,
      text: 'etcdserver: Peer URLs already exists',
    })

    const promote = (id: number) => world.caller.call(`${cluster}/MemberPromote`, 'MemberPromoteRequest', { ID: id })
    expect(await promote(ID)).toMatchObject({
      code: 9,
      text: 'etcdserver: can only promote a learner member which is in sync with leader',
    })
    expect(await promote(1)).toMatchObject({ code: 9, text: 'etcdserver: can only promote a learner member' })

    const remove = (id: number) => world.caller.call(`${cluster}/MemberRemove`, 'MemberRemoveRequest', { ID: id })
    expect((await remove(ID)).response?.members).toHaveLength(1)
    const unknown = { code: 5, text: 'etcdserver: member not found' }
    expect(await remove(ID)).toMatchObject(unknown)
    expect(await promote(99)).toMatchObject(unknown)
    expect(await update(99, 'http://127.0.0.1:1')).toMatchObject(unknown)
  })
})

describe('maintenance', () => {
  test('tells the status of the node', async () => {
    const { commitIndex, appliedIndex, term } = world.node.status()
    const status = await world.caller.ok(`${maintenance}/Status`, 'StatusRequest', {})
    expect(status).toMatchObject({ leader: 1, raftTerm: term, errors: [], isLearner: false })
    expect(status.raftIndex).toBeGreaterThanOrEqual(commitIndex)
    expect(status.raftAppliedIndex).toBeGreaterThanOrEqual(appliedIndex)
    expect(status.version).toMatch(/^3\.\d+\.\d+$/)
    expect(status.dbSize).toBeGreaterThan(0)
    world.leaderless = true
    expect(await world.caller.ok(`${maintenance}/Status`, 'StatusRequest', {})).toMatchObject({
      leader: 0,
      errors: ['etcdserver: no leader'],
    })
    world.leaderless = false
  })

  test('has no alarms, and defragments by itself', async () => {
    const alarm = (action: number) =>
      world.caller.call(`${maintenance}/Alarm`, 'AlarmRequest', { action, memberID: 0, alarm: 1 })
    expect((await alarm(0)).response?.alarms).toEqual([])
    expect((await alarm(2)).response?.alarms).toEqual([])
    expect(await alarm(1)).toMatchObject({ code: 12, text: 'etcdserver: alarms can not be raised' })
    expect((await world.caller.ok(`${maintenance}/Defragment`, 'DefragmentRequest', {})).header).not.toBeNull()
  })

  test('hashes the keys as of a revision: the same whatever came later or was forgotten', async () => {
    const hash = (revision = 0) => world.caller.call(`${maintenance}/HashKV`, 'HashKVRequest', { revision })
    await put('hash/1', 'x')
    const at = (await put('hash/2', 'y')).header?.revision ?? 0
    const { response: first } = await hash()
    expect(first).toMatchObject({ hash_revision: at, compact_revision: -1 })
    await put('hash/1', 'z')
    const { response: later } = await hash()
    expect(later?.hash).not.toBe(first?.hash)
    expect((await hash(at)).response?.hash).toBe(first?.hash)
    await world.caller.ok('etcdserverpb.KV/Compact', 'CompactionRequest', { revision: at })
    expect((await hash(at)).response).toMatchObject({ hash: first?.hash, compact_revision: at })
    expect(await hash(at - 1)).toMatchObject({
      code: 11,
      text: 'etcdserver: mvcc: required revision has been compacted',
    })
    expect(await hash(at + 50)).toMatchObject({
      code: 11,
      text: 'etcdserver: mvcc: required revision is a future revision',
    })
    const whole = await world.caller.ok(`${maintenance}/Hash`, 'HashRequest', {})
    expect(whole.hash).toBe(Number.parseInt((await world.node.admin.hash()).hash.slice(0, 8), 16))
  })

  test('moves the leader to a voter only', async () => {
    const move = (targetID: number) => world.caller.call(`${maintenance}/MoveLeader`, 'MoveLeaderRequest', { targetID })
    expect((await move(1)).code).toBe(0)
    expect(await move(9)).toMatchObject({ code: 9, text: 'etcdserver: bad leader transferee' })
    world.leaderless = true
    expect(await move(1)).toMatchObject({ code: 9, text: 'etcdserver: not leader' })
    world.leaderless = false
  })

  test('streams a snapshot that ends as clients of etcd demand, and that the store takes back', async () => {
    const value = 'v'.repeat(200_000)
    for (let i = 0; i < 5; i++) await put(`snapshot/${i}`, value)
    const call = world.caller.open(`${maintenance}/Snapshot`, 'SnapshotRequest')
    call.send({})
    call.end()
    const { code } = await call.outcome
    expect(code).toBe(0)
    const blobs: Uint8Array[] = []
    while (call.pending > 0) blobs.push((await call.next()).blob)
    const file = Buffer.concat(blobs)
    expect(file.length % 512).toBe(32)
    expect(file.subarray(-32)).toEqual(createHash('sha256').update(file.subarray(0, -32)).digest())
    const files = new MemoryFiles()
    await files.makeDirectory('d')
    const saved = await files.open('d/saved', { create: true })
    await saved.write(0, file)
    await saved.close()
    const info = await verifySnapshotFile(files, 'd/saved', nodeCrypto)
    expect(info.revision).toBe(world.node.status().revision)
    const cutShort = await files.open('d/cut', { create: true })
    await cutShort.write(0, file.subarray(0, file.length - 1000))
    await cutShort.close()
    await expect(verifySnapshotFile(files, 'd/cut', nodeCrypto)).rejects.toMatchObject({ code: 'SnapshotInvalid' })
  })
})

describe('health', () => {
  const check = (service: string) => world.caller.call('grpc.health.v1.Health/Check', 'HealthCheckRequest', { service })

  test('is good while the node serves, and not without a leader', async () => {
    expect((await check('')).response?.status).toBe(1)
    world.leaderless = true
    expect((await check('')).response?.status).toBe(2)
    world.leaderless = false
    expect(await check('nothing')).toMatchObject({ code: 5, text: 'unknown service' })
  })

  test('is followed through its changes', async () => {
    const call = world.caller.open('grpc.health.v1.Health/Watch', 'HealthCheckRequest')
    call.send({ service: '' })
    call.end()
    expect((await call.next()).status).toBe(1)
    world.leaderless = true
    await world.time.pass(1_000)
    expect((await call.next()).status).toBe(2)
    world.leaderless = false
    await world.time.pass(2_000)
    expect((await call.next()).status).toBe(1)
    expect(call.pending).toBe(0)
    call.cancel()
  })
})
