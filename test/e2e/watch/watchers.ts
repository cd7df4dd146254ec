/**
 * Many watches over a few clients, and what each of them got: for all of them the revisions and a sum over the events of each,
 * for some every event.
 */
import type { Entry, Watch, WatchBatch, WatchEventType } from '../../../src/api/index.ts'
import type { Client } from '../../../src/client/index.ts'
import { Violations } from '../../../src/testing/checkers/violations.ts'
import { checkWatch } from '../../../src/testing/checkers/watch.ts'
import type {
  SeenBatch,
  SeenEvent,
  SeenRecord,
  WatchHistory,
  WatchRecord,
} from '../../../src/testing/checkers/watch.ts'
import { expect, sleep } from '../harness/index.ts'
import { prefixName } from './writes.ts'

/** How many watches there are, and of what. */
export interface WatcherPlan {
  readonly prefixes: number
  /** Over all prefixes, in turn. */
  readonly onPrefixes: number
  readonly onEverything: number
}

/** After so many batches a slow reader stops until so many more writes are acknowledged: more than its credit holds. */
const slow = { afterBatches: 2_500, writes: 8_000 }

class Watcher {
  readonly record: WatchRecord & { from: number; batches: SeenBatch[] }
  /** Revision and sum of each batch, one after the other. */
  readonly got: number[] = []
  /** The last revision it was told. */
  through = 0
  events = 0
  readonly keepsAll: boolean
  readonly isSlow: boolean
  failure: unknown
  watch: Watch | undefined

  constructor(name: string, prefix: string, at: number, keepsAll: boolean, isSlow: boolean) {
    const filters: readonly (WatchEventType | undefined)[] = [undefined, undefined, 'put', undefined, 'delete']
    this.keepsAll = keepsAll
    this.isSlow = isSlow
    this.record = {
      ...{ name, matches: (key) => key.startsWith(prefix), filter: prefix === '' ? undefined : filters[at % 5] },
      ...{ prev: at % 3 === 0, from: 1, batches: [], until: 0 },
    }
  }
}

/** All watches of a run. */
export class Watchers {
  /** Milliseconds from acknowledged to seen, of sampled events. */
  readonly delaysMs: number[] = []
  private readonly watchers: Watcher[] = []
  private readonly acknowledgedMs: ReadonlyMap<number, number>
  private stopping = false

  constructor(acknowledgedMs: ReadonlyMap<number, number>) {
    this.acknowledgedMs = acknowledgedMs
  }

  /** Batches' events handed to readers, over all watches. */
  get deliveries(): number {
    return this.watchers.reduce((sum, one) => sum + one.events, 0)
  }

  get size(): number {
    return this.watchers.length
  }

  /** Opens all, spread over the clients, and resolves when every one is open. */
  async open(clients: readonly Client[], plan: WatcherPlan): Promise<void> {
    const opened: Promise<void>[] = []
    for (let i = 0; i < plan.onPrefixes + plan.onEverything; i++) {
      const everything = i >= plan.onPrefixes
      const prefix = everything ? '' : prefixName(i % plan.prefixes)
      const at = everything ? i - plan.onPrefixes : Math.floor(i / plan.prefixes)
      const keepsAll = everything ? at < 2 : i % 83 === 0
      const watcher = new Watcher(`${i} of ${prefix}*`, prefix, at, keepsAll, everything && at % 5 === 4)
      this.watchers.push(watcher)
      opened.push(this.begin(watcher, clients[i % clients.length] as Client, prefix))
    }
    await Promise.all(opened)
  }

  private async begin(watcher: Watcher, client: Client, prefix: string): Promise<void> {
    const { filter, prev } = watcher.record
    const watch = client.store.watch({ prefix, filter, prev })
    watcher.watch = watch
    watcher.record.from = (await watch.opened) + 1
    void this.read(watcher, watch).catch((error: unknown) => (watcher.failure ??= error))
  }

  private async read(watcher: Watcher, watch: Watch): Promise<void> {
    for await (const batch of watch) {
      watcher.through = batch.revision
      watcher.events += batch.events.length
      if (batch.events.length > 0) watcher.got.push(batch.revision, sumOf(batch.events.map(shown)))
      if (watcher.keepsAll) this.keep(watcher, batch)
      if (watcher.isSlow && !this.stopping && watcher.got.length % (2 * slow.afterBatches) === 0) await this.pause()
    }
  }

  private async pause(): Promise<void> {
    const until = this.acknowledgedMs.size + slow.writes
    while (!this.stopping && this.acknowledgedMs.size < until) await sleep(20)
  }

  private keep(watcher: Watcher, { revision, events }: WatchBatch): void {
    watcher.record.batches.push({ revision, events: events.map(shown) })
    const acknowledged = this.acknowledgedMs.get(revision)
    if (acknowledged !== undefined && !watcher.isSlow) this.delaysMs.push(performance.now() - acknowledged)
  }

