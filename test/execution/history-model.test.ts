/** Random histories with compaction against a log that is never compacted, on nodes that flush, restart, lag and copy. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeValue, isNitroError, latin1, text, utf8 } from '../../base/index.ts'
import { ProgramError, decodeHistoryResult, encodeCompactArgs, encodeHistoryArgs } from '../../execution/index.ts'
import type { Program, RangeRequest, RangeSort } from '../../execution/index.ts'
import { Box, call, codeOf, payloadOf } from './harness.ts'

interface Change {
  readonly kind: 'put' | 'delete' | 'emit'
  readonly key: string
  readonly value: string
}

interface ModelEvent extends Change {
  readonly revision: number
  readonly position: number
  readonly create: number
  readonly version: number
}

type ModelState = Map<string, ModelEvent>

/** Everything that ever happened; what can still be seen of it is decided when it is asked for. */
class Model {
  readonly events: ModelEvent[] = []
  revision = 0
  compactRevision = 0
  private now: ModelState = new Map()
  private readonly states: ModelState[] = [new Map()]

  change(changes: readonly Change[]): void {
    const revision = this.revision + 1
    const next = new Map(this.now)
    let position = 0
    for (const change of changes) {
      const before = next.get(change.key)
      if (change.kind === 'delete' && before === undefined) continue
      const create = change.kind === 'put' ? (before?.create ?? revision) : 0
      const version = change.kind === 'put' ? (before?.version ?? 0) + 1 : 0
      const event = { ...change, revision, position: position++, create, version }
      this.events.push(event)
      if (change.kind === 'put') next.set(change.key, event)
      if (change.kind === 'delete') next.delete(change.key)
    }
    if (position === 0) return
    this.revision = revision
    this.now = next
    this.states[revision] = next
  }

  compact(revision: number): void {
    this.compactRevision = Math.max(this.compactRevision, revision)
  }

  at(revision: number): ModelState {
    return this.states[revision] as ModelState
  }

  range(request: RangeRequest): { count: number; more: boolean; records: unknown[] } {
    const { limit = 0, revision = 0, sort = 'key', reverse } = request
    const inRange = [...this.at(revision === 0 ? this.revision : revision).values()]
      .filter(({ key }) => key >= latin1(request.start) && (request.end === undefined || key < latin1(request.end)))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
    const matching = inRange.filter(
      (event) =>
        event.revision >= (request.minModRevision ?? 0) &&
        event.create >= (request.minCreateRevision ?? 0) &&
        event.revision <= (request.maxModRevision || Infinity) &&
        event.create <= (request.maxCreateRevision || Infinity),
    )
    const by = { key: 'key', version: 'version', create: 'create', mod: 'revision', value: 'value' } as const
    const field = by[sort]
    matching.sort((a, b) => (a[field] < b[field] ? -1 : a[field] > b[field] ? 1 : 0))
    if (reverse === true) matching.reverse()
    const taken = limit === 0 ? matching : matching.slice(0, limit)
    return { count: inRange.length, more: taken.length < matching.length, records: taken.map(shown) }
  }

  eventsFrom(revision: number): unknown[] {
    return this.events
      .filter((event) => event.revision >= revision)
      .map((event) => {
        const { kind, key, value, position, create, version } = event
        const before = kind === 'emit' ? undefined : this.at(event.revision - 1).get(key)
        const previous = event.revision === this.compactRevision || before === undefined ? undefined : shown(before)
        const last = this.events.every((e) => e.revision !== event.revision || e.position <= position)
        return { revision: event.revision, position, kind, key, value, create, version, previous, last }
      })
  }

  versions(key: string, revision: number): unknown[] {
    const all = this.events
      .filter((event) => event.key === key && event.kind !== 'emit' && event.revision <= (revision || Infinity))
      .reverse()
    const newer = this.events.filter((e) => e.key === key && e.kind !== 'emit' && e.revision > this.compactRevision)
    const kept = all.filter((event) => newer.includes(event))
    const base = all.find((event) => event.revision <= this.compactRevision)
    if (base !== undefined && (base.kind === 'put' || base.revision === this.compactRevision)) kept.push(base)
    return kept.map((event) => [event.kind === 'delete', ...shown(event)])
  }
}

const shown = ({ key, value, create, revision, version }: ModelEvent) => [key, value, create, revision, version]

/** Several changes at one revision; a throw at the end takes them all back. */
const changer: Program = {
  name: 'changer',
  version: 1,
  methods: {
    change(tx, args) {
      const { changes, fail } = args as unknown as { changes: Change[]; fail: boolean }
      for (const { kind, key, value } of changes) {
        if (kind === 'put') tx.put(key, value)
        else if (kind === 'delete') tx.delete(key)
        else tx.emit(key, value)
      }
      if (fail) throw new ProgramError('No')
    },
  },
}

