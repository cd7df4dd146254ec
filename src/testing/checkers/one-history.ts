/**
 * One history: every revision is the same on every node, was made by one command, and is never given out again. The first node
 * that applies a revision tells what it is; every other, and every state that is loaded, is compared with it. Records count as
 * the rules of versions say, and all nodes forget the same at the same index.
 *
 * It keeps the whole history, which other checkers compare what clients saw with.
 */
import { text } from '../../../base/index.ts'
import type { Entry } from '../../../consensus/index.ts'
import type { Machine } from '../../../execution/index.ts'
import type { Checker, Report } from './checker.ts'
import type { KeyedRecord } from './facts.ts'
import { WatchHistory } from './watch.ts'
import type { Change } from './watch.ts'

/** A change as nodes made it. */
export interface TrueEvent extends Change {
  readonly value: string
  readonly createRevision: number
  readonly version: number
  readonly lease: number
}

/** All that one revision changed. */
export interface TrueRevision {
  readonly events: readonly TrueEvent[]
  /** When the first node had applied it, in true time. */
  readonly atMs: number
  readonly node: string
}

interface State extends KeyedRecord {
  readonly gone: boolean
}

/** Watches the events of all machines. */
export class OneHistory implements Checker {
  readonly property = 'one history'
  /** The newest revision that any node has applied. */
  revision = 0
  /** The newest compact revision of any node. */
  compactRevision = 0
  /** Whether it goes back to the beginning; a restored cluster begins with a state. */
  whole = true
  /** The same for checks of watches. */
  readonly forWatches: WatchHistory = new WatchHistory()
  /** Every compact revision that there was. */
  readonly compactions: Set<number> = new Set()
  private readonly revisions = new Map<number, TrueRevision>()
  private readonly states = new Map<string, State[]>()
  /** The keys of `states` in order; undefined when there is a new one. */
  private keys: readonly string[] | undefined
  private readonly seen = new Map<string, number>()
  private readonly compactedAt = new Map<number, { readonly node: string; readonly revision: number }>()
  private readonly nowMs: () => number
  private readonly report: Report

  constructor(nowMs: () => number, report: Report) {
    this.nowMs = nowMs
    this.report = report
  }

  /** What a revision changed; undefined if none is known. */
  at(revision: number): TrueRevision | undefined {
    return this.revisions.get(revision)
  }

  /** All revisions so far, rising. */
  all(): IterableIterator<[number, TrueRevision]> {
    return this.revisions.entries()
  }

  /** The record of a key at a revision. */
  get(key: string, revision: number): KeyedRecord | undefined {
    const state = this.states.get(key)?.findLast((one) => one.modRevision <= revision)
    return state?.gone === true ? undefined : state
  }

  /** The records of `[start, end)` at a revision, in key order. */
  range(start: string, end: string, revision: number): KeyedRecord[] {
    const keys = (this.keys ??= [...this.states.keys()].sort())
    const found: KeyedRecord[] = []
    for (const key of keys) {
      if (key >= end) break
      const record = key < start ? undefined : this.get(key, revision)
      if (record !== undefined) found.push(record)
    }
    return found
  }

  /** A state that is loaded tells of its past what the nodes that applied it told. Values are not read: that is a fault's place. */
  loaded(node: string, machine: Machine): void {
    this.seen.set(node, machine.revision)
    if (machine.revision > this.revision) {
      this.whole &&= machine.revision === 0
      this.revision = machine.revision
    }
    this.compaction(node, machine)
    if (!this.whole || machine.damage !== undefined) return
    const events = new Map<number, TrueEvent[]>()
    if (machine.revision > 0) this.collect(machine, Math.max(1, machine.compactRevision), events, false)
    for (let revision = Math.max(1, machine.compactRevision); revision <= machine.revision; revision++) {
      this.compare(node, revision, events.get(revision) ?? [], false)
    }
  }