  /** Waits until every watch has everything up to a revision: by an event, or by being told. */
  async reach(revision: number, limitMs: number): Promise<void> {
    this.stopping = true
    const endMs = performance.now() + limitMs
    for (;;) {
      const behind = this.watchers.filter((one) => one.through < revision)
      for (const { failure, record } of this.watchers) {
        expect(failure === undefined, () => `watch ${record.name} ended: ${String(failure)}`)
      }
      if (behind.length === 0) return
      const [first] = behind
      expect(
        performance.now() < endMs,
        () => `${behind.length} watches are behind ${revision}: ${first?.record.name} at ${first?.through}`,
      )
      for (const { watch } of behind) watch?.requestProgress()
      await sleep(50)
    }
  }

  /** Compares what each watch got with the history filtered by it. */
  compare(history: WatchHistory, until: number): string {
    const wrongs: string[] = []
    const expectedOf = new Map<string, number[]>()
    let batches = 0
    for (const { record, got } of this.watchers) {
      batches += got.length / 2
      const expected = expectedSequence(record, history, until, expectedOf)
      const from = expected.findIndex((revision, i) => i % 2 === 0 && revision >= record.from)
      const wanted = from < 0 ? [] : expected.slice(from)
      const at = wanted.findIndex((value, i) => value !== got[i])
      if (at < 0 && got.length === wanted.length) continue
      const [want, have] = at < 0 ? ['no more', got[wanted.length]] : [wanted[at - (at % 2)], got[at - (at % 2)]]
      wrongs.push(`watch ${record.name}, batch ${Math.floor(at / 2)}: revision ${have} instead of ${want}`)
    }
    expect(wrongs.length === 0, () => `${wrongs.length} watches differ\n${wrongs.slice(0, 10).join('\n')}`)
    return `${this.watchers.length} watches, ${batches} batches, ${this.deliveries} events`
  }

  /** Checks the nine guarantees on the watches that kept everything. */
  guarantees(history: WatchHistory, until: number): string {
    const violations = new Violations()
    const kept = this.watchers.filter(({ keepsAll }) => keepsAll)
    for (const { record } of kept) checkWatch({ ...record, until }, history, violations)
    expect(violations.found.length === 0, () => violations.found.slice(0, 10).join('\n'))
    return `${kept.length} watches`
  }

  close(): void {
    for (const { watch } of this.watchers) watch?.close()
  }
}

/** Revision and sum of each batch that a watch like this gets from the beginning; shared by watches that see the same. */
function expectedSequence(
  record: WatchRecord,
  history: WatchHistory,
  until: number,
  known: Map<string, number[]>,
): number[] {
  const name = `${/of (.*)$/.exec(record.name)?.[1]} ${record.filter} ${record.prev}`
  let sequence = known.get(name)
  if (sequence === undefined) {
    sequence = []
    for (const revision of revisionsOf(record, history, until, known)) {
      const events = history.of(revision, record)
      const due = record.prev ? events : events.map((event) => ({ ...event, previous: undefined }))
      if (due.length > 0) sequence.push(revision, sumOf(due))
    }
    known.set(name, sequence)
  }
  return sequence
}

/** Revisions with any event under the prefix of a watch. */
function revisionsOf(
  record: WatchRecord,
  history: WatchHistory,
  until: number,
  known: Map<string, number[]>,
): readonly number[] {
  const prefix = `${/of (.*)$/.exec(record.name)?.[1]}`
  let revisions = known.get(prefix)
  if (revisions === undefined) {
    revisions = Array.from({ length: until }, (_, i) => i + 1)
    revisions = revisions.filter((revision) => history.of(revision, { ...record, filter: undefined }).length > 0)
    known.set(prefix, revisions)
  }
  return revisions
}

const shown = (event: WatchBatch['events'][number]): SeenEvent => ({
  ...{ type: event.type, key: event.keyText() },
  ...{ entry: recordOf(event.entry), previous: recordOf(event.previous) },
})

const recordOf = (entry: Entry | undefined): SeenRecord | undefined =>
  entry && {
    ...{ value: entry.text(), createRevision: entry.createRevision },
    ...{ modRevision: entry.modRevision, version: entry.version },
  }

/** A number that differs when any part of any event does. */
function sumOf(events: readonly SeenEvent[]): number {
  let sum = 0x811c9dc5
  const add = (text: string): void => {
    for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193)
    sum = Math.imul(sum ^ 0xff, 0x01000193)
  }
  const addRecord = (record: SeenRecord | undefined): void =>
    add((record && `${record.createRevision} ${record.modRevision} ${record.version} ${record.value}`) || '')
  for (const { type, key, entry, previous } of events) {
    add(type)
    add(key)
    addRecord(entry)
    addRecord(previous)
  }
  return sum >>> 0
}
