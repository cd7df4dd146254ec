/** Random histories against an obvious model, on three nodes: one flushes and restarts, one never does, one is a copy. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { latin1, utf8 } from '../../base/index.ts'
import { Box, del, deletedOf, put, revisionOf } from './harness.ts'

interface ModelRecord {
  value: string
  create: number
  mod: number
  version: number
}

class Model {
  readonly records = new Map<string, ModelRecord>()
  revision = 0

  put(key: string, value: string): number {
    const before = this.records.get(key)
    const mod = ++this.revision
    this.records.set(key, { value, create: before?.create ?? mod, mod, version: (before?.version ?? 0) + 1 })
    return mod
  }

  keys(start: string, end: string | undefined): string[] {
    return [...this.records.keys()].filter((key) => key >= start && (end === undefined || key < end)).sort()
  }

  delete(start: string, end: string | undefined): number {
    const keys = this.keys(start, end)
    if (keys.length > 0) this.revision++
    for (const key of keys) this.records.delete(key)
    return keys.length
  }
}

type Step =
  | { readonly kind: 'put'; readonly key: string; readonly value: string }
  | { readonly kind: 'delete'; readonly start: string; readonly end: string | undefined }
  | { readonly kind: 'entry' | 'seal' | 'write' | 'flushed' | 'restart' }

const key = fc.integer({ min: 0, max: 30 }).map((n) => `k${n}`)
const value = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.nat(9)).map(([n, c]) => String(c).repeat(n))
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('put' as const), key, value }) },
  { weight: 3, arbitrary: key.map((start) => ({ kind: 'delete' as const, start, end: `${start}\0` })) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('delete' as const), start: key, end: fc.option(key, { nil: undefined }) }),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom('entry' as const, 'seal' as const, 'write' as const, 'flushed' as const)
      .map((kind) => ({ kind })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
)

function command(step: Step): Uint8Array | undefined {
  if (step.kind === 'put') return put(step.key, step.value)
  if (step.kind !== 'delete') return undefined
  return step.end === undefined
    ? del({ start: utf8(step.start), fromKey: true })
    : del({ start: utf8(step.start), end: utf8(step.end) })
}

/** The node that flushes. Restarts replay the log from where the disk stands, and flush states interleave with entries. */
class Flushing {
  readonly box = new Box({ garbageBytes: 0, cacheBytes: 300 })
  private readonly log: Uint8Array[][] = []
  private written = false

  entry(commands: Uint8Array[]): Uint8Array[] {
    this.log.push(commands)
    return this.box.apply(commands, this.log.length)
  }

  do(kind: Step['kind']): void {
    if (kind === 'seal') {
      if (this.box.seal()) this.written = false
    } else if (kind === 'write') {
      this.box.write()
      this.written = true
    } else if (kind === 'flushed' && this.written) {
      this.box.flushed()
    } else if (kind === 'restart') {
      this.written = false
      this.box.restart()
      while (this.box.machine.appliedIndex < this.log.length) {
        const index = this.box.machine.appliedIndex
        this.box.apply(this.log[index] as Uint8Array[], index + 1)
      }
    }
  }
}

function check(box: Box, model: Model): void {
  const { records, count } = box.range({ start: utf8(''), fromKey: true })
  const seen = records.map((r) => [latin1(r.key), latin1(r.value), r.createRevision, r.modRevision, r.version, r.lease])
  const expected = [...model.records].sort(([a], [b]) => (a < b ? -1 : 1))
  expect(seen).toEqual(expected.map(([k, r]) => [k, r.value, r.create, r.mod, r.version, 0]))
  expect(count).toBe(model.records.size)
  expect(box.machine.keyCount).toBe(model.records.size)
  expect(box.machine.revision).toBe(model.revision)
}

function play(steps: readonly Step[]): void {
  const model = new Model()
  const steady = new Box()
  const flushing = new Flushing()
  let batch: { bytes: Uint8Array; expected: number; kind: Step['kind'] }[] = []
  const applyBatch = () => {
    const commands = batch.map(({ bytes }) => bytes)
    const results = flushing.entry(commands)
    expect(steady.apply(commands, steady.machine.appliedIndex + 1)).toEqual(results)
    batch.forEach(({ expected, kind }, i) => {
      const result = results[i] as Uint8Array
      expect(kind === 'put' ? revisionOf(result) : deletedOf(result)).toBe(expected)
    })
    batch = []
    check(flushing.box, model)
    expect(flushing.box.hash()).toBe(steady.hash())
  }
  for (const step of steps) {
    const bytes = command(step)
    if (bytes === undefined) {
      if (step.kind === 'entry') applyBatch()
      else flushing.do(step.kind)
    } else if (step.kind === 'put') {
      batch.push({ bytes, expected: model.put(step.key, step.value), kind: 'put' })
    } else if (step.kind === 'delete') {
      batch.push({ bytes, expected: model.delete(step.start, step.end), kind: 'delete' })
    }
  }
  applyBatch()
  check(steady, model)
  flushing.do('restart')
  check(flushing.box, model)
  expect(flushing.box.hash()).toBe(steady.hash())
  flushing.box.flush()
  const copy = new Box({}, new Map(flushing.box.disk))
  check(copy, model)
  expect(copy.hash()).toBe(steady.hash())
  expect(copy.apply([put('k1', 'after')], 1e6)).toEqual(steady.apply([put('k1', 'after')], 1e6))
  expect(copy.hash()).toBe(steady.hash())
}

describe('the machine against a model', () => {
  it('answers, reads and hashes alike whatever is flushed, restarted or copied', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 80, size: 'max' }), play), { numRuns: 200 })
  })

  it('ranges alike for every limit, direction and bound', () => {
    const box = new Box()
    const model = new Model()
    for (let from = 0; from < 1500; from += 500) {
      const keys = Array.from({ length: 500 }, (_, i) => `k${from + i}`)
      for (const name of keys) model.put(name, 'v')
      box.apply(keys.map((name) => put(name, 'v')))
    }
    box.flush()
    const bound = fc.oneof(
      fc.integer({ min: 0, max: 1600 }).map((n) => `k${n}`),
      fc.constantFrom('', 'a', 'z'),
    )
    fc.assert(
      fc.property(
        bound,
        fc.option(bound, { nil: undefined }),
        fc.nat(50),
        fc.boolean(),
        (start, end, limit, reverse) => {
          const all = model.keys(start, end)
          const wanted = reverse ? all.toReversed() : all
          const cut = limit === 0 ? wanted : wanted.slice(0, limit)
          const range = end === undefined ? { fromKey: true } : { end: utf8(end) }
          const answer = box.range({ start: utf8(start), ...range, limit, reverse, keysOnly: true })
          expect(answer.records.map((r) => latin1(r.key))).toEqual(cut)
          expect(answer).toMatchObject({ count: all.length, more: cut.length < all.length })
          expect(box.range({ start: utf8(start), ...range, countOnly: true })).toMatchObject({
            count: all.length,
            more: false,
          })
        },
      ),
      { numRuns: 300 },
    )
  })
})
