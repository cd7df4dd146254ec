import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfigFile, resolveServerOptions, settingNames, settings } from '../../src/server/index.ts'

const dataDir = 'data/n1'

test('flags win over environment, environment over file, file over defaults', () => {
  const file = { path: 'c.json', content: { dataDir: 'from-file', name: 'file', logLevel: 'warn' } }
  const environment = { NITROSTATE_NAME: 'environment', NITROSTATE_LOG_LEVEL: 'error' }
  const options = resolveServerOptions({ flags: { name: 'flag' }, environment, file })
  expect([options.name, options.logLevel, options.dataDir, options.logFormat]).toEqual([
    'flag',
    'error',
    'from-file',
    'auto',
  ])
})

test('an empty variable counts as not given', () => {
  expect(resolveServerOptions({ flags: { dataDir }, environment: { NITROSTATE_NAME: '' } }).name).toBe('n1')
})

test('without membership the server is one node on the usual address', () => {
  const { name, listen, peers, join: joined } = resolveServerOptions({ flags: { dataDir } })
  expect({ name, listen, peers, joined }).toEqual({
    name: 'n1',
    listen: '127.0.0.1:7401',
    peers: undefined,
    joined: undefined,
  })
})

test('a node listens on its own address in the list of peers unless told otherwise', () => {
  const flags = { dataDir, name: 'n2', peers: 'n1=127.0.0.1:1, n2=127.0.0.1:2' }
  expect(resolveServerOptions({ flags })).toMatchObject({
    listen: '127.0.0.1:2',
    peers: { n1: '127.0.0.1:1', n2: '127.0.0.1:2' },
  })
  expect(resolveServerOptions({ flags: { ...flags, listen: '127.0.0.1:9' } }).listen).toBe('127.0.0.1:9')
})

test('every setting can be given in each of its three ways', () => {
  const samples: Record<string, string> = {
    name: 'n1',
    dataDir: 'd',
    listen: '127.0.0.1:1',
    advertise: 'h:2',
    peers: 'n1=h:1',
    join: 'h:1,h:2',
    learner: 'true',
    insecure: 'yes',
    programs: 'a.js,b.js',
    tickMs: '20',
    electionTimeoutMs: '300',
    logLevel: 'debug',
    logFormat: 'json',
    shutdownGraceMs: '1000',
    exitWithParent: '1',
  }
  expect(Object.keys(samples)).toEqual([...settingNames])
  for (const key of settingNames) {
    const value = samples[key]
    const base = { ...(key === 'dataDir' ? {} : { dataDir }), ...(key === 'learner' ? { join: 'h:1' } : {}) }
    const byFlag = resolveServerOptions({ flags: { ...base, [key]: value } })
    const byEnvironment = resolveServerOptions({ flags: base, environment: { [settings[key].environment]: value } })
    const byFile = resolveServerOptions({ flags: base, file: { path: 'c.json', content: { [key]: value } } })
    expect(byFlag[key], key).not.toEqual(undefined)
    expect(byEnvironment, key).toEqual(byFlag)
    expect(byFile, key).toEqual(byFlag)
  }
})

test('a file may use JSON types where text stands elsewhere', () => {
  const content = { dataDir, peers: { n1: 'h:1' }, insecure: true, tickMs: 25, programs: ['a.js'] }
  expect(resolveServerOptions({ file: { path: 'c.json', content } })).toMatchObject({
    peers: { n1: 'h:1' },
    insecure: true,
    tickMs: 25,
    programs: ['a.js'],
  })
})

test('what is wrong is refused with the place it came from', () => {
  const wrong: [Record<string, unknown>, string][] = [
    [{}, '--data-dir is required'],
    [{ dataDir, name: 'a b' }, '--name'],
    [{ dataDir, name: '__proto__=' }, '--name'],
    [{ dataDir, listen: 'http://a:1' }, '--listen: expected host:port (without a scheme)'],
    [{ dataDir, listen: 'a' }, '--listen'],
    [{ dataDir, listen: 'a:70000' }, '--listen'],
    [{ dataDir, advertise: 'a:0' }, '--advertise'],
    [{ dataDir, peers: 'n1' }, '--peers'],
    [{ dataDir, peers: 'n1=h:1,n1=h:2' }, '"n1" stands twice'],
    [{ dataDir, peers: 'n1=h:1,n2=h:1' }, 'same address'],
    [{ dataDir, peers: 'n2=h:1' }, 'the list has no "n1"'],
    [{ dataDir, peers: 'n1=h:1', join: 'h:2' }, 'not both'],
    [{ dataDir, join: 'h:2,,h:3' }, '--join'],
    [{ dataDir, learner: true }, '--learner'],
    [{ dataDir, tickMs: '0' }, '--tick-ms'],
    [{ dataDir, tickMs: '1.5' }, '--tick-ms'],
    [{ dataDir, logLevel: 'loud' }, 'must be one of debug, info, warn, error, silent'],
  ]
  for (const [flags, message] of wrong)
    expect(() => resolveServerOptions({ flags }), JSON.stringify(flags)).toThrow(message)
  expect(() => resolveServerOptions({ flags: { dataDir }, environment: { NITROSTATE_INSECURE: 'perhaps' } })).toThrow(
    'NITROSTATE_INSECURE',
  )
  const unknown = { path: 'c.json', content: { dataDir, lissten: 'x' } }
  expect(() => resolveServerOptions({ file: unknown })).toThrow('unknown key "lissten" in c.json')
  expect(() => resolveServerOptions({ file: { path: 'c.json', content: [] } })).toThrow('one JSON object')
  expect(() => resolveServerOptions({ file: { path: 'c.json', content: { dataDir, tickMs: true } } })).toThrow(
    '"tickMs" in c.json',
  )
})

test('a configuration file that is missing or no JSON is refused by name', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'nitrostate-options-'))
  try {
    const path = join(directory, 'c.json')
    await expect(readConfigFile(path)).rejects.toThrow(`cannot read the configuration file ${path}`)
    await writeFile(path, '{ name: ')
    await expect(readConfigFile(path)).rejects.toThrow(`${path} is not JSON`)
    await writeFile(path, '{"name":"n7"}')
    expect(await readConfigFile(path)).toEqual({ path, content: { name: 'n7' } })
  } finally {
    await rm(directory, { recursive: true })
  }
})
