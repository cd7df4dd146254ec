/**
 * Range reads: which records of a range a request is answered with, now or at a past revision.
 *
 * As in etcd: `count` is of all keys of the range at that revision, whatever else is asked; then come the filters, the
 * order, and last the limit. Everything a request can be refused for is found by {@link checkRangeRequest} beforehand; after
 * it only damage can throw, so a transaction may read between its changes.
 */
import { NitroError, compareBytes, latin1 } from '../base/index.ts'
import { compacted, futureRevision } from './events.ts'
import type { KeyEntry } from './key-index.ts'
import type { KeyRange, RangeRequest } from './kv-codec.ts'
import type { MachineLimits } from './limits.ts'
import { recordKinds } from './records.ts'
import type { RecordId, Records } from './records.ts'
import type { State } from './state.ts'
import { firstUserKey, reservedKey } from './sync/key.ts'

/** What a request is answered with. */
export interface Selection {
  /** Keys of the whole range. */
  readonly count: number
  /** Whether records that match were left out. */
  readonly more: boolean
  readonly records: readonly RecordId[]
}

type Bounds = readonly [start: string, stop: string | undefined]
type Visit = (record: RecordId) => boolean

/**
 * First and end key as latin1; the end undefined means without end. The reserved keys are shown to those who ask for nothing
 * else: a range that goes beyond them begins behind them.
 */
export function boundsOf({ start, end, fromKey }: KeyRange): Bounds {
  const first = latin1(start)
  const stop = fromKey ? undefined : end === undefined ? `${first}\0` : latin1(end)
  return first < firstUserKey && (stop === undefined || stop > firstUserKey) ? [firstUserKey, stop] : [first, stop]
}

/** The bounds of keys that are to change. Throws `InvalidArgument` for reserved ones. */
export function changedBounds(range: KeyRange): Bounds {
  const bounds = boundsOf(range)
  const [start, stop] = bounds
  if (start < firstUserKey && (stop === undefined || stop > '\0')) throw reservedKey()
  return bounds
}

/** Throws `Compacted` or `FutureRevision` for a revision that can't be read; 0 is now. */
export function checkReadable({ history, revision: newest }: State, revision: number): void {
  if (revision === 0) return
  if (revision < history.compactRevision) throw compacted(history.compactRevision)
  if (revision > newest) throw futureRevision(newest)
}

/**
 * Throws `Compacted` or `FutureRevision`, and `LimitExceeded` for a request that has to look at too many keys: one that
 * filters looks at all, one that orders by other than the key, too, and one that orders by value reads all values.
 */
export function checkRangeRequest(state: State, limits: MachineLimits, request: RangeRequest): void {
  const revision = request.revision ?? 0
  checkReadable(state, revision)
  const isSorted = isSortedRange(request)
  if (request.countOnly || (!isSorted && filterOf(state.records, request) === undefined)) return
  const bounds = boundsOf(request)
  const most = limits.rangeScanKeys
  const keys = state.index.count(...bounds) + (revision === 0 ? 0 : state.gone.count(...bounds))
  if (keys > most) throw tooMany('rangeScanKeys', most, `the range holds ${keys} keys`)
  if (request.sort !== 'value') return
  let bytes = 0
  visitRange(state, bounds, revision, false, (record) => (bytes += state.records.length(record)) <= limits.rangeBytes)
  if (bytes > limits.rangeBytes) throw tooMany('rangeBytes', limits.rangeBytes, 'a range ordered by value is longer')
}

/**
 * Selects the records of a checked request, at most `budgetBytes` of them: a first record comes beyond that, too, unless the
 * budget is 0. Throws `StateDamaged`.
 */
export function selectRange(
  state: State,
  limits: MachineLimits,
  request: RangeRequest,
  budgetBytes: number = limits.rangeBytes,
): Selection {
  const bounds = boundsOf(request)
  const revision = request.revision ?? 0
  const count = countRange(state, bounds, revision)
  if (request.countOnly || count === 0) return { count, more: false, records: [] }
  const limit = Math.min(request.limit || count, limits.rangeRecords)
  const records: RecordId[] = []
  let more = false
  let sizeBytes = 0
  const take = (record: RecordId): boolean => {
    sizeBytes += request.keysOnly ? state.records.entry(record).key.length : state.records.length(record)
    more = records.length >= limit || (sizeBytes > budgetBytes && (records.length > 0 || budgetBytes === 0))
    if (!more) records.push(record)
    return !more
  }
  const keep = filterOf(state.records, request)
  const isReverse = request.reverse === true
  if (isSortedRange(request)) {
    const all: RecordId[] = []
    visitRange(state, bounds, revision, false, (record) => keep?.(record) === false || all.push(record) > 0)
    sortRecords(state, all, request)
    if (isReverse) all.reverse()
    all.every(take)
  } else if (keep === undefined) {
    visitRange(state, bounds, revision, isReverse, take)
  } else {
    visitRange(state, bounds, revision, isReverse, (record) => !keep(record) || take(record))
  }
  return { count, more, records }
}