const names = Array.from({ length: 12 }, (_, n) => `k${n}`)
const value = fc.tuple(fc.integer({ min: 0, max: 60 }), fc.nat(9)).map(([n, c]) => String(c).repeat(n))
const keyed = (kind: 'put' | 'delete') => fc.record({ kind: fc.constant(kind), key: fc.constantFrom(...names), value })
/** Each key once, and what is emitted behind it: the order in which a program's changes become events. */
const changes = fc
  .tuple(
    fc.uniqueArray(fc.oneof({ weight: 3, arbitrary: keyed('put') }, { weight: 2, arbitrary: keyed('delete') }), {
      selector: ({ key }) => key,
      minLength: 0,
      maxLength: 4,
    }),
    fc.array(fc.record({ kind: fc.constant('emit' as const), key: fc.constantFrom(...names), value }), {
      maxLength: 2,
    }),
  )
  .map(([keys, emits]): Change[] => [
    ...keys.map((change) => (change.kind === 'delete' ? { ...change, value: '' } : change)),
    ...emits,
  ])

type Step =
  | { readonly kind: 'change'; readonly changes: Change[]; readonly fail: boolean }
  | { readonly kind: 'compact'; readonly share: number }
  | { readonly kind: 'entry' | 'seal' | 'write' | 'flushed' | 'restart' | 'copy' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('change' as const),
      changes,
      fail: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('compact' as const),
      share: fc.double({ min: -0.1, max: 1.1, noNaN: true }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc
      .constantFrom('entry' as const, 'seal' as const, 'write' as const, 'flushed' as const)
      .map((kind) => ({ kind })),
  },
  { weight: 1, arbitrary: fc.constantFrom('restart' as const, 'copy' as const).map((kind) => ({ kind })) },
)

const sorts: readonly RangeSort[] = ['key', 'version', 'create', 'mod', 'value']
/** Where between the ends of the history a number lies; beyond them, too. */
const share = fc.double({ min: -0.1, max: 1.1, noNaN: true })
const look = fc.record({
  share,
  start: fc.constantFrom('', ...names),
  end: fc.option(fc.constantFrom(...names, 'z'), { nil: undefined }),
  limit: fc.constantFrom(0, 0, 1, 2, 5),
  reverse: fc.boolean(),
  sort: fc.constantFrom(...sorts),
  bounds: fc.option(fc.tuple(share, share, share, share), { nil: undefined }),
  key: fc.constantFrom(...names),
})
type Look = typeof look extends fc.Arbitrary<infer T> ? T : never

const between = (model: Model, part: number): number =>
  Math.max(1, Math.round(model.compactRevision + (model.revision - model.compactRevision) * part))

function outcome<T>(read: () => T): T | unknown[] {
  try {
    return read()
  } catch (thrown) {
    if (!isNitroError(thrown)) throw thrown
    return [thrown.code, thrown.details]
  }
}

/** What a model answers for a revision it no longer, or not yet, has. */
function refusal(model: Model, revision: number): unknown[] | undefined {
  if (revision < model.compactRevision) return ['Compacted', { compactRevision: model.compactRevision }]
  if (revision > model.revision) return ['FutureRevision', { revision: model.revision }]
  return undefined
}

function rangeOf(model: Model, { start, end, limit, reverse, sort, bounds }: Look, revision: number): RangeRequest {
  const [minModRevision, maxModRevision, minCreateRevision, maxCreateRevision] =
    bounds?.map((part) => (part < 0.3 ? 0 : between(model, part))) ?? []
  const range = end === undefined ? { fromKey: true } : { end: utf8(end) }
  const filters = { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision }
  return { start: utf8(start), ...range, limit, reverse, sort, revision, ...filters }
}

function seenRange(box: Box, request: RangeRequest) {
  return outcome(() => {
    const { count, more, records } = box.range(request)
    return {
      count,
      more,
      records: records.map((r) => [latin1(r.key), text(r.value), r.createRevision, r.modRevision, r.version]),
    }
  })
}

function seenEvents(box: Box, from: number) {
  return outcome(() => {
    const seen: unknown[] = []
    box.machine.visitEvents(from, (event) => {
      const { revision, position, kind, key, createRevision: create, version, lastOfRevision: last } = event
      const before = event.previous()
      const previous = before && [key, text(before.value), before.createRevision, before.modRevision, before.version]
      return (
        seen.push({ revision, position, kind, key, value: text(event.value()), create, version, previous, last }) > 0
      )
    })
    return seen
  })
}

function seenVersions(box: Box, key: string, revision: number) {
  return outcome(() => {
    const answer = box.machine.query('kv', 'history', encodeHistoryArgs({ key: utf8(key), revision }))
    return decodeHistoryResult(payloadOf(answer)).versions.map((r) => [
      r.deleted,
      latin1(r.key),
      text(r.value),
      r.createRevision,
      r.modRevision,
      r.version,
    ])
  })
}

