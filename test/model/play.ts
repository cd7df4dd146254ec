/** Plays a sequence on the product and on the model, step by step, and tells the first difference. */
import { isNitroError } from '../../base/index.ts'
import type { Engine, Leases, Store } from '../../src/api/index.ts'
import { Model, Refused } from './model.ts'
import type { Event } from './model.ts'
import { boundsOf, passMs } from './steps.ts'
import type { Bounds, ConditionStep, OpStep, RangeStep, Step, TxnStep } from './steps.ts'

import {
  recOf,
  entryOf,
  eventOf,
  pageOf,
  rangeOf,
  queryOf,
  putOptions,
  conditionOf,
  opOf,
  resultsOf,
  modelResult,
} from './plain.ts'

/** What a sequence is played on. */
export interface Target {
  readonly store: Store
  readonly leases: Leases
  readonly engine: Engine
  /** Calls `notice.post` or `notice.fail`. */
  notice(method: string, args: readonly string[]): Promise<unknown>
  /** Lets time pass until a promise is settled. */
  answer<T>(promise: Promise<T>): Promise<T>
  /** Lets so many milliseconds pass. */
  pass(ms: number): Promise<void>
  /** Revisions the machine keeps. */
  readonly keeps: number
}

interface OpenWatch {
  readonly bounds: Bounds
  readonly prev: boolean
  readonly filter: string | undefined
  readonly expected: string[]
  readonly got: string[]
  readonly close: () => void
  failed: string | undefined
}

/** Empties the store, plays, and gives the first difference; undefined when there is none. */
export async function play(target: Target, steps: readonly Step[]): Promise<string | undefined> {
  const player = new Player(target, await emptied(target))
  for (const [at, step] of steps.entries()) {
    const difference = await player.step(step)
    if (difference !== undefined) return `step ${at}, ${JSON.stringify(step)}: ${difference}`
  }
  return player.end()
}

/** An empty store with a history of one revision, which deleted `a`. */
async function emptied({ store, leases, answer, keeps }: Target): Promise<Model> {
  for (const id of await answer(leases.list())) await answer(leases.revoke(id))
  await answer(store.deleteRange({}))
  await answer(store.put('a', 'dust'))
  const { revision } = await answer(store.delete('a'))
  await answer(store.compact(revision))
  return new Model(revision, 'a', keeps)
}

class Player {
  private readonly target: Target
  private readonly model: Model
  private readonly granted: number[] = []
  private readonly watches: OpenWatch[] = []
  private told: number

  constructor(target: Target, model: Model) {
    this.target = target
    this.model = model
    this.told = model.revision
  }

  /** Plays one step; what the two say differently, if anything. */
  async step(drawn: Step): Promise<string | undefined> {
    const step = this.real(drawn)
    // Stamps are whole milliseconds: no two renewals at one time.
    await this.target.pass(3)
    let mine: string
    let theirs: string
    if (step.do === 'watch') {
      ;[mine, theirs] = await this.watch(step)
    } else {
      theirs = await this.settled(step)
      mine = this.modelled(step, theirs)
    }
    this.model.endEntry()
    this.announce()
    return mine === theirs ? undefined : `the model says\n  ${mine}\nand the store\n  ${theirs}`
  }

  /** At the end each watch must have given what the model says, and no more. */
  async end(): Promise<string | undefined> {
    await this.target.pass(50)
    for (const { expected, got, failed, close, bounds } of this.watches) {
      close()
      if (failed !== undefined) return `a watch of ${JSON.stringify(bounds)} ended: ${failed}`
      const [mine, theirs] = [expected.join('\n  '), got.join('\n  ')]
      if (mine !== theirs)
        return `a watch of ${JSON.stringify(bounds)} should have given\n  ${mine}\nand gave\n  ${theirs}`
    }
    return undefined
  }

  private real(step: Step): Step {
    switch (step.do) {
      case 'put':
        return { ...step, lease: this.lease(step.lease) }
      case 'range':
        return this.realRange(step)
      case 'txn':
        return this.realTxn(step)
      case 'get':
      case 'history':
      case 'compact':
        return { ...step, revision: this.place(step.revision) }
      case 'watch':
        return { ...step, from: this.place(step.from) }
      case 'revoke':
      case 'keepAlive':
      case 'timeToLive':
        return { ...step, lease: this.lease(step.lease) }
      default:
        return step
    }
  }