  applied(node: string, _entry: Entry, machine: Machine): void {
    const from = (this.seen.get(node) ?? 0) + 1
    this.seen.set(node, machine.revision)
    this.compaction(node, machine)
    if (machine.revision < from || machine.compactRevision > from) return
    const events = new Map<number, TrueEvent[]>()
    this.collect(machine, from, events, true)
    for (let revision = from; revision <= machine.revision; revision++) {
      this.compare(node, revision, events.get(revision) ?? [], true)
    }
  }

  private collect(machine: Machine, from: number, into: Map<number, TrueEvent[]>, values: boolean): void {
    machine.visitEvents(from, (view) => {
      const { revision, kind: type, key, createRevision, version, lease } = view
      const value = values && type !== 'delete' ? text(view.value()) : ''
      const event = { type, key, value, createRevision, version, lease }
      const known = into.get(revision)
      if (known === undefined) into.set(revision, [event])
      else known.push(event)
      return true
    })
  }

  private compaction(node: string, { appliedIndex, compactRevision }: Machine): void {
    this.compactRevision = Math.max(this.compactRevision, compactRevision)
    this.compactions.add(compactRevision)
    const other = this.compactedAt.get(appliedIndex)
    if (other === undefined) this.compactedAt.set(appliedIndex, { node, revision: compactRevision })
    else if (other.revision !== compactRevision) {
      const where = `at index ${appliedIndex} the history of ${other.node}`
      this.report(`${where} begins at ${other.revision} and that of ${node} at ${compactRevision}`)
    }
  }

  private compare(node: string, revision: number, events: readonly TrueEvent[], values: boolean): void {
    const known = this.revisions.get(revision)
    if (known === undefined) {
      if (values) this.add(node, revision, events)
      return
    }
    const same = events.length === known.events.length && events.every((one, i) => equal(one, known.events[i], values))
    if (same) return
    const mine = events.map((one) => describe(one, values)).join(', ')
    const theirs = known.events.map((one) => describe(one, values)).join(', ')
    this.report(`revision ${revision} is ${theirs} on ${known.node} and ${mine || 'nothing'} on ${node}`)
  }

  private add(node: string, revision: number, events: readonly TrueEvent[]): void {
    if (events.length === 0) this.report(`${node} has a revision ${revision} that changes nothing`)
    this.revisions.set(revision, { events, atMs: this.nowMs(), node })
    this.revision = Math.max(this.revision, revision)
    this.forWatches.add(revision, events)
    if (!this.whole) return
    const changed = new Set<string>()
    for (const event of events) {
      if (event.type === 'emit') continue
      if (changed.has(event.key))
        this.report(`revision ${revision} changes ${event.key} twice: was it given out twice?`)
      changed.add(event.key)
      this.change(node, revision, event)
    }
  }

  private change(node: string, revision: number, event: TrueEvent): void {
    const { type, key, value, createRevision, version, lease } = event
    const before = this.get(key, revision - 1)
    const gone = type === 'delete'
    if (gone && before === undefined) this.report(`${node} deletes ${key}, which is not there, at ${revision}`)
    const expected = gone
      ? { createRevision: 0, version: 0 }
      : { createRevision: before?.createRevision ?? revision, version: (before?.version ?? 0) + 1 }
    if (createRevision !== expected.createRevision || version !== expected.version) {
      const told = `version ${version}, created at ${createRevision}`
      this.report(`${key} at ${revision} has ${told}, not ${expected.version} and ${expected.createRevision}`)
    }
    let states = this.states.get(key)
    if (states === undefined) {
      this.states.set(key, (states = []))
      this.keys = undefined
    }
    states.push({ key, value, createRevision, modRevision: revision, version, lease, gone })
  }
}

function equal(a: TrueEvent, b: TrueEvent | undefined, values: boolean): boolean {
  if (a.type !== b?.type || a.key !== b.key || (values && a.value !== b.value)) return false
  return a.createRevision === b.createRevision && a.version === b.version && a.lease === b.lease
}

function describe({ type, key, value, createRevision, version, lease }: TrueEvent, values: boolean): string {
  return `${type} ${key}${values ? `=${value}` : ''} (${createRevision}, ${version}, lease ${lease})`
}