function check(box: Box, model: Model, looks: readonly Look[]): void {
  expect([box.machine.revision, box.machine.compactRevision]).toEqual([model.revision, model.compactRevision])
  for (const one of looks) {
    const revision = between(model, one.share)
    const request = rangeOf(model, one, revision)
    expect(seenRange(box, request)).toEqual(refusal(model, revision) ?? model.range(request))
    expect(seenRange(box, { ...request, countOnly: true })).toEqual(
      refusal(model, revision) ?? { count: model.range(request).count, more: false, records: [] },
    )
    const from = revision < model.compactRevision ? refusal(model, revision) : model.eventsFrom(revision)
    expect(seenEvents(box, revision)).toEqual(from)
    expect(seenVersions(box, one.key, 0)).toEqual(model.versions(one.key, 0))
    expect(seenVersions(box, one.key, revision)).toEqual(refusal(model, revision) ?? model.versions(one.key, revision))
  }
}

/** A node whose flushes and restarts fall anywhere. */
class Flushing {
  box: Box
  private readonly log: Uint8Array[][] = []
  private isWritten = false

  constructor(historyRevisions: number) {
    this.box = new Box({ ...optionsOf(historyRevisions), garbageBytes: 0, cacheBytes: 500 })
  }

  entry(commands: Uint8Array[]): Uint8Array[] {
    this.log.push(commands)
    return this.box.apply(commands, this.log.length)
  }

  do(kind: 'seal' | 'write' | 'flushed' | 'restart' | 'copy'): void {
    if (kind === 'seal') {
      if (this.box.seal()) this.isWritten = false
    } else if (kind === 'write') {
      this.box.write()
      this.isWritten = true
    } else if (kind === 'flushed') {
      if (this.isWritten) this.box.flushed()
    } else {
      this.isWritten = false
      // A copy goes on as another node that got a snapshot; both replay what is not in it.
      if (kind === 'copy') this.box = new Box(this.box.options, new Map(this.box.disk))
      else this.box.restart()
      // The first entry of a box puts its program in force.
      for (let at = this.box.machine.appliedIndex - 1; at < this.log.length; at++) {
        this.box.apply(this.log[at] as Uint8Array[], at + 1)
      }
    }
  }
}

const optionsOf = (historyRevisions: number) => ({ programs: [changer], limits: { historyRevisions } })

function play(historyRevisions: number, steps: readonly Step[], looks: readonly Look[]): void {
  const model = new Model()
  const steady = new Box(optionsOf(historyRevisions))
  const flushing = new Flushing(historyRevisions)
  let batch: { bytes: Uint8Array; expected: string }[] = []
  const applyBatch = (): void => {
    const commands = batch.map(({ bytes }) => bytes)
    const results = flushing.entry(commands)
    expect(steady.apply(commands, steady.machine.appliedIndex)).toEqual(results)
    expect(results.map(codeOf)).toEqual(batch.map(({ expected }) => expected))
    batch = []
    model.compact(model.revision - historyRevisions)
    check(flushing.box, model, looks)
    check(steady, model, looks)
    expect(flushing.box.hash()).toBe(steady.hash())
  }
  for (const one of steps) {
    if (one.kind === 'change') {
      const args = encodeValue({ changes: one.changes.map((change) => ({ ...change })), fail: one.fail })
      if (!one.fail) model.change(one.changes)
      batch.push({ bytes: call('changer', 'change', args), expected: one.fail ? 'ProgramError' : 'ok' })
    } else if (one.kind === 'compact') {
      const revision = between(model, one.share)
      const compacted = revision <= model.compactRevision ? 'Compacted' : undefined
      const expected = compacted ?? (revision > model.revision ? 'FutureRevision' : 'ok')
      if (expected === 'ok') model.compact(revision)
      batch.push({ bytes: call('kv', 'compact', encodeCompactArgs(revision)), expected })
    } else if (one.kind === 'entry') {
      applyBatch()
    } else {
      flushing.do(one.kind)
    }
  }
  applyBatch()
  flushing.do('restart')
  check(flushing.box, model, looks)
  expect(flushing.box.hash()).toBe(steady.hash())
  flushing.box.flush()
  flushing.do('copy')
  check(flushing.box, model, looks)
  expect(flushing.box.hash()).toBe(steady.hash())
}

describe('history against a model', () => {
  it('is read, visited and hashed alike on every node, whatever is compacted, flushed, restarted or copied', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 3, 10, 1000),
        fc.array(step, { maxLength: 60, size: 'max' }),
        fc.array(look, { minLength: 2, maxLength: 4 }),
        play,
      ),
      { numRuns: 150 },
    )
  }, 60_000)
})
