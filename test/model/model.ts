/**
 * The store as a small obvious model, written from what the documentation promises: a whole copy of the state for each
 * revision, and a list of what each revision changed. It knows nothing of how the product does it.
 */
import { related } from './relations.ts'
import type { Bounds, ConditionStep, OpStep, PutStep, RangeStep, TxnStep } from './steps.ts'
import { boundsOf } from './steps.ts'

/** A record; the value of a deleted one is undefined. */
export interface Rec {
  readonly key: string
  readonly value: string
  readonly create: number
  readonly mod: number
  readonly version: number
  readonly lease: number
}

/** One change. */
export interface Event {
  readonly type: 'put' | 'delete' | 'emit'
  readonly key: string
  readonly record: Rec | undefined
  readonly previous: Rec | undefined
}

interface Lease {
  readonly ttlMs: number
  /** When it was granted or renewed last, in order. */
  order: number
}

type State = ReadonlyMap<string, Rec>

/** A refusal, by its code. */
export class Refused {
  readonly code: string

  constructor(code: string) {
    this.code = code
  }
}

/** What a page of a range holds. */
export interface Page {
  readonly count: number
  readonly more: boolean
  readonly records: readonly Rec[]
}

/** The model. */
export class Model {
  revision: number
  compactRevision: number
  readonly events = new Map<number, readonly Event[]>()
  readonly leases = new Map<number, Lease>()
  private readonly states = new Map<number, State>()
  /** Keeps so many revisions by itself. */
  private readonly keeps: number
  private clock = 0
  private pending: Event[] = []
  /** The state under way; between commands that of `revision`. */
  private now = new Map<string, Rec>()

  /** Begins with an empty state at a revision that deleted `key`, to which history is compacted. */
  constructor(revision: number, key: string, keeps: number) {
    this.revision = revision
    this.compactRevision = revision
    this.keeps = keeps
    this.states.set(revision, new Map())
    this.events.set(revision, [{ type: 'delete', key, record: undefined, previous: undefined }])
  }

  /** The state at a revision; 0 is now. Throws `Refused`. */
  at(revision: number): State {
    if (revision === 0) return this.now
    if (revision < this.compactRevision) throw new Refused('Compacted')
    const state = this.states.get(revision)
    if (state === undefined) throw new Refused('FutureRevision')
    return state
  }

  private change(event: Event): void {
    this.pending.push(event)
    if (event.type === 'put' && event.record !== undefined) this.now.set(event.key, event.record)
    if (event.type === 'delete') this.now.delete(event.key)
  }

  /** Ends a command: what it changed is one revision. */
  private commit(): number {
    if (this.pending.length > 0) {
      this.revision++
      this.events.set(this.revision, this.pending)
      this.pending = []
      this.states.set(this.revision, new Map(this.now))
    }
    return this.revision
  }

  /** Ends an entry of the log: history is kept for so many revisions. */
  endEntry(): void {
    this.compactRevision = Math.max(this.compactRevision, this.revision - this.keeps)
  }

  /** A put of one key. Throws `Refused`. */
  put(step: PutStep): { readonly revision: number; readonly previous: Rec | undefined } {
    this.checkPut(step)
    const previous = this.applyPut(step)
    return { revision: this.commit(), previous: step.prev ? previous : undefined }
  }

  private checkPut({ key, lease, ignoreValue, ignoreLease }: PutStep): void {
    if ((ignoreValue || ignoreLease) && !this.now.has(key)) throw new Refused('NotFound')
    if (lease !== 0 && !this.leases.has(lease)) throw new Refused('LeaseNotFound')
  }

  private applyPut({ key, value, lease, ignoreValue, ignoreLease }: PutStep): Rec | undefined {
    const previous = this.now.get(key)
    const mod = this.revision + 1
    const record = {
      key,
      value: ignoreValue && previous !== undefined ? previous.value : value,
      create: previous?.create ?? mod,
      mod,
      version: (previous?.version ?? 0) + 1,
      lease: ignoreLease && previous !== undefined ? previous.lease : lease,
    }
    this.change({ type: 'put', key, record, previous })
    return previous
  }