  private realRange<T extends RangeStep>(step: T): T {
    const bounds = ['minMod', 'maxMod', 'minCreate', 'maxCreate'] as const
    const real = Object.fromEntries(bounds.map((name) => [name, this.place(step[name])]))
    return { ...step, revision: this.place(step.revision), ...real }
  }

  private realTxn(step: TxnStep): TxnStep {
    const op = (one: OpStep): OpStep => this.real(one) as OpStep
    const conditions = step.conditions.map((one): ConditionStep => {
      if (one.target === 'lease') return { ...one, operand: this.lease(Number(one.operand)) }
      const isPlace = one.target === 'create' || one.target === 'mod'
      return isPlace ? { ...one, operand: this.place(Number(one.operand)) } : one
    })
    return { do: 'txn', conditions, success: step.success.map(op), failure: step.failure.map(op) }
  }

  private lease(place: number): number {
    return place === 0 ? 0 : (this.granted[place - 1] ?? 987_654_321)
  }

  /** A share of the history as a revision. */
  private place(share: number): number {
    const { revision, compactRevision } = this.model
    if (share === 0) return 0
    if (share < 0) return Math.max(1, compactRevision + share)
    return share > 100
      ? revision + share - 100
      : compactRevision + Math.round((share / 100) * (revision - compactRevision))
  }

  private async settled(step: Exclude<Step, { readonly do: 'watch' }>): Promise<string> {
    try {
      return JSON.stringify(await this.run(step))
    } catch (error) {
      if (!isNitroError(error)) throw error
      return error.code
    }
  }

  private async run(step: Exclude<Step, { readonly do: 'watch' }>): Promise<unknown> {
    const { store, leases, answer } = this.target
    switch (step.do) {
      case 'put': {
        const { revision, previous } = await answer(store.put(step.key, step.value, putOptions(step)))
        return [revision, entryOf(previous)]
      }
      case 'delete': {
        const {
          revision,
          deleted,
          previous = [],
        } = await answer(store.deleteRange(rangeOf(step.range), { prev: true }))
        return [revision, deleted, previous.map(entryOf)]
      }
      case 'range':
        return pageOf(await answer(store.range(queryOf(step))), false)
      case 'txn': {
        const builder = store.txn().if(...step.conditions.map(conditionOf))
        const { revision, succeeded, results } = await answer(
          builder
            .then(...step.success.map(opOf))
            .else(...step.failure.map(opOf))
            .commit(),
        )
        return [revision, resultsOf(step, { succeeded, results })]
      }
      case 'get':
        return entryOf(await answer(store.get(step.key, { revision: step.revision })))
      case 'history': {
        const { limit, revision } = step
        const found = await answer(store.history(step.key, { revision, ...(limit === 0 ? {} : { limit }) }))
        const versions = found.versions.map((one) => (one.deleted ? ['deleted', one.modRevision] : entryOf(one)))
        return [found.revision, found.compactRevision, found.more, versions]
      }
      case 'compact':
        return (await answer(store.compact(step.revision))).revision
      case 'post':
        return await answer(this.target.notice(step.fails ? 'fail' : 'post', [step.key, step.value]))
      case 'grant': {
        const { id, ttlMs } = await answer(leases.grant({ ttl: step.ttlMs }))
        return [id, ttlMs]
      }
      case 'revoke': {
        const { revision, deleted } = await answer(leases.revoke(step.lease))
        return [revision, deleted]
      }
      case 'keepAlive':
        return await answer(leases.keepAlive(step.lease))
      case 'timeToLive': {
        const { grantedMs, remainingMs, keyCount, keys } = await answer(leases.timeToLive(step.lease, { keys: true }))
        const plausible = remainingMs > 0 && remainingMs <= grantedMs
        return [grantedMs, plausible, keyCount, keys.map((one) => Buffer.from(one).toString())]
      }
      case 'leases':
        return await answer(leases.list())
      case 'pass':
        await this.target.pass(passMs)
        return 'passed'
    }
  }

  /** What the model says. An id that the store chose is taken over if it is a new one. */
  private modelled(step: Exclude<Step, { readonly do: 'watch' }>, theirs: string): string {
    try {
      return JSON.stringify(this.runModel(step, theirs))
    } catch (error) {
      if (error instanceof Refused) return error.code
      throw error
    }
  }