/** Whether an order other than by key is asked for. */
function isSortedRange({ sort }: RangeRequest): boolean {
  return sort !== undefined && sort !== 'key'
}

function filterOf(records: Records, request: RangeRequest): Visit | undefined {
  const { minModRevision = 0, maxModRevision = 0, minCreateRevision = 0, maxCreateRevision = 0 } = request
  if (minModRevision + maxModRevision + minCreateRevision + maxCreateRevision === 0) return undefined
  return (record) => {
    const mod = records.mod(record)
    const create = records.create(record)
    return (
      mod >= minModRevision &&
      create >= minCreateRevision &&
      (maxModRevision === 0 || mod <= maxModRevision) &&
      (maxCreateRevision === 0 || create <= maxCreateRevision)
    )
  }
}

/** Puts records that are in key order in the order asked for; equal ones stay in key order. */
function sortRecords(state: State, selected: RecordId[], { sort }: RangeRequest): void {
  const { records } = state
  if (sort === 'version' || sort === 'create' || sort === 'mod') {
    selected.sort((a, b) => records[sort](a) - records[sort](b))
    return
  }
  const values = new Map<RecordId, Uint8Array>()
  for (const record of selected) values.set(record, state.valueOf(record))
  selected.sort((a, b) => compareBytes(values.get(a) as Uint8Array, values.get(b) as Uint8Array))
}

/** Whether the state at this revision is not simply the current one. */
function isPast({ history: { events }, records }: State, revision: number): boolean {
  return revision !== 0 && events.length > 0 && records.mod(events.at(events.length - 1)) > revision
}

/** Keys of a range at a revision: the fewer of what is there and what has happened since are counted. */
function countRange(state: State, bounds: Bounds, revision: number): number {
  const now = state.index.count(...bounds)
  if (!isPast(state, revision)) return now
  const { history, records } = state
  const { events } = history
  const from = events.placeOf(revision + 1)
  let count = 0
  if (events.length - from > now + state.gone.count(...bounds)) {
    visitRange(state, bounds, revision, false, () => ++count > 0)
    return count
  }
  count = now
  const [start, stop] = bounds
  for (let place = from; place < events.length; place++) {
    const event = events.at(place)
    const { key } = records.entry(event)
    if (key < start || (stop !== undefined && key >= stop)) continue
    const kind = records.kind(event)
    if (kind === recordKinds.tombstone) count++
    else if (kind === recordKinds.put && records.version(event) === 1) count--
  }
  return count
}

/** Visits the records of a range at a revision in the order of keys, until the visitor says false. */
function visitRange(state: State, [start, stop]: Bounds, revision: number, reverse: boolean, visit: Visit): void {
  const { index, gone, records } = state
  if (!isPast(state, revision)) {
    const visitEntry = ({ record }: KeyEntry): boolean => visit(record)
    if (reverse) index.descend(start, stop, visitEntry)
    else index.ascend(start, stop, visitEntry)
    return
  }
  const entries = merge(index.entries(start, stop, reverse), gone.entries(start, stop, reverse), reverse)
  for (const entry of entries) {
    const record = records.at(entry.record, revision)
    if (record !== 0 && records.kind(record) === recordKinds.put && !visit(record)) return
  }
}

/** Two runs in the order of keys as one; no key is in both. */
function* merge(a: Iterator<KeyEntry>, b: Iterator<KeyEntry>, reverse: boolean): Generator<KeyEntry> {
  let left = a.next()
  let right = b.next()
  while (left.done !== true || right.done !== true) {
    const isLeft = right.done === true || (left.done !== true && left.value.key < right.value.key !== reverse)
    yield (isLeft ? left.value : right.value) as KeyEntry
    if (isLeft) left = a.next()
    else right = b.next()
  }
}

function tooMany(name: keyof MachineLimits, limit: number, what: string): NitroError {
  return new NitroError('LimitExceeded', `${what}; the limit is ${limit}`, { details: { name, limit } })
}
