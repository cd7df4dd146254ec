import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Random } from '../../base/index.ts'
import { NitroError } from '../../base/index.ts'
import type { Entry } from '../../consensus/index.ts'
import type { DurableLog, LogBatch } from '../../src/storage/index.ts'
import { MemoryFiles, nodeFiles } from '../../src/storage/index.ts'
import { ManualTime, openOn, settled } from './harness.ts'

/** What a log must hold, kept the obvious way. */
interface Model {
  base: { index: number; term: number }
  entries: Entry[]
  term: number
  vote: number
  commit: number
}

const emptyModel = (): Model => ({ base: { index: 0, term: 0 }, entries: [], term: 0, vote: 0, commit: 0 })
const lastOf = (model: Model): number => model.base.index + model.entries.length

/** The model after the first `count` records of a batch. */
function after(model: Model, batch: LogBatch, count = Number.MAX_SAFE_INTEGER): Model {
  const next: Model = { ...model, base: { ...model.base }, entries: [...model.entries] }
  let left = count
  const { snapshot } = batch
  if (snapshot !== undefined && left-- > 0) {
    next.entries = []
    next.base = { ...snapshot }
  }
  for (const entry of batch.entries) {
    if (left-- <= 0) break
    next.entries.length = entry.index - next.base.index - 1
    next.entries.push(entry)
  }
  return next
}

const promised = (model: Model, { hardState }: LogBatch): Model => ({ ...model, ...hardState })
const records = ({ entries, snapshot }: LogBatch): number => entries.length + (snapshot === undefined ? 0 : 1)

/** Whether the log shows exactly these entries above the model's base, and none beyond. */
function shows(log: DurableLog, model: Model): boolean {
  const from = model.base.index + 1
  if (log.lastIndex() !== lastOf(model) || log.firstIndex() > from) return false
  if (log.term(from - 1) !== model.base.term) return false
  if (model.entries.length === 0) return true
  const found = log.entries(from, log.lastIndex() + 1, Number.MAX_SAFE_INTEGER)
  return Array.isArray(found) && found.every((entry, at) => sameEntry(entry, model.entries[at] as Entry))
}

function sameEntry(a: Entry, b: Entry): boolean {
  return a.index === b.index && a.term === b.term && a.type === b.type && Buffer.compare(a.data, b.data) === 0
}

type Operation =
  | { readonly kind: 'append'; readonly back: number; readonly sizes: readonly number[]; readonly zeros: boolean }
  | { readonly kind: 'vote'; readonly terms: number; readonly vote: number }
  | { readonly kind: 'commit' }
  | { readonly kind: 'compact'; readonly part: number }
  | { readonly kind: 'install'; readonly ahead: number }
  | { readonly kind: 'wait' }
  | { readonly kind: 'reopen' }

const operations: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      back: fc.nat(4),
      sizes: fc.array(fc.oneof(fc.nat(60), fc.nat(900), fc.constant(0), fc.constant(432)), {
        minLength: 1,
        maxLength: 6,
      }),
      zeros: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('vote' as const), terms: fc.nat(1), vote: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'commit' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('compact' as const), part: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('install' as const), ahead: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'wait' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
)

/** The batch of an operation, if it writes. */
function batchOf(operation: Operation, model: Model): LogBatch | undefined {
  const { vote, commit } = model
  if (operation.kind === 'append') {
    const back = Math.min(operation.back, lastOf(model) - Math.max(commit, model.base.index))
    const term = Math.max(1, back > 0 ? model.term + 1 : model.term)
    const first = lastOf(model) - back + 1
    const entries = operation.sizes.map((size, at): Entry => {
      const data = new Uint8Array(size).fill(operation.zeros ? 0 : ((first + at) % 250) + 1)
      return { index: first + at, term, type: 'normal', data }
    })
    return { entries, hardState: { term, vote: term === model.term ? vote : 0, commit } }
  }
  if (operation.kind === 'vote') {
    return { entries: [], hardState: { term: model.term + operation.terms, vote: operation.vote, commit } }
  }
  if (operation.kind === 'commit') return { entries: [], hardState: { term: model.term, vote, commit: lastOf(model) } }
  if (operation.kind === 'install') {
    const index = lastOf(model) + operation.ahead
    const term = model.term + 1
    return { entries: [], hardState: { term, vote: 0, commit: index }, snapshot: { index, term } }
  }
  return undefined
}

