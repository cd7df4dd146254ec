/** Commands over history, transactions, watches and leases, on a real node under virtual time. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { NitroError, text } from '../../base/index.ts'
import type { CliContext } from '../../src/cli/index.ts'
import { openNode } from '../../src/node/index.ts'
import type { Node } from '../../src/node/index.ts'
import { World } from '../node/world.ts'
import { type BoxOptions, type Outcome, runBoxed } from './box.ts'

const world = new World()
const directory = mkdtempSync(join(tmpdir(), 'nitrostate-cli-'))
let node: Node

beforeAll(async () => {
  const { time } = world
  node = await openNode({ sizes: { logSegmentBytes: 1 << 20 }, ports: { clock: time, scheduler: time } })
  await node.ready()
})

afterAll(async () => {
  await node.close()
  world.stop()
  rmSync(directory, { recursive: true })
})

beforeEach(async () => {
  await node.store.deleteRange({})
  for (const id of await node.leases.list()) await node.leases.revoke(id)
})

const run = (args: string, options: BoxOptions = {}): Promise<Outcome> =>
  runBoxed(args.split(' '), { node, time: world.time, ...options })

describe('history', () => {
  test('get and range read the past', async () => {
    const { revision } = await node.store.put('a', '1')
    await node.store.put('a', '2')
    await node.store.put('b', '1')
    expect((await run(`get a --rev ${revision}`)).out).toBe('1')
    expect((await run(`range -o value --rev ${revision}`)).out).toBe('1\n')
    expect((await run(`range --count -o value --rev ${revision}`)).out).toBe('1\n')
    const future = await run('get a --rev 1000000000')
    expect(future.code).toBe(1)
    expect(future.err).toContain('FutureRevision')
  })

  test('range orders and filters', async () => {
    const first = await node.store.put('a', '3')
    const { revision } = await node.store.put('b', '1')
    await node.store.put('c', '2')
    const values = async (flags: string): Promise<string> => (await run(`range -o value ${flags}`)).out
    expect(await values('--sort value')).toBe('1\n2\n3\n')
    expect(await values('--sort mod --reverse --limit 2')).toBe('2\n1\n')
    expect(await values(`--min-mod ${revision}`)).toBe('1\n2\n')
    expect(await values(`--max-create ${revision} --min-create ${first.revision}`)).toBe('3\n1\n')
    expect((await run('range --sort size')).code).toBe(2)
  })

  test('history shows the versions of a key in every format', async () => {
    const { revision } = await node.store.put('h', 'one')
    await node.store.delete('h')
    await node.store.put('h', 'two')
    const lines = (await run('history h --limit 3')).out.split('\n')
    expect(lines.map((line) => line.split(/ +/).filter((cell) => cell !== ''))).toEqual([
      ['REVISION', 'TYPE', 'VERSION', 'LEASE', 'VALUE'],
      [String(revision + 2), 'put', '1', '0', 'two'],
      [String(revision + 1), 'delete', '-', '-', '-'],
      [String(revision), 'put', '1', '0', 'one'],
      [],
    ])
    expect(JSON.parse((await run('history h --limit 2 -o json')).out)).toEqual([
      { revision: revision + 2, type: 'put', version: 1, lease: 0, value: 'two' },
      { revision: revision + 1, type: 'delete' },
    ])
    expect((await run(`history h --rev ${revision} --limit 1 -o jsonl`)).out).toBe(
      `{"revision":${revision},"type":"put","version":1,"lease":0,"value":"one"}\n`,
    )
    expect((await run('history h --limit 3 -o value')).out).toBe('two\n\none\n')
    expect((await run('history nothing')).code).toBe(3)
  })

  test('compact forgets what was before', async () => {
    const { revision: first } = await node.store.put('a', '1')
    const { revision } = await node.store.put('a', '2')
    const compact = await run(`compact ${revision} -o json`)
    expect(JSON.parse(compact.out)).toEqual({ compactRevision: revision, revision })
    const past = await run(`get a --rev ${first}`)
    expect(past.code).toBe(1)
    expect(past.err).toContain('error: Compacted')
    expect((await run(`compact ${revision + 100}`)).err).toContain('FutureRevision')
    expect((await run('compact zero')).code).toBe(2)
  })
})

describe('txn', () => {
  const claim = 'if\n  version jobs/7 = 0\nthen\n  put jobs/7 "mine, all mine"\n  put jobs/last 7\nelse\n  get jobs/7\n'

  test('runs what is written as lines', async () => {
    const first = await run('txn', { input: claim })
    expect(first).toMatchObject({ code: 0, err: '' })
    expect(first.out).toMatch(/^succeeded  yes\nrevision {3}\d+\nput\nput\n$/)
    expect((await node.store.get('jobs/7'))?.text()).toBe('mine, all mine')
    const second = await run('txn', { input: claim })
    expect(second.out).toMatch(/^succeeded  no\nrevision {3}\d+\nget\n {2}jobs\/7 {2}mine, all mine\n$/)
    expect((await run('txn -o value', { input: claim })).out).toBe('false\n')
  })

  test('the same as JSON gives the same, as JSON', async () => {
    await node.store.put('a', '1')
    const document = {
      if: [
        { test: 'value', key: 'a', is: '=', to: '1' },
        { test: 'missing', prefix: 'locks/' },
        { test: 'mod', start: 'a', end: 'b', is: '>', to: 0 },
      ],
      then: [
        { op: 'put', key64: '/w==', value: 'x', prev: true },
        { op: 'del', key: 'a', prev: true },
        { op: 'range', prefix: '', limit: 10, keysOnly: true },
        { op: 'txn', if: [{ test: 'exists', key: 'b' }], else: [{ op: 'get', key: 'b' }] },
      ],
    }
    const { code, out } = await run('txn -o json', { input: JSON.stringify(document) })
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      succeeded: true,
      results: [
        { op: 'put' },
        { op: 'del', deleted: 1, previous: [{ key: 'a', value: '1', version: 1 }] },
        { op: 'range', count: 1, more: false, entries: [{ key64: '/w==', value: '' }] },
        { op: 'txn', succeeded: false, results: [{ op: 'get', entry: null }] },
      ],
    })
    expect((await run('txn -o jsonl', { input: '{"then":[{"op":"get","key":"b"}]}' })).out).toMatch(
      /^\{"succeeded":true,"revision":\d+,"results":\[\{"op":"get","entry":null\}\]\}\n$/,
    )
  })

  test('lines can say all that JSON can', async () => {
    const { revision } = await node.store.put('r/1', 'one')
    await node.leases.grant({ ttl: 60_000, id: 12 })
    const input = `
      # comments, and keys that look like keywords
      if
        value r/1 = one          # behind a line, too
        mod prefix r/ = ${revision}
        create from r to s < ${revision + 1}
        lease r/1 = 0
        missing "prefix"
      then
        put "prefix" "line\\nbreak" lease 12 prev
        put a#b c
        range prefix r/ rev ${revision} limit 5 sort mod reverse
        range r/1 count-only
        del from x
        txn
          if
            exists nothing
          then
            put never x
          else
            txn
              then
                get r/1 rev ${revision}
            end
        end
`
    const { code, out, err } = await run('txn -o json', { input })
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect((JSON.parse(out) as { results: unknown[] }).results).toMatchObject([
      { op: 'put' },
      { op: 'put' },
      { op: 'range', entries: [{ key: 'r/1' }] },
      { op: 'range', count: 1, entries: [] },
      { op: 'del', deleted: 0 },
      { op: 'txn', succeeded: false, results: [{ op: 'txn', results: [{ op: 'get', entry: { value: 'one' } }] }] },
    ])
    expect(await node.store.get('prefix')).toMatchObject({ lease: 12 })
    expect((await node.store.get('prefix'))?.text()).toBe('line\nbreak')
    expect((await node.store.get('a#b'))?.text()).toBe('c')
  })

  test('what is wrong is named with its place, and nothing is run', async () => {
    const wrong: readonly (readonly [input: string, says: string])[] = [
      ['', 'standard input is empty'],
      ['put a 1', 'line 1: the first line must be'],
      ['then\n  set a 1', 'line 2: "set" is no operation'],
      ['then\n  put a', 'line 2: a value is missing'],
      ['then\n  put a 1 forever', 'line 2: "forever" has no meaning here'],
      ['then\n  put a "1', 'line 2: "1 is no quoted word'],
      ['then\n  put "a"b 1', 'line 2: "a" is no quoted word'],
      ['if\n  version a = x', 'line 2: "x" is no whole number'],
      ['if\n  version a ~ 1', 'condition 1: "is" is "~"'],
      ['if\n  size a = 1', 'condition 1: "test" is "size"'],
      ['then\n  txn\n  then', 'a "txn" has no "end"'],
      ['then\n  put a 1\n  put a 2', 'InvalidArgument'],
      ['{"then": [', 'standard input is no JSON'],
      ['{"then": {}}', 'the transaction: "then" must be a list'],
      ['{"than": []}', 'the transaction: "than" has no meaning here'],
      ['{"then": [{"op": "put", "key": "a", "value": "1", "ttl": 5}]}', 'then 1: "ttl" has no meaning here'],
      ['{"then": [{"op": "del"}]}', 'give one of: "key", "prefix", "start" and "end"'],
      ['{"then": [{"op": "get", "key64": "!"}]}', '"key64" is not base64'],
      ['{"if": [{"test": "version", "key": "a", "is": "=", "to": "0"}]}', '"to" must be a whole number'],
    ]
    for (const [input, says] of wrong) {
      const { code, out, err } = await run('txn', { input })
      expect({ input, code, out }).toEqual({ input, code: 2, out: '' })
      expect(err).toContain(says)
    }
    expect((await node.store.range()).count).toBe(0)
  })
})

describe('watch', () => {
  test('prints events in every format, from a revision on', async () => {
    const { revision } = await node.store.put('w/1', 'one')
    await node.store.put('w/1', Uint8Array.of(255))
    await node.store.delete('w/1')
    const watch = (flags: string): Promise<Outcome> => run(`watch --prefix w/ --rev ${revision} --limit 3 ${flags}`)
    expect(await watch('--prev')).toMatchObject({
      code: 0,
      out:
        `${revision}  put     w/1  one\n` +
        `${revision + 1}  put     w/1  0xff  (was one)\n` +
        `${revision + 2}  delete  w/1  (was 0xff)\n`,
    })
    expect((await watch('-o jsonl')).out.split('\n').map((line) => line && (JSON.parse(line) as unknown))).toEqual([
      { revision, type: 'put', key: 'w/1', version: 1, lease: 0, value: 'one' },
      { revision: revision + 1, type: 'put', key: 'w/1', version: 2, lease: 0, value64: '/w==' },
      { revision: revision + 2, type: 'delete', key: 'w/1' },
      '',
    ])
    expect((await run(`watch w/1 --rev ${revision} --limit 1 -o value`)).out).toBe('one\n')
    expect((await run(`watch w/1 --rev ${revision} --limit 1 -o json`)).out).toContain('  "type": "put"')
    expect((await run(`watch --rev ${revision} --filter delete --limit 1 -o jsonl`)).out).toContain('"type":"delete"')
  })

  test('runs a command for each event, with what happened in its environment and the value as input', async () => {
    const { revision } = await node.store.put('w/1', 'one')
    await node.store.delete('w/1')
    const runs: string[] = []
    const runChild: CliContext['runChild'] = ({ command, args, environment, input }) => {
      const { NITROSTATE_EVENT: event, NITROSTATE_KEY: key, NITROSTATE_REVISION: at } = environment
      runs.push(`${[command, ...args].join(' ')}: ${event} ${key} ${at} ${text(input)}`)
      return Promise.resolve(0)
    }
    const { code, out } = await run(`watch --rev ${revision} --limit 2 -- ./reload --fast -o x`, { runChild })
    expect({ code, out }).toEqual({ code: 0, out: '' })
    expect(runs).toEqual([
      `./reload --fast -o x: put w/1 ${revision} one`,
      `./reload --fast -o x: delete w/1 ${revision + 1} `,
    ])
  })

  test('ends with the exit code of a command that fails, and handles that event again after a resume', async () => {
    const mark = join(directory, 'mark')
    const { revision } = await node.store.put('w/1', 'one')
    await node.store.put('w/1', 'two')
    await node.store.put('w/1', 'three')
    const seen: string[] = []
    const failing =
      (bad: string): CliContext['runChild'] =>
      ({ input }) => {
        seen.push(text(input))
        return Promise.resolve(text(input) === bad ? 7 : 0)
      }
    const first = await run(`watch w/1 --rev ${revision} --resume ${mark} -- cmd`, { runChild: failing('two') })
    expect(first.code).toBe(7)
    expect(readFileSync(mark, 'utf8')).toBe(`${revision}\n`)
    await run(`watch w/1 --resume ${mark} --limit 2 -- cmd`, { runChild: failing('') })
    expect(seen).toEqual(['one', 'two', 'two', 'three'])
    expect(readFileSync(mark, 'utf8')).toBe(`${revision + 2}\n`)

    expect((await run(`watch w/1 --rev 5 --resume ${mark}`)).code).toBe(2)
    writeFileSync(mark, 'nonsense')
    expect((await run(`watch w/1 --resume ${mark}`)).err).toContain('holds no revision')
    seen.length = 0
    const goesOn = await run(`watch w/1 --rev ${revision} --limit 3 --keep-going -- cmd`, { runChild: failing('two') })
    expect({ code: goesOn.code, seen }).toEqual({ code: 0, seen: ['one', 'two', 'three'] })
  })

  test('Ctrl-C ends it with exit code 0, and a compacted beginning is an error', async () => {
    let interrupt: () => void = () => {}
    const watching = run('watch', { onInterrupt: (call) => (interrupt = call) })
    await world.pass(1_000)
    interrupt()
    const { code, err } = await watching
    expect(code).toBe(0)
    expect(err).toContain('Watching what comes after revision')

    await node.store.put('a', '1')
    const { revision } = await node.store.put('a', '2')
    await node.store.compact(revision)
    const late = await run(`watch a --rev ${revision - 1}`)
    expect(late.code).toBe(1)
    expect(late.err).toContain('error: Compacted')
  })

  test('a command that Ctrl-C ends as well has not handled its event, and the exit code is still 0', async () => {
    const mark = join(directory, 'interrupted')
    const { revision } = await node.store.put('w/1', 'one')
    let interrupt: () => void = () => {}
    const runChild: CliContext['runChild'] = () => {
      interrupt()
      return Promise.resolve(130)
    }
    const options = { runChild, onInterrupt: (call: () => void) => void (interrupt = call) }
    expect((await run(`watch w/1 --rev ${revision} --resume ${mark} -- cmd`, options)).code).toBe(0)
    expect(readFileSync(mark, 'utf8')).toBe(`${revision - 1}\n`)
  })

  test('that ends before its first event goes on from where it began, and says at once where it can keep no mark', async () => {
    const mark = join(directory, 'early')
    const { revision } = await node.store.put('w/1', 'one')
    let interrupt: () => void = () => {}
    const watching = run(`watch w/1 --resume ${mark}`, { onInterrupt: (call) => (interrupt = call) })
    await world.pass(1_000)
    interrupt()
    await watching
    expect(readFileSync(mark, 'utf8')).toBe(`${revision}\n`)
    await node.store.put('w/1', 'meanwhile')
    expect((await run(`watch w/1 --resume ${mark} --limit 1 -o value`)).out).toBe('meanwhile\n')

    const nowhere = await run(`watch w/1 --resume ${join(directory, 'no', 'mark')}`)
    expect(nowhere).toMatchObject({ code: 2, out: '' })
    expect(nowhere.err).toContain('error: InvalidArgument: --resume')
  })

  test('tells how far it is when nothing happens', async () => {
    let interrupt: () => void = () => {}
    const watching = run('watch nothing --progress 500ms -o jsonl', { onInterrupt: (call) => (interrupt = call) })
    await world.pass(1_200)
    interrupt()
    expect((await watching).out).toContain('"type":"progress"')
  })

  test('contradictions are usage errors', async () => {
    for (const args of [
      'watch a b',
      'watch a --prefix b',
      'watch --prefix a --start b',
      'watch --filter get',
      'watch --rev 0',
    ]) {
      expect((await run(args)).code, args).toBe(2)
    }
  })
})

describe('lease', () => {
  test('grant, ttl, list and revoke', async () => {
    expect(JSON.parse((await run('lease grant 30s --id 41 -o json')).out)).toEqual({ id: 41, ttlMs: 30_000 })
    const id = Number((await run('lease grant 30s -o value')).out)
    await run(`put held x --lease ${id}`)
    expect((await node.store.get('held'))?.lease).toBe(id)
    const ttl = JSON.parse((await run(`lease ttl ${id} --keys -o jsonl`)).out) as { readonly remainingMs: number }
    expect(ttl).toMatchObject({ id, grantedMs: 30_000, keyCount: 1, keys: ['held'] })
    expect(ttl.remainingMs).toBeGreaterThan(29_000)
    const ids = [41, id].toSorted((a, b) => a - b)
    expect((await run('lease list -o value')).out).toBe(`${ids.join('\n')}\n`)
    expect(JSON.parse((await run(`lease revoke ${id} -o json`)).out)).toMatchObject({ deleted: 1 })
    expect((await run('lease list')).out).toBe('ID\n41\n')
    for (const args of [`lease ttl ${id}`, `lease revoke ${id}`]) expect((await run(args)).code, args).toBe(3)
    expect((await run('lease grant 30s --id 41')).err).toContain('LeaseExists')
    expect((await run('lease grant soon')).code).toBe(2)
  })

  test('keep renews it until Ctrl-C', async () => {
    await node.leases.grant({ ttl: 3_000, id: 9 })
    let interrupt: () => void = () => {}
    const keeping = run('lease keep 9', { onInterrupt: (call) => (interrupt = call) })
    await world.pass(10_000)
    interrupt()
    const { code, out } = await keeping
    expect(code).toBe(0)
    expect(out.split('\n').length).toBeGreaterThan(8)
    expect(out).toMatch(/^(?:lease 9 renewed for 3000 ms\n)+$/)
    expect((await run('lease keep 9 --once -o json')).out).toContain('"ttlMs": 3000')
  })

  test('keep exits with 4 when the lease is lost', async () => {
    expect((await run('lease keep 12345')).code).toBe(4)
    await node.leases.grant({ ttl: 3_000, id: 9 })
    const keeping = run('lease keep 9')
    await world.pass(500)
    await node.leases.revoke(9)
    const { code, err } = await keeping
    expect(code).toBe(4)
    expect(err).toContain('error: LeaseLost: lease 9: there is no such lease')
  })

  test('keep exits with 4 when nobody answers until the bound, and with 5 when nobody ever did', async () => {
    await node.leases.grant({ ttl: 3_000, id: 9 })
    let answers = 1
    const leases = {
      ...node.leases,
      keepAlive: (id: number) =>
        answers-- > 0 ? node.leases.keepAlive(id) : Promise.reject(new NitroError('Unavailable', 'nobody there')),
    }
    const cut = { store: node.store, session: node.session, leases }
    expect((await run('lease keep 9', { node: cut })).code).toBe(4)
    expect((await run('lease keep 9', { node: cut })).code).toBe(5)
  })
})
