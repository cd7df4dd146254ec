import { expect, test } from 'vitest'
import { NitroError } from '../../base/index.ts'
import type { MemberInfo } from '../../src/api/index.ts'
import { nodeStatus, runBoxed } from './box.ts'
import { compareHashes } from '../../src/cli/index.ts'

const endpoints = ['--endpoints', 'a:1,b:2']

test('status asks each endpoint by itself and tells of those that are away', async () => {
  const admin = { status: async () => nodeStatus() }
  const { code, out, err, connections } = await runBoxed(['status', ...endpoints], { admin, down: ['b:2'] })
  expect(code).toBe(0)
  expect(connections).toEqual([['a:1'], ['b:2']])
  expect(out).toBe(
    'ENDPOINT  NAME  ROLE    READY  LEADER  TERM  COMMIT  APPLIED  REVISION  KEYS  UPTIME\n' +
      'a:1       n1    leader  yes    n1         2      10       10         5     3  1m\n',
  )
  expect(err).toBe('b:2: Unavailable: cannot reach b:2\n')
})

test('status shows programs in force where nodes have some', async () => {
  const admin = {
    status: async () => nodeStatus({ active: ['bank 1', 'flag 2'], offered: ['bank 1', 'bank 2', 'flag 2'] }),
  }
  const { out } = await runBoxed(['status', ...endpoints], { admin, down: ['b:2'] })
  expect(out).toMatch(/UPTIME {2}ACTIVE\n.* 1m {6}bank 1, flag 2\n$/)
})

test('status as JSON has every fact, and an error where a node is away', async () => {
  const admin = { status: async () => nodeStatus() }
  const { out } = await runBoxed(['status', ...endpoints, '-o', 'json'], { admin, down: ['b:2'] })
  expect(JSON.parse(out)).toEqual([
    { endpoint: 'a:1', ...nodeStatus() },
    { endpoint: 'b:2', error: 'Unavailable: cannot reach b:2' },
  ])
})

test('status exits with 5 when nobody answers', async () => {
  const { code, out } = await runBoxed(['status', ...endpoints], { down: ['a:1', 'b:2'] })
  expect({ code, out }).toEqual({ code: 5, out: '' })
})

const member = (name: string, address: string): MemberInfo => ({
  ...{ name, id: 1, address, incarnation: 'a'.repeat(32), role: 'voter', connected: true, leader: true, match: 9 },
})

test('status --cluster finds all members through one endpoint', async () => {
  const admin = { status: async () => nodeStatus(), members: async () => [member('n1', 'x:1'), member('n2', 'y:2')] }
  const { connections } = await runBoxed(['status', '--cluster', '--endpoints', 'a:1'], { admin })
  expect(connections).toEqual([['a:1'], ['x:1'], ['y:2']])
})

test('health exits with 5 when one node is not healthy', async () => {
  expect((await runBoxed(['health', ...endpoints])).code).toBe(0)
  const { code, out } = await runBoxed(['health', ...endpoints, '-o', 'json'], { down: ['b:2'] })
  expect(code).toBe(5)
  expect(JSON.parse(out)).toMatchObject([
    { endpoint: 'a:1', healthy: true },
    { endpoint: 'b:2', healthy: false },
  ])
})

test('hashes are compared only at equal indexes', () => {
  const at = (index: number, hash: string): { name: string; index: number; revision: number; hash: string } => ({
    ...{ name: 'n', revision: 1, index, hash },
  })
  expect(compareHashes([at(1, 'x'), at(1, 'x'), at(2, 'z')])).toBe('agree')
  expect(compareHashes([at(1, 'x'), at(1, 'y')])).toBe('differ')
  expect(compareHashes([at(1, 'x'), at(2, 'y')])).toBe('not comparable')
})

test('hash exits with 1 when states differ', async () => {
  let calls = 0
  const admin = { hash: async () => ({ name: 'n', index: 7, revision: 3, hash: String(calls++) }) }
  const { code, err } = await runBoxed(['hash', ...endpoints], { admin })
  expect(code).toBe(1)
  expect(err).toContain('DIFFER')
})

test('member list leaves incarnations to JSON', async () => {
  const admin = { members: async () => [member('n1', 'x:1')] }
  const table = await runBoxed(['member', 'list'], { admin })
  expect(table.out).toBe(
    'NAME  ID  ADDRESS  ROLE   LEADER  CONNECTED  MATCH\nn1     1  x:1      voter  yes     yes            9\n',
  )
  const json = await runBoxed(['member', 'list', '-o', 'json'], { admin })
  expect(JSON.parse(json.out)).toEqual([member('n1', 'x:1')])
})

test('member changes pass their arguments on and say what comes next', async () => {
  const calls: unknown[] = []
  const admin = {
    addMember: async (name: string, address: string) => void calls.push(['add', name, address]),
    promoteMember: async (name: string) => void calls.push(['promote', name]),
    removeMember: async (name: string) => void calls.push(['remove', name]),
    updateMember: async (name: string, address: string) => void calls.push(['update', name, address]),
    replaceMember: async (name: string, address?: string) => void calls.push(['replace', name, address]),
    members: async () => [member('n4', 'f:6')],
    transferLeadership: async (to?: string) => {
      calls.push(['transfer', to])
      return 'n2'
    },
  }
  const run = (...args: string[]): ReturnType<typeof runBoxed> => runBoxed([...args, '--endpoints', 'a:1'], { admin })
  const added = await run('member', 'add', 'n4', 'd:4')
  expect(added.err).toContain('nitrostate server --name n4 --data-dir data/n4 --listen d:4 --join a:1')
  await run('member', 'promote', 'n4')
  await run('member', 'remove', 'n4')
  const replaced = await run('member', 'replace', 'n4')
  expect(replaced.err).toContain('--listen f:6 --join a:1')
  await run('member', 'replace', 'n4', 'e:5')
  expect((await run('transfer', '-o', 'value')).out).toBe('n2\n')
  expect(calls).toEqual([
    ['add', 'n4', 'd:4'],
    ['promote', 'n4'],
    ['remove', 'n4'],
    ['replace', 'n4', undefined],
    ['replace', 'n4', 'e:5'],
    ['transfer', undefined],
  ])
})

test('a member that is not there exits with 3', async () => {
  const admin = {
    async removeMember() {
      throw new NitroError('MemberUnknown', 'no member "n9"')
    },
  }
  expect((await runBoxed(['member', 'remove', 'n9'], { admin })).code).toBe(3)
})
