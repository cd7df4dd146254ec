/** Clients that log in, through whatever node, over lost connections and changes of users. */
import { describe, expect, test } from 'vitest'
import { connect } from '../../../src/client/index.ts'
import type { Client, ConnectOptions } from '../../../src/client/index.ts'
import type { Node } from '../../../src/node/index.ts'
import { UsersWorld, codeOf } from './users.ts'

const users = new UsersWorld()
const cluster = users.cluster.bind(users)

const open = (options: Partial<ConnectOptions>, ...names: string[]): Promise<Client> => {
  const transport = users.world.network.transport('client')
  const ports = { clock: users.world.time, scheduler: users.world.time, transport }
  return connect({ endpoints: names.map((name) => `${name}:1`), ports, ...options })
}
const ada = { user: 'ada', password: 'lovelace' }
const root = { user: 'root', password: 'secret' }

describe('a client with user and password', () => {
  test('may what its user may, on every interface', async () => {
    await cluster('a', 'b', 'c')
    await using client = await open(ada, 'a', 'b', 'c')
    await client.store.put('app/x', '1')
    expect((await client.store.get('app/x'))?.text()).toBe('1')
    expect(await codeOf(client.store.put('other', '1'))).toBe('PermissionDenied')
    expect(await codeOf(client.store.get('other'))).toBe('PermissionDenied')
    expect(await codeOf(client.store.watch({ prefix: 'b' }).next())).toBe('PermissionDenied')
    await using lock = await client.sync.lock('app/lock')
    expect(lock.state).toBe('held')
    expect(await codeOf(client.sync.lock('lock'))).toBe('PermissionDenied')
    expect(await codeOf(client.admin.hash())).toBe('PermissionDenied')
    expect(await codeOf(client.admin.removeMember('b'))).toBe('PermissionDenied')
    const snapshot = client.admin.snapshot()[Symbol.asyncIterator]()
    expect(await codeOf(snapshot.next() as Promise<unknown>)).toBe('PermissionDenied')
    expect((await client.auth.userGet('ada')).roles).toEqual(['app'])
    expect(await codeOf(client.auth.userList())).toBe('PermissionDenied')
  })

  test('goes on over changes of users and permissions, and over other nodes', async () => {
    const [a] = (await cluster('a', 'b', 'c')) as [Node]
    await using client = await open(ada, 'a', 'b', 'c')
    await client.store.put('app/x', '1')
    await a.auth.userAdd('other', { noPassword: true })
    await client.store.put('app/x', '2')
    await a.auth.roleAdd('more')
    expect((await client.store.get('app/x'))?.text()).toBe('2')
    const before = client.endpoint
    const left = users.nodes.find((node) => node.address === before) as Node
    await left.close()
    users.nodes = users.nodes.filter((node) => node !== left)
    await client.store.put('app/x', '3')
    expect(client.endpoint).not.toBe(before)
    expect((await client.store.get('app/x'))?.text()).toBe('3')
  })

  test('gets a new token when the old one has had its time', async () => {
    await cluster('a')
    await using client = await open(ada, 'a')
    await client.store.put('app/x', '1')
    await users.world.pass(3_600_000)
    users.world.network.cut('client', 'a')
    await client.store.put('app/x', '2')
    expect((await client.store.get('app/x'))?.text()).toBe('2')
  })

  test('is refused at once when they are wrong', async () => {
    await cluster('a')
    expect(await codeOf(open({ user: 'ada', password: 'byron' }, 'a'))).toBe('AuthFailed')
    expect(await codeOf(open({ token: 'x' }, 'a'))).toBe('InvalidAuthToken')
    for (const wrong of [{ user: 'ada' }, { password: 'x' }, { ...ada, token: 'x' }, { user: '', password: 'x' }]) {
      expect(await codeOf(open(wrong, 'a'))).toBe('InvalidArgument')
    }
  })

  test('serves before permissions are in force, and after', async () => {
    const [a] = (await cluster('a')) as [Node]
    await a.auth.disable()
    await using client = await open(ada, 'a')
    await client.store.put('other', '1')
    await a.auth.enable()
    expect(await codeOf(client.store.put('other', '2'))).toBe('PermissionDenied')
    expect(await codeOf(client.store.put('app/x', '1'))).toBe('ok')
  })

  test('is shut out when its user is gone', async () => {
    const [a] = (await cluster('a')) as [Node]
    await using client = await open(ada, 'a')
    await client.store.put('app/x', '1')
    await a.auth.userDelete('ada')
    expect(await codeOf(client.store.put('app/x', '2'))).toBe('AuthFailed')
    expect(await codeOf(client.store.get('app/x'))).toBe('AuthFailed')
  })
})

test('a client with a token is its user', async () => {
  const [a] = (await cluster('a', 'b')) as [Node]
  const { token } = await a.auth.authenticate('ada', 'lovelace')
  await using client = await open({ token }, 'b')
  await client.store.put('app/x', '1')
  expect(await codeOf(client.store.put('other', '1'))).toBe('PermissionDenied')
})

test('root manages users and the cluster from a client', async () => {
  await cluster('a')
  await using client = await open(root, 'a')
  const { auth } = client
  await auth.userAdd('grace', { password: 'hopper' })
  await auth.userAdd('robot', { noPassword: true })
  await auth.roleAdd('r')
  await auth.roleGrantPermission('r', { access: 'read', key: 'k' })
  await auth.roleGrantPermission('r', { access: 'write', key: 'l', rangeEnd: Uint8Array.of(0) })
  await auth.roleRevokePermission('r', 'k')
  await auth.userGrantRole('grace', 'r')
  await auth.userChangePassword('grace', 'cobol')
  expect(await auth.userList()).toEqual(['ada', 'grace', 'robot', 'root'])
  expect(await auth.userGet('robot')).toEqual({ name: 'robot', roles: [], noPassword: true })
  expect(await auth.roleList()).toEqual(['app', 'r'])
  expect((await auth.roleGet('r')).permissions).toEqual([
    { access: 'write', key: Uint8Array.of(108), rangeEnd: Uint8Array.of(0) },
  ])
  await using grace = await open({ user: 'grace', password: 'cobol' }, 'a')
  expect(await codeOf(grace.store.put('lamp', ''))).toBe('ok')
  await auth.userRevokeRole('grace', 'r')
  await auth.roleDelete('r')
  await auth.userDelete('grace')
  expect(await codeOf(auth.userDelete('grace'))).toBe('UserNotFound')
  expect((await auth.status()).enabled).toBe(true)
  expect(await codeOf(client.admin.hash())).toBe('ok')
  const chunks: Uint8Array[] = []
  for await (const chunk of client.admin.snapshot()) chunks.push(chunk)
  expect(chunks.length).toBeGreaterThan(0)
  await auth.disable()
  expect((await auth.status()).enabled).toBe(false)
})