  /** Deletes the keys within bounds, in one revision. */
  remove(bounds: Bounds): { readonly revision: number; readonly deleted: readonly Rec[] } {
    const deleted = this.applyRemove(bounds)
    return { revision: this.commit(), deleted }
  }

  private applyRemove(bounds: Bounds): readonly Rec[] {
    const found = within(this.now, bounds)
    for (const previous of found) this.change({ type: 'delete', key: previous.key, record: undefined, previous })
    return found
  }

  /** A program's post: a put and an event, in one revision. */
  post(key: string, value: string): number {
    this.applyPut({ key, value, lease: 0, prev: false, ignoreValue: false, ignoreLease: false })
    const record = { key: `${key}/seen`, value, create: 0, mod: this.revision + 1, version: 0, lease: 0 }
    this.change({ type: 'emit', key: record.key, record, previous: undefined })
    return this.commit()
  }

  /** A page of a range. Throws `Refused`. */
  range(step: RangeStep): Page {
    const all = within(this.at(step.revision), boundsOf(step.range))
    if (step.countOnly) return { count: all.length, more: false, records: [] }
    const { minMod, maxMod, minCreate, maxCreate, sort, limit } = step
    const kept = all.filter(
      ({ mod, create }) =>
        mod >= minMod &&
        create >= minCreate &&
        (maxMod === 0 || mod <= maxMod) &&
        (maxCreate === 0 || create <= maxCreate),
    )
    if (sort !== 'key') kept.sort((a, b) => (a[sort] < b[sort] ? -1 : a[sort] > b[sort] ? 1 : 0))
    if (step.reverse) kept.reverse()
    const cut = limit === 0 ? kept : kept.slice(0, limit)
    const records = step.keysOnly ? cut.map((one) => ({ ...one, value: '' })) : cut
    return { count: all.length, more: cut.length < kept.length, records }
  }

  /** The versions of a key that are kept, newest first. Throws `Refused`. */
  history(
    key: string,
    revision: number,
  ): { readonly deleted: boolean; readonly record: Rec | undefined; readonly mod: number }[] {
    this.at(revision)
    const versions: { readonly deleted: boolean; readonly record: Rec | undefined; readonly mod: number }[] = []
    const mods = [...this.events.keys()].sort((a, b) => b - a)
    for (const mod of mods) {
      const event = this.events.get(mod)?.find((one) => one.key === key && one.type !== 'emit')
      if (event === undefined) continue
      const deleted = event.type === 'delete'
      // Of what was before the compact revision only the state at it is kept.
      if (mod >= this.compactRevision || !deleted) versions.push({ deleted, record: event.record, mod })
      if (mod <= this.compactRevision) break
    }
    return versions.filter(({ mod }) => revision === 0 || mod <= revision)
  }

  /** Forgets what was before. Throws `Refused`. */
  compact(revision: number): void {
    if (revision <= this.compactRevision) throw new Refused('Compacted')
    if (revision > this.revision) throw new Refused('FutureRevision')
    this.compactRevision = revision
  }

  /** A transaction: all its changes in one revision, or none. Throws `Refused`. */
  txn(step: TxnStep): { readonly revision: number; readonly result: TxnResult } {
    touchedBy(step)
    const path = this.pathOf(step)
    this.checkPath(path)
    const result = this.runPath(path)
    return { revision: this.commit(), result }
  }

  /** Every condition is decided on the state before the first change. */
  private pathOf({ conditions, success, failure }: TxnStep): Path {
    const succeeded = conditions.every((one) => this.holds(one))
    const ops = succeeded ? success : failure
    return { succeeded, ops: ops.map((op) => (op.do === 'txn' ? this.pathOf(op) : op)) }
  }

  private holds({ range, target, relation, operand }: ConditionStep): boolean {
    const records = within(this.now, boundsOf(range))
    if (target === 'missing') return records.length === 0
    if (target === 'exists') return records.length > 0
    if (records.length === 0) return target === 'value' ? false : related(0, relation, Number(operand))
    return records.every((one) => related(one[target], relation, operand))
  }

  private checkPath({ ops }: Path): void {
    for (const op of ops) {
      if ('ops' in op) this.checkPath(op)
      else if (op.do === 'put') this.checkPut(op)
      else if (op.do === 'range') this.at(op.revision)
    }
  }

