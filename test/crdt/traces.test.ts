/** Editing histories of others, in all forms: read, replayed, and compared with the text they say they end in. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { nitrostate } from '../../bench/crdt/libraries/nitrostate.ts'
import { updatesOf } from '../../bench/crdt/replay.ts'
import { seededRandom } from '../../bench/harness/random.ts'
import { parseTraces, readTraces } from '../../bench/traces/read.ts'
import type { Trace } from '../../bench/traces/trace.ts'
import { generateDag } from './traces/generate.ts'
import { Oracle } from './traces/oracle.ts'

const data = process.env['NITROSTATE_TEST_DATA']

/** Every writer's document and one that only listened. */
function textsOf(trace: Trace): string[] {
  const { updates, text } = updatesOf(nitrostate, trace)
  const listener = nitrostate.create(trace.replicas + 1)
  listener.apply(updates)
  return [text, listener.text()]
}

describe('histories in the DAG form', () => {
  test('end in the text that the definition of the order gives, agents concurrent with themselves included', () => {
    const files = Array.from({ length: 15 }, (_none, seed) =>
      generateDag(seededRandom(seed), { txns: 30, agents: ['a', 'b', 'c'], branches: 3, alphabet: 'abcdefgh' }),
    )
    for (const trace of parseTraces('random', JSON.stringify(files))) {
      expect(textsOf(trace), trace.name).toEqual([trace.endContent, trace.endContent])
    }
  })

  test('count code points, also where two units make one', () => {
    const file = generateDag(seededRandom(7), { txns: 40, agents: ['a', 'b'], branches: 2, alphabet: 'ab😀🤝' })
    const [trace] = parseTraces('emoji', JSON.stringify([file]))
    expect(trace?.endContent).toMatch(/😀|🤝/u)
    expect(textsOf(trace as Trace)).toEqual([file.endContent, file.endContent])
  })

  test('may name a parent in the middle of a span', () => {
    const file = {
      txns: [
        { span: [0, 3], parents: [], agent: 'a', seqStart: 0, ops: [[0, 0, 'abc']] },
        { span: [3, 4], parents: [1], agent: 'b', seqStart: 0, ops: [[2, 0, 'x']] },
        { span: [4, 5], parents: [2, 3], agent: 'a', seqStart: 3, ops: [[0, 1, '']] },
      ],
      endContent: 'bcx',
    }
    const [trace] = parseTraces('middle', JSON.stringify([file]))
    expect(trace?.txns.length).toBe(4)
    const oracle = new Oracle()
    oracle.add({ agent: 'a', sequence: 0, parents: [], position: 0, inserted: 'a' })
    oracle.add({ agent: 'a', sequence: 1, parents: [0], position: 1, inserted: 'b' })
    oracle.add({ agent: 'a', sequence: 2, parents: [1], position: 2, inserted: 'c' })
    oracle.add({ agent: 'b', sequence: 0, parents: [1], position: 2, inserted: 'x' })
    expect(textsOf(trace as Trace)[1]).toBe(oracle.textAt([2, 3]).slice(1))
  })

  test('with a span that is not as long as its ops are refused', () => {
    const txn = { span: [0, 2], parents: [], agent: 'a', seqStart: 0, ops: [[0, 0, 'a']] }
    expect(() => parseTraces('short', JSON.stringify([{ txns: [txn], endContent: '' }]))).toThrow(/span from 0 to 2/)
  })
})

describe('files', () => {
  test('are read plain, gzipped and Brotli-compressed', () => {
    const directory = mkdtempSync(join(tmpdir(), 'nitrostate-traces-'))
    try {
      const json = JSON.stringify({ startContent: 'ac', endContent: 'abc', txns: [{ patches: [[1, 0, 'b']] }] })
      const files = { 'plain.json': json, 'zipped.json.gz': gzipSync(json), 'brotli.json.br': brotliCompressSync(json) }
      for (const [name, bytes] of Object.entries(files)) {
        const path = join(directory, name)
        writeFileSync(path, bytes)
        expect(textsOf(readTraces(path)[0] as Trace)).toEqual(['abc', 'abc'])
      }
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test.each([
    ['no JSON', 'nonsense', /no JSON/],
    ['another form', '{"hello": 1}', /none of the three forms/],
    ['a parent that comes later', '{"kind": "concurrent", "endContent": "", "txns": [{"parents": [0]}]}', /parent/],
  ])('that are %s are refused', (_what, json, message) => {
    expect(() => parseTraces('file', json)).toThrow(message)
  })
})

describe('recorded histories', () => {
  const names = ['sveltecomponent', 'friendsforever']
  test.skipIf(data === undefined).each(names)('%s ends as recorded', (name) => {
    const path = join(data ?? '', 'traces', `${name}.json.gz`)
    expect(existsSync(path)).toBe(true)
    const [trace] = readTraces(path) as [Trace]
    expect(textsOf(trace)).toEqual([trace.endContent, trace.endContent])
  })
})