  private runModel(step: Exclude<Step, { readonly do: 'watch' }>, theirs: string): unknown {
    const { model } = this
    switch (step.do) {
      case 'put': {
        const { revision, previous } = model.put(step)
        return [revision, recOf(previous)]
      }
      case 'delete': {
        const { revision, deleted } = model.remove(boundsOf(step.range))
        return [revision, deleted.length, deleted.map(recOf)]
      }
      case 'range': {
        const { count, more, records } = model.range(step)
        return [model.revision, count, more, records.map(recOf)]
      }
      case 'txn': {
        const { revision, result } = model.txn(step)
        return [revision, modelResult(result)]
      }
      case 'get':
        return recOf(model.at(step.revision).get(step.key))
      case 'history': {
        const versions = model.history(step.key, step.revision)
        const cut = step.limit === 0 ? versions : versions.slice(0, step.limit)
        const shown = cut.map(({ deleted, record, mod }) => (deleted ? ['deleted', mod] : recOf(record)))
        return [model.revision, model.compactRevision, cut.length < versions.length, shown]
      }
      case 'compact':
        model.compact(step.revision)
        return model.revision
      case 'post':
        if (step.fails) throw new Refused('ProgramError')
        return model.post(step.key, step.value)
      case 'grant': {
        const [id] = JSON.parse(theirs) as [number, number]
        if (model.leases.has(id) || this.granted.includes(id)) return `another id than ${id}`
        model.grant(id, step.ttlMs)
        this.granted.push(id)
        return [id, step.ttlMs]
      }
      case 'revoke': {
        const { revision, deleted } = model.revoke(step.lease)
        return [revision, deleted]
      }
      case 'keepAlive':
        return model.keepAlive(step.lease)
      case 'timeToLive': {
        const { ttlMs } = model.leaseOf(step.lease)
        const attached = model.keysOf(step.lease)
        return [ttlMs, true, attached.length, attached]
      }
      case 'leases':
        return [...model.leases.keys()].sort((a, b) => a - b)
      case 'pass':
        model.pass(passMs)
        return 'passed'
    }
  }

  private async watch(step: Extract<Step, { readonly do: 'watch' }>): Promise<[string, string]> {
    const { model, target } = this
    const { from, prev, filter, range } = step
    const watch = target.store.watch({
      ...('key' in range ? range : rangeOf(range)),
      prev,
      ...(from === 0 ? {} : { fromRevision: from }),
      ...(filter === undefined ? {} : { filter }),
    })
    const open: OpenWatch = {
      ...{ bounds: boundsOf(range), prev, filter, expected: [], got: [], failed: undefined },
      close: () => watch.close(),
    }
    const reading = async (): Promise<void> => {
      try {
        for await (const { revision, events } of watch) open.got.push(`${revision}: ${events.map(eventOf).join(', ')}`)
      } catch (error) {
        open.failed = isNitroError(error) ? error.code : String(error)
      }
    }
    void reading()
    await target.pass(20)
    if (from !== 0 && from < model.compactRevision) return ['Compacted', open.failed ?? 'opened']
    this.watches.push(open)
    const first = from === 0 ? model.revision + 1 : from
    for (const [revision, events] of model.events) if (revision >= first) this.expect(open, revision, events)
    // What has not come yet is not announced before it is due.
    if (from > model.revision) this.notBefore.set(open, from)
    return ['opened', open.failed ?? 'opened']
  }

  private readonly notBefore = new Map<OpenWatch, number>()

  /** The changes of this step are due on every watch. */
  private announce(): void {
    const { model } = this
    for (let revision = this.told + 1; revision <= model.revision; revision++) {
      for (const watch of this.watches) {
        if (revision < (this.notBefore.get(watch) ?? 0)) continue
        this.expect(watch, revision, model.events.get(revision) ?? [])
      }
    }
    this.told = model.revision
  }

  private expect(watch: OpenWatch, revision: number, events: readonly Event[]): void {
    const { bounds, prev, filter } = watch
    // What an event at the compact revision replaced is compacted, if it was so when the event was read.
    const isOld = revision <= this.told && revision === this.model.compactRevision
    const due = events
      .filter(({ key }) => key >= bounds.start && (bounds.end === undefined || key < bounds.end))
      .filter(({ type }) => filter === undefined || type === filter)
      .map(({ type, key, record, previous }) =>
        JSON.stringify([type, key, recOf(record), recOf(prev && !isOld ? previous : undefined)]),
      )
    if (due.length > 0) watch.expected.push(`${revision}: ${due.join(', ')}`)
  }
}