/** Runs operations until one fails or all are done; keeps the model of what was acknowledged. */
async function run(
  list: readonly Operation[],
  start: Model,
  open: () => Promise<DurableLog>,
  time: ManualTime,
): Promise<{ model: Model; pending: LogBatch | undefined }> {
  let model = start
  let pending: LogBatch | undefined
  try {
    let log = await open()
    for (const operation of list) {
      const batch = batchOf(operation, model)
      if (batch !== undefined) {
        pending = batch
        await log.write(batch)
        model = promised(after(model, batch), batch)
        pending = undefined
        expect(shows(log, model)).toBe(true)
      } else if (operation.kind === 'compact') {
        const index = model.base.index + Math.floor((operation.part / 100) * (model.commit - model.base.index))
        if (index > model.base.index) {
          const term = (model.entries[index - model.base.index - 1] as Entry).term
          model = { ...model, base: { index, term }, entries: model.entries.slice(index - model.base.index) }
          await log.compact(index)
        }
      } else if (operation.kind === 'wait') {
        time.advance(20)
        await settled()
      } else {
        await log.close()
        log = await open()
        expect(shows(log, model)).toBe(true)
        expect(log.hardState).toMatchObject({ term: model.term, vote: model.vote, commit: model.commit })
      }
    }
  } catch (error) {
    if (!(error instanceof NitroError) || error.message !== 'crash') throw error
  }
  return { model, pending }
}

/** Checks a log opened after a crash, and returns the model of what it holds. */
function verify(log: DurableLog, model: Model, pending: LogBatch | undefined): Model {
  const candidates = [model]
  for (let count = 1; pending !== undefined && count <= records(pending); count++) {
    candidates.push(after(model, pending, count))
  }
  const found = candidates.find((candidate) => shows(log, candidate))
  if (found === undefined) throw new Error(`lost: ${log.firstIndex()}..${log.lastIndex()}, not ${lastOf(model)}`)
  const { term, vote, commit } = log.hardState
  const lastTerm = found.entries.at(-1)?.term ?? found.base.term
  const promises = [model, ...(pending === undefined ? [] : [promised(model, pending)])]
  const kept = promises.some((one) => one.term === term && one.vote === vote)
  if (!kept && !(term === lastTerm && vote === 0 && lastTerm > model.term)) {
    throw new Error(`promise ${term}/${vote} instead of ${model.term}/${model.vote}`)
  }
  expect(commit).toBeGreaterThanOrEqual(log.firstIndex() - 1)
  expect(commit).toBeLessThanOrEqual(lastOf(found))
  return { ...found, term, vote, commit }
}

function seeded(seed: number): Random {
  let state = seed | 0
  const u32 = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
  return { u32, bytes: (length) => Uint8Array.from({ length }, () => u32() & 0xff) }
}

