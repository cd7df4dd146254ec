import { expect, test } from 'vitest'
import { NitroError, errorCodes, type ErrorCode } from '../../base/index.ts'
import { FakeStore } from './fake-store.ts'
import { runBoxed } from './box.ts'
import { errorText, exitCodeFor, exitCodes } from '../../src/cli/index.ts'

test('usage errors exit with 2, print nothing on standard output and never connect', async () => {
  const lines = [
    ['gett'],
    ['get'],
    ['get', 'a', 'b'],
    ['get', 'a', '--nonsense'],
    ['get', 'a', '-o', 'xml'],
    ['get', 'a', '--timeout', 'soon'],
    ['get', 'a', '--consistency', 'eventual'],
    ['get', 'a', '--endpoints', 'http://127.0.0.1:7401'],
    ['get', 'a', '--endpoints', '127.0.0.1'],
    ['range', '--limit', '0'],
    ['range', '--limit', '-1'],
    ['member', 'add', 'n4', 'nowhere'],
    ['member'],
    ['bench', 'put', '--clients', '0'],
    ['bench', 'put', '--key-size', '2', '--key-space', '101'],
    ['server', '--endpoints', '127.0.0.1:1'],
    ['server'],
    [],
  ]
  for (const args of lines) {
    const { code, out, err } = await runBoxed(args)
    expect({ args, code, out }).toEqual({ args, code: 2, out: '' })
    expect(err).not.toBe('')
    expect(err).not.toContain('    at ')
  }
})

test('a misspelt command is answered with the one that was meant', async () => {
  expect((await runBoxed(['gett'])).err).toContain('Did you mean get?')
})

test('help and version go to standard output with exit code 0', async () => {
  for (const args of [['--help'], ['get', '--help'], ['member', 'add', '-h']]) {
    const { code, out, err } = await runBoxed(args)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('Usage: nitrostate')
  }
  expect((await runBoxed(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('endpoints come from the flag, else the environment, else a local cluster', async () => {
  const store = new FakeStore()
  await store.put('a', 'x')
  const environment = { NITROSTATE_ENDPOINTS: 'b:1,c:2' }
  const byFlag = await runBoxed(['get', 'a', '--endpoints', 'a:1'], { store, environment })
  const beforeCommand = await runBoxed(['--endpoints', 'a:1', 'get', 'a'], { store, environment })
  const byEnvironment = await runBoxed(['get', 'a'], { store, environment })
  const byDefault = await runBoxed(['get', 'a'], { store, environment: { NITROSTATE_ENDPOINTS: '' } })
  expect(byFlag.connections).toEqual([['a:1']])
  expect(beforeCommand.connections).toEqual([['a:1']])
  expect(byEnvironment.connections).toEqual([['b:1', 'c:2']])
  expect(byDefault.connections).toEqual([['127.0.0.1:7401', '127.0.0.1:7402', '127.0.0.1:7403']])
})

test('every connection is closed, also after an error', async () => {
  expect((await runBoxed(['get', 'nobody'])).closed).toBe(1)
})

test('an unreachable cluster exits with 5 and says what to try', async () => {
  const { code, out, err } = await runBoxed(['get', 'a', '--endpoints', 'a:1'], { down: ['a:1'] })
  expect({ code, out }).toEqual({ code: 5, out: '' })
  expect(err).toBe(
    'error: Unavailable: cannot reach a:1\n' +
      'hint: is the cluster running at --endpoints? see "nitrostate status"; "nitrostate dev" starts one here\n',
  )
})

test('endpoints that cannot be reached for one reason are named together', () => {
  const refused = (at: string): string => `${at}: Unavailable, cannot reach ${at}: connect ECONNREFUSED ${at}`
  const endpoints = [
    refused('a:1'),
    'b:2: WrongCluster, n2 belongs to another cluster',
    refused('c:3'),
    'd:4: no answer yet',
  ]
  const error = new NitroError('Unavailable', endpoints.join('; '), { details: { endpoints } })
  expect(errorText(error).split('\n')[0]).toBe(
    'error: Unavailable: no endpoint can be reached; a:1, c:3: connection refused; ' +
      'b:2: n2 belongs to another cluster; d:4: no answer yet',
  )
})

test('retryable errors say "try later" by exit code 5, except those only waiting for an operator', () => {
  const operator: ErrorCode[] = ['MembershipChangePending', 'LearnerNotReady']
  for (const [code, { retryable }] of Object.entries(errorCodes)) {
    const name = code as ErrorCode
    if (operator.includes(name)) continue
    expect({ name, unavailable: exitCodeFor(new NitroError(name, 'x')) === exitCodes.unavailable }).toEqual({
      name,
      unavailable: retryable,
    })
  }
})

test('a timeout says that the write may still happen', () => {
  expect(errorText(new NitroError('Timeout', 'no answer after 10 s'))).toContain('(it may still happen)')
})
