/**
 * kv.write, kv.remove and kv.txn on the state. Everything that can fail is checked before the first change; then the
 * operations run in order on the state itself, so that reads see what was changed before them.
 */
import { ByteReader, ByteWriter, NitroError, assert, compareBytes, concatBytes, latin1 } from '../../base/index.ts'
import type { KeyEntry } from '../key-index.ts'
import type { KeyRange } from '../kv-codec.ts'
import type { Leases } from '../leases.ts'
import type { MachineLimits } from '../limits.ts'
import { boundsOf, checkRangeRequest } from '../range.ts'
import { okStatus } from '../result.ts'
import type { State } from '../state.ts'
import type { Sync } from '../sync/sync.ts'
import { decodeRemoveArgs, decodeTxnArgs, decodeWriteArgs, operationKinds } from '../txn-codec.ts'
import { checkDelete, checkPut, checkTxn, pathOf, related } from '../txn.ts'
import type { Condition, DeleteOperation, HeldCondition, Path, PutOperation, RangeOperation } from '../txn.ts'
import { rangePayload, writeEntry } from './kv.ts'

/** What transactions work on. */
export interface TxnContext {
  readonly state: State
  readonly leases: Leases
  readonly sync: Sync
  readonly limits: MachineLimits
}

/** Applies kv.write with the arguments in `bytes[at, end)` and returns its result. */
export function write(context: TxnContext, bytes: Uint8Array, at: number, end: number): Uint8Array {
  const op = decodeWriteArgs(new ByteReader(bytes, at, end))
  checkPut(op, context.limits)
  return new TxnRun(context).single(op)
}

/** Applies kv.remove with the arguments in `bytes[at, end)` and returns its result. */
export function removeRange(context: TxnContext, bytes: Uint8Array, at: number, end: number): Uint8Array {
  const op = decodeRemoveArgs(new ByteReader(bytes, at, end))
  checkDelete(op.range, context.limits)
  return new TxnRun(context).single(op)
}

/** Applies kv.txn with the arguments in `bytes[at, end)` and returns its result. */
export function txn(context: TxnContext, bytes: Uint8Array, at: number, end: number): Uint8Array {
  const request = decodeTxnArgs(new ByteReader(bytes, at, end))
  checkTxn(request, context.limits)
  let looks = context.limits.rangeRecords
  const path = pathOf(request, (condition) => {
    if (condition.target === 'held') return context.sync.holder(condition.grant) !== undefined
    const [start, stop] = boundsOf(condition.range)
    const count = context.state.index.count(start, stop)
    if (condition.target === 'exists' && !condition.exists) return count === 0
    looks -= count
    if (looks < 0) throw tooMany('rangeRecords', context.limits.rangeRecords)
    return holds(context.state, condition, start, stop, count)
  })
  return new TxnRun(context).whole(path)
}

type RangeCondition = Exclude<Condition, HeldCondition>

/** Whether a condition holds for every key of its range, which has `count` of them. */
function holds(
  state: State,
  condition: RangeCondition,
  start: string,
  stop: string | undefined,
  count: number,
): boolean {
  if (count === 0) return holdsFor(state, condition, undefined)
  let all = true
  state.index.ascend(start, stop, (entry) => (all = holdsFor(state, condition, entry)))
  return all
}

function holdsFor(state: State, condition: RangeCondition, entry: KeyEntry | undefined): boolean {
  switch (condition.target) {
    case 'value':
      return (
        entry !== undefined && related(compareBytes(state.readValue(entry), condition.value), condition.relation, 0)
      )
    case 'exists':
      return (entry !== undefined) === condition.exists
    case 'version':
    case 'create':
    case 'mod':
    case 'lease':
      return related(
        entry === undefined ? 0 : state.records[condition.target](entry.record),
        condition.relation,
        condition.number,
      )
  }
}

/** Results are built here; one at a time, and reads within one have a place of their own. */
const results = new ByteWriter(1024)

/** One run: first every check, then every change. */
class TxnRun {
  private readonly context: TxnContext
  private readonly writer = results
  private readonly revision: number
  private position = 0
  /** What the checks add up. */
  private keys = 0
  private bytes = 0
  private previousBytes = 0
  private attached: Map<number, number> | undefined
  /** What reads may still answer, in bytes. */
  private readBudget = 0

  constructor(context: TxnContext) {
    this.context = context
    this.revision = context.state.revision + 1
  }

  single(op: PutOperation | DeleteOperation): Uint8Array {
    this.check(op)
    this.begin()
    if (op.kind === 'put') this.put(op)
    else this.remove(op)
    return this.finish()
  }

  whole(path: Path): Uint8Array {
    this.checkPath(path)
    this.begin()
    this.run(path)
    return this.finish()
  }

  /** From here on nothing is refused. A run that changes nothing takes no revision. */
  private begin(): void {
    this.checkSums()
    const { writer } = this
    writer.clear()
    writer.u8(okStatus)
    writer.uint(this.keys > 0 ? this.revision : this.context.state.revision)
  }

