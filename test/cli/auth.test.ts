/** Users, roles and permissions from the command line, on a real node under virtual time. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { text } from '../../base/index.ts'
import { openNode } from '../../src/node/index.ts'
import type { Node } from '../../src/node/index.ts'
import { World } from '../node/world.ts'
import { simulatedSecrets } from '../../src/testing/secrets.ts'
import { type BoxOptions, type Outcome, runBoxed } from './box.ts'

const world = new World()
let node: Node

beforeAll(async () => {
  const { time } = world
  const ports = { clock: time, scheduler: time, secrets: simulatedSecrets }
  node = await openNode({ sizes: { logSegmentBytes: 1 << 20 }, ports })
  await node.ready()
})

afterAll(async () => {
  await node.close()
  world.stop()
})

const run = (args: string, options: BoxOptions = {}): Promise<Outcome> =>
  runBoxed(args.split(' '), { node, time: world.time, ...options })

test('users get passwords from standard input, roles, and are shown', async () => {
  expect(await run('user add ada', { input: 'lovelace\nmore' })).toMatchObject({ code: 0 })
  expect(await run('user add robot --no-password')).toMatchObject({ code: 0 })
  expect(await run('user add nobody')).toMatchObject({ code: 2, out: '' })
  expect((await run('role add app')).code).toBe(0)
  expect((await run('user grant-role ada app')).code).toBe(0)
  expect(JSON.parse((await run('user get ada -o json')).out)).toEqual({ name: 'ada', roles: ['app'], password: true })
  expect(JSON.parse((await run('user get robot -o json')).out)).toMatchObject({ roles: [], password: false })
  expect((await run('user list -o value')).out).toBe('ada\nrobot\n')
  expect((await run('user revoke-role ada app')).code).toBe(0)
  expect((await run('user revoke-role ada app')).err).toContain('RoleNotGranted')
  expect((await run('user passwd ada', { input: 'king' })).code).toBe(0)
  expect((await run('user delete robot')).code).toBe(0)
  expect((await run('user get robot')).err).toContain('UserNotFound')
})

test('roles get permissions of keys, prefixes, ranges and programs', async () => {
  expect((await run('role add r')).code).toBe(0)
  const grants = ['read k', 'write a c', 'readwrite app/ --prefix', 'read x --from-key', 'write bank --program']
  for (const grant of grants) expect((await run(`role grant-permission r ${grant}`)).code).toBe(0)
  const shown = (await node.auth.roleGet('r')).permissions.map(({ access, key, rangeEnd = new Uint8Array() }) =>
    [access, text(key), text(rangeEnd)].join(' '),
  )
  expect(shown).toEqual(['write \0pbank ', 'write a c', 'readwrite app/ app0', 'read k ', 'read x \0'])
  expect((await run('role get r -o value')).out).toContain('app/\n')
  expect((await run('role revoke-permission r app/ --prefix')).code).toBe(0)
  expect((await run('role revoke-permission r app/')).err).toContain('PermissionNotGranted')
  expect((await run('role grant-permission r read a b --prefix')).code).toBe(2)
  expect((await run('role grant-permission r look a')).code).toBe(2)
  expect((await runBoxed(['role', 'grant-permission', 'r', 'read', ''], { node, time: world.time })).code).toBe(2)
  const all = ['role', 'grant-permission', 'r', 'read', '', '--prefix']
  expect((await runBoxed(all, { node, time: world.time })).code).toBe(0)
  expect((await run('role list -o value')).out).toBe('app\nr\n')
  expect((await run('role delete r')).code).toBe(0)
})

test('permissions come in force and out of it', async () => {
  expect((await run('auth enable')).err).toContain('RootUserNotFound')
  await run('user add root', { input: 'secret' })
  await run('user grant-role root root')
  expect(await run('auth enable')).toMatchObject({ code: 0, out: '' })
  expect(JSON.parse((await run('auth status -o json')).out)).toMatchObject({ enabled: true })
  expect((await run('auth disable')).code).toBe(0)
  expect((await run('auth status -o value')).out).toBe('false\n')
})

test('a user to log in as needs a password from the environment', async () => {
  const as = (args: string, environment: Record<string, string>): Promise<Outcome> => run(args, { environment })
  expect(await as('get k --user ada', {})).toMatchObject({ code: 2, connections: [] })
  expect(await as('get k', { NITROSTATE_USER: 'ada' })).toMatchObject({ code: 2, connections: [] })
  const given = await as('get k --user ada', { NITROSTATE_PASSWORD: 'king', NITROSTATE_USER: 'other' })
  expect(given.logins).toEqual(['ada king'])
  expect((await as('get k', { NITROSTATE_PASSWORD: 'king' })).logins).toEqual([''])
})