describe('a crash', () => {
  it('at any disk operation, keeping any part of what was not synced, loses nothing acknowledged', async () => {
    const life = fc.record({
      list: fc.array(operations, { minLength: 1, maxLength: 14 }),
      at: fc.nat(90),
      seed: fc.option(fc.integer(), { freq: 8 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), async (lives) => {
        let left = Number.MAX_SAFE_INTEGER
        const files = new MemoryFiles({
          delay: () => (left-- > 0 ? Promise.resolve() : Promise.reject(new NitroError('DiskFailed', 'crash'))),
        })
        await (await openOn(files, { create: true })).close()
        let model = emptyModel()
        for (const { list, at, seed } of lives) {
          const time = new ManualTime()
          left = at
          const ran = await run(list, model, () => openOn(files, { scheduler: time, clock: time }), time)
          left = 0
          await settled()
          left = Number.MAX_SAFE_INTEGER
          files.crash(seed === null ? undefined : seeded(seed))
          const log = await openOn(files)
          model = verify(log, ran.model, ran.pending)
          files.crash()
        }
      }),
      { numRuns: 400 },
    )
  }, 60_000)

  it('at each disk operation of one long life, in several outcomes, loses nothing acknowledged', async () => {
    const append = (back: number, ...sizes: number[]): Operation => ({ kind: 'append', back, sizes, zeros: false })
    const list: Operation[] = [
      ...[append(0, 10, 700), append(0, 0), append(1, 1500, 20, 20)],
      ...([{ kind: 'vote', terms: 1, vote: 2 }, append(0, 900), { kind: 'commit' }, append(0, 1200, 300)] as const),
      ...([{ kind: 'wait' }, append(0, 2000), { kind: 'compact', part: 100 }, append(2, 500)] as const),
      ...([{ kind: 'reopen' }, { kind: 'install', ahead: 3 }, append(0, 1800, 1800), append(0, 5)] as const),
      ...([{ kind: 'commit' }, { kind: 'compact', part: 60 }, append(0, 2500), { kind: 'reopen' }] as const),
    ]
    for (const seed of [undefined, 1, 2, 3, 4]) {
      for (let at = 0, ended = false; !ended; at++) {
        let left = Number.MAX_SAFE_INTEGER
        const files = new MemoryFiles({
          delay: () => (left-- > 0 ? Promise.resolve() : Promise.reject(new NitroError('DiskFailed', 'crash'))),
        })
        await (await openOn(files, { create: true })).close()
        const time = new ManualTime()
        left = at
        const { model, pending } = await run(
          list,
          emptyModel(),
          () => openOn(files, { scheduler: time, clock: time }),
          time,
        )
        ended = left > 0
        left = 0
        await settled()
        left = Number.MAX_SAFE_INTEGER
        files.crash(seed === undefined ? undefined : seeded(seed * 1000 + at))
        const log = await openOn(files)
        expect(() => verify(log, model, pending)).not.toThrow()
      }
    }
  })

  it('at any named point loses nothing acknowledged', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operations, { minLength: 3, maxLength: 12 }),
        fc.nat(40),
        fc.option(fc.integer()),
        async (list, at, seed) => {
          let left = at
          const hooks = (): void => {
            if (left-- <= 0) throw new NitroError('DiskFailed', 'crash')
          }
          const files = new MemoryFiles()
          await (await openOn(files, { create: true })).close()
          const time = new ManualTime()
          const open = (): Promise<DurableLog> => openOn(files, { scheduler: time, clock: time, hooks })
          const { model, pending } = await run(list, emptyModel(), open, time)
          files.crash(seed === null ? undefined : seeded(seed))
          verify(await openOn(files), model, pending)
        },
      ),
      { numRuns: 150 },
    )
  }, 60_000)

  it('of the process, on a real disk, loses nothing acknowledged', async () => {
    const root = await mkdtemp(join(tmpdir(), 'storage-crash-'))
    let runs = 0
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(operations, { minLength: 3, maxLength: 10 }), fc.nat(30), async (list, at) => {
          let left = at
          const hooks = (): void => {
            if (left-- <= 0) throw new NitroError('DiskFailed', 'crash')
          }
          const directory = join(root, String(runs++))
          await (await openOn(nodeFiles, { create: true, directory })).close()
          const time = new ManualTime()
          const opened: DurableLog[] = []
          const open = async (): Promise<DurableLog> => {
            const log = await openOn(nodeFiles, { scheduler: time, clock: time, hooks, directory })
            opened.push(log)
            return log
          }
          const { model, pending } = await run(list, emptyModel(), open, time)
          left = 0
          for (const log of opened) await log.close().catch(() => undefined)
          const again = await openOn(nodeFiles, { directory })
          verify(again, model, pending)
          await again.close()
        }),
        { numRuns: 25 },
      )
    } finally {
      await rm(root, { recursive: true, force: true })
    }
  }, 60_000)

  it('while a log is made leaves something that can be made again', async () => {
    for (let at = 0; at < 40; at++) {
      let left = at
      const files = new MemoryFiles({
        delay: () => (left-- > 0 ? Promise.resolve() : Promise.reject(new NitroError('DiskFailed', 'crash'))),
      })
      await openOn(files, { create: true }).catch(() => undefined)
      left = Number.MAX_SAFE_INTEGER
      files.crash(seeded(at))
      const log = await openOn(files, { create: true, incarnation: new Uint8Array(16).fill(9) })
      expect(log.lastIndex()).toBe(0)
    }
  })

  it('never makes a new log over one that was used', async () => {
    const files = new MemoryFiles()
    const log = await openOn(files, { create: true })
    await log.write({ entries: [], hardState: { term: 1, vote: 1, commit: 0 } })
    await log.close()
    await expect(openOn(files, { create: true })).rejects.toMatchObject({ code: 'LogDamaged' })
  })
})