  private runPath({ succeeded, ops }: Path): TxnResult {
    const answers = ops.map((op): TxnResult['answers'][number] => {
      if ('ops' in op) return this.runPath(op)
      if (op.do === 'put') {
        const previous = this.applyPut(op)
        return { previous: op.prev ? previous : undefined }
      }
      if (op.do === 'delete') {
        const deleted = this.applyRemove(boundsOf(op.range))
        return { deleted: deleted.length, previous: op.prev ? deleted : [] }
      }
      return this.range(op)
    })
    return { succeeded, answers }
  }

  /** A lease was granted under this id. */
  grant(id: number, ttlMs: number): void {
    this.leases.set(id, { ttlMs, order: this.clock++ })
  }

  /** Renews a lease. Throws `Refused`. */
  keepAlive(id: number): number {
    const lease = this.leaseOf(id)
    lease.order = this.clock++
    return lease.ttlMs
  }

  /** Ends a lease. Throws `Refused`. */
  revoke(id: number): { readonly revision: number; readonly deleted: number } {
    this.leaseOf(id)
    const deleted = this.endLease(id)
    return { revision: this.revision, deleted }
  }

  /** The lease of an id. Throws `Refused`. */
  leaseOf(id: number): Lease {
    const lease = this.leases.get(id)
    if (lease === undefined) throw new Refused('LeaseNotFound')
    return lease
  }

  /** Keys that are attached to a lease, in order. */
  keysOf(id: number): readonly string[] {
    return within(this.now, { start: '' })
      .filter(({ lease }) => lease === id)
      .map(({ key }) => key)
  }

  /** So much time passes that leases with less time to live end, those that were renewed first first. */
  pass(ms: number): void {
    const due = [...this.leases].filter(([, { ttlMs }]) => ttlMs < ms).sort(([, a], [, b]) => a.order - b.order)
    for (const [id] of due) this.endLease(id)
  }

  private endLease(id: number): number {
    const keys = this.keysOf(id)
    this.leases.delete(id)
    for (const key of keys) this.change({ type: 'delete', key, record: undefined, previous: this.now.get(key) })
    this.commit()
    return keys.length
  }
}

/** What a transaction answers. */
export interface TxnResult {
  readonly succeeded: boolean
  readonly answers: readonly (
    | { readonly previous: Rec | undefined }
    | { readonly deleted: number; readonly previous: readonly Rec[] }
    | Page
    | TxnResult
  )[]
}

interface Path {
  readonly succeeded: boolean
  readonly ops: readonly (Exclude<OpStep, TxnStep> | Path)[]
}

/** The records within bounds in key order. */
function within(state: State, { start, end }: Bounds): Rec[] {
  return [...state.values()]
    .filter(({ key }) => key >= start && (end === undefined || key < end))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
}

interface Touched {
  readonly puts: readonly string[]
  readonly deletes: readonly Bounds[]
}

/** What a transaction may change, on any way through. Throws `Refused` for a key that two operations of one way would change. */
function touchedBy({ success, failure }: TxnStep): Touched {
  const [a, b] = [listTouched(success), listTouched(failure)]
  return { puts: [...a.puts, ...b.puts], deletes: [...a.deletes, ...b.deletes] }
}

function listTouched(ops: readonly OpStep[]): Touched {
  let all: Touched = { puts: [], deletes: [] }
  for (const op of ops) {
    const one: Touched =
      op.do === 'txn'
        ? touchedBy(op)
        : { puts: op.do === 'put' ? [op.key] : [], deletes: op.do === 'delete' ? [boundsOf(op.range)] : [] }
    const deletes = (list: readonly Bounds[], key: string): boolean =>
      list.some(({ start, end }) => key >= start && (end === undefined || key < end))
    const twice =
      one.puts.some((key) => all.puts.includes(key) || deletes(all.deletes, key)) ||
      all.puts.some((key) => deletes(one.deletes, key))
    if (twice) throw new Refused('InvalidArgument')
    all = { puts: [...all.puts, ...one.puts], deletes: [...all.deletes, ...one.deletes] }
  }
  return all
}