  private finish(): Uint8Array {
    assert(this.position > 0 === this.keys > 0, 'a run changes something exactly if it was said to')
    if (this.position > 0) this.context.state.revision = this.revision
    return this.writer.take()
  }

  private checkPath(path: Path): void {
    for (const step of path.steps) {
      if ('steps' in step) this.checkPath(step)
      else this.check(step)
    }
  }

  private check(op: PutOperation | DeleteOperation | RangeOperation): void {
    if (op.kind === 'range') checkRangeRequest(this.context.state, this.context.limits, op.request)
    else if (op.kind === 'delete') this.checkDelete(op)
    else this.checkPut(op)
  }

  private checkPut(op: PutOperation): void {
    const { state, leases } = this.context
    const key = latin1(op.key)
    const entry = state.index.get(key)
    this.keys++
    this.bytes += op.key.length + op.value.length
    if (entry === undefined && (op.ignoreValue || op.ignoreLease)) {
      throw new NitroError('NotFound', 'the key is not there', { details: { key: op.key.slice() } })
    }
    const known = entry === undefined ? 0 : state.records.length(entry.record)
    if (op.prevKv) this.previousBytes += known
    if (op.ignoreValue) this.bytes += known
    if (op.lease === 0) return
    this.attached ??= new Map()
    const more =
      (this.attached.get(op.lease) ?? 0) +
      (entry !== undefined && state.records.lease(entry.record) === op.lease ? 0 : 1)
    this.attached.set(op.lease, more)
    leases.checkAttach(op.lease, more)
  }

  private checkDelete({ range, prevKv }: DeleteOperation): void {
    const { state, limits } = this.context
    const [start, stop] = boundsOf(range)
    this.keys += state.index.count(start, stop)
    if (!prevKv || this.keys > limits.transactionKeys) return
    state.index.ascend(start, stop, (entry) => {
      this.previousBytes += state.records.length(entry.record)
      return true
    })
  }

  private checkSums(): void {
    const { limits } = this.context
    if (this.keys > limits.transactionKeys) throw tooMany('transactionKeys', limits.transactionKeys)
    if (this.bytes > limits.transactionBytes) throw tooLong(this.bytes, limits.transactionBytes)
    if (this.previousBytes > limits.rangeBytes) throw tooLong(this.previousBytes, limits.rangeBytes)
    this.readBudget = limits.rangeBytes - this.previousBytes
  }

  private run({ succeeded, steps }: Path): void {
    const { writer } = this
    writer.u8(succeeded ? 1 : 0)
    writer.uint(steps.length)
    for (const step of steps) {
      if ('steps' in step) {
        writer.u8(operationKinds.txn)
        this.run(step)
        continue
      }
      writer.u8(operationKinds[step.kind])
      if (step.kind === 'put') this.put(step)
      else if (step.kind === 'delete') this.remove(step)
      else this.range(step)
    }
  }

  private put(op: PutOperation): void {
    const { state } = this.context
    const key = latin1(op.key)
    const entry = state.index.get(key)
    const lease = op.ignoreLease && entry !== undefined ? state.records.lease(entry.record) : op.lease
    const value = op.ignoreValue && entry !== undefined ? state.readValue(entry) : op.value
    this.writer.u8(op.prevKv && entry !== undefined ? 1 : 0)
    if (op.prevKv && entry !== undefined) writeEntry(this.writer, state, entry.record, true)
    const source = concatBytes([op.key, value])
    state.put(key, source, 0, value.length, this.revision, this.position++, lease)
  }

  private remove({ range, prevKv }: DeleteOperation): void {
    const { state } = this.context
    const entries = this.entriesOf(range)
    this.writer.uint(entries.length)
    this.writer.uint(prevKv ? entries.length : 0)
    if (prevKv) for (const entry of entries) writeEntry(this.writer, state, entry.record, true)
    for (const entry of entries) state.remove(entry, this.revision, this.position++)
  }

  private range({ request }: RangeOperation): void {
    const { state, limits } = this.context
    const payload = rangePayload(state, limits, request, this.readBudget)
    this.readBudget = Math.max(0, this.readBudget - payload.length)
    this.writer.blob(payload)
  }

  private entriesOf(range: KeyRange): KeyEntry[] {
    const [start, stop] = boundsOf(range)
    const entries: KeyEntry[] = []
    this.context.state.index.ascend(start, stop, (entry) => entries.push(entry) > 0)
    return entries
  }
}

function tooMany(name: keyof MachineLimits, limit: number): NitroError {
  return new NitroError('LimitExceeded', `${name}: at most ${limit}`, { details: { name, limit } })
}

function tooLong(bytes: number, limit: number): NitroError {
  return new NitroError('RequestTooLarge', `${bytes} bytes; the limit is ${limit}`, { details: { bytes, limit } })
}
