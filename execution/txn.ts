/**
 * Transactions as data: conditions decide between two lists of operations, and an operation may be a transaction again.
 *
 * What holds, as in etcd: all conditions, those of nested transactions too, are decided on the state before the first change;
 * reads see the changes of the operations before them; all changes share one revision; a key is changed by one operation at
 * most. Everything that can fail is known before the first change.
 */
import { NitroError, latin1 } from '../base/index.ts'
import type { KeyRange, RangeRequest } from './kv-codec.ts'
import type { MachineLimits } from './limits.ts'
import { changedBounds } from './range.ts'
import { reservedKey } from './sync/key.ts'
import type { SyncResource } from './sync/key.ts'

/** How a condition compares what is stored with its operand. */
export type Relation = '=' | '!=' | '<' | '>'

/** Numbers of a record that conditions compare; all are 0 for a key that is not there. */
export type NumberTarget = 'version' | 'create' | 'mod' | 'lease'

/** What must hold for every key of a range. Of a range without keys, a value condition is false and numbers are 0. */
export type Condition =
  | { readonly target: 'value'; readonly range: KeyRange; readonly relation: Relation; readonly value: Uint8Array }
  | { readonly target: NumberTarget; readonly range: KeyRange; readonly relation: Relation; readonly number: number }
  | { readonly target: 'exists'; readonly range: KeyRange; readonly exists: boolean }
  | HeldCondition

/** A grant of the sync program: what is held, and since which revision. */
export interface Grant extends SyncResource {
  readonly token: number
}

/** Holds while exactly this grant is held: no longer once it was released, its time was up, or its lease has ended. */
export interface HeldCondition {
  readonly target: 'held'
  readonly grant: Grant
}

/** Writes a key. */
export interface PutOperation {
  readonly kind: 'put'
  readonly key: Uint8Array
  readonly value: Uint8Array
  /** The lease to attach the key to; 0 for none. */
  readonly lease: number
  /** Answer with the record before. */
  readonly prevKv: boolean
  /** Keep the value that is there and change the rest; the key must be there and `value` empty. */
  readonly ignoreValue: boolean
  /** Keep the lease that is there; the key must be there and `lease` 0. */
  readonly ignoreLease: boolean
}

/** Deletes the keys of a range. */
export interface DeleteOperation {
  readonly kind: 'delete'
  readonly range: KeyRange
  /** Answer with the deleted records. */
  readonly prevKv: boolean
}

/** Reads a range; with a revision the state of then, without changes of this transaction. */
export interface RangeOperation {
  readonly kind: 'range'
  readonly request: RangeRequest
}

/** A transaction within another. */
export interface TxnOperation {
  readonly kind: 'txn'
  readonly txn: Txn
}

/** One operation of a transaction. */
export type Operation = PutOperation | DeleteOperation | RangeOperation | TxnOperation

/** A transaction: `success` runs if all conditions hold, `failure` otherwise. */
export interface Txn {
  readonly conditions: readonly Condition[]
  readonly success: readonly Operation[]
  readonly failure: readonly Operation[]
}

/** The operations that run, once every condition is decided. */
export interface Path {
  readonly succeeded: boolean
  readonly steps: readonly (PutOperation | DeleteOperation | RangeOperation | Path)[]
}

/** Branches that do not run may hold operations, too, but all together not more than this many times the limit. */
const branchFactor = 8

/** Decides every condition and leaves what has to be done. */
export function pathOf(txn: Txn, holds: (condition: Condition) => boolean): Path {
  const succeeded = txn.conditions.every(holds)
  const steps = (succeeded ? txn.success : txn.failure).map((op) => (op.kind === 'txn' ? pathOf(op.txn, holds) : op))
  return { succeeded, steps }
}

/** Whether a relation holds between two numbers, or between the sign of a comparison and 0. */
export function related(left: number, relation: Relation, right: number): boolean {
  switch (relation) {
    case '=':
      return left === right
    case '!=':
      return left !== right
    case '<':
      return left < right
    case '>':
      return left > right
  }
}

/**
 * Checks what can be checked without the state, in every branch. Throws `LimitExceeded`, `KeyTooLarge`, `ValueTooLarge`, and
 * `InvalidArgument` for a key that two operations of one way through would change.
 */
export function checkTxn(txn: Txn, limits: MachineLimits): void {
  new TxnCheck(limits).txn(txn, limits.transactionOps, 0)
}

/** Throws what `put` alone can be refused for. */
export function checkPut(op: PutOperation, limits: MachineLimits): void {
  checkKey(op.key, limits)
  if (op.key[0] === 0) throw reservedKey()
  if (op.value.length > limits.valueBytes) throw tooLarge('ValueTooLarge', op.value.length, limits.valueBytes)
  if (op.ignoreValue && op.value.length > 0) throw invalid('a value is given and to be ignored')
  if (op.ignoreLease && op.lease !== 0) throw invalid('a lease is given and to be ignored')
}

/** Throws `KeyTooLarge` for a range whose bounds are no keys. */
export function checkRange({ start, end, fromKey }: KeyRange, limits: MachineLimits): void {
  if (start.length === 0 && end === undefined && !fromKey) throw tooLarge('KeyTooLarge', 0, limits.keyBytes)
  for (const key of [start, end]) {
    if (key !== undefined && key.length > limits.keyBytes) throw tooLarge('KeyTooLarge', key.length, limits.keyBytes)
  }
}

/** As {@link checkRange}, for keys that are to go. Throws `InvalidArgument`, too. */
export function checkDelete(range: KeyRange, limits: MachineLimits): readonly [string, string | undefined] {
  checkRange(range, limits)
  return changedBounds(range)
}

/** Keys that the operations of one list may change. */
class Touched {
  readonly puts = new Set<string>()
  readonly deletes: (readonly [string, string | undefined])[] = []

  /** Takes in what stands beside it. Throws `InvalidArgument` for a key in both. */
  join(other: Touched): void {
    for (const key of other.puts) {
      if (this.puts.has(key) || this.deletes.some((range) => within(key, range))) throw twice()
    }
    for (const range of other.deletes) for (const key of this.puts) if (within(key, range)) throw twice()
    this.merge(other)
  }

  /** Takes in what never runs together with it. */
  merge(other: Touched): void {
    for (const key of other.puts) this.puts.add(key)
    this.deletes.push(...other.deletes)
  }
}

class TxnCheck {
  private readonly limits: MachineLimits
  private operations = 0

  constructor(limits: MachineLimits) {
    this.limits = limits
  }

  txn(txn: Txn, allowed: number, depth: number): Touched {
    const { transactionOps, transactionDepth } = this.limits
    if (depth > transactionDepth) throw tooMany('transactionDepth', transactionDepth)
    const here = Math.max(txn.conditions.length, txn.success.length, txn.failure.length)
    this.operations += txn.conditions.length + txn.success.length + txn.failure.length
    if (here > allowed || this.operations > branchFactor * transactionOps)
      throw tooMany('transactionOps', transactionOps)
    for (const condition of txn.conditions) {
      if (condition.target !== 'held') checkRange(condition.range, this.limits)
    }
    const touched = this.list(txn.success, allowed - here, depth)
    touched.merge(this.list(txn.failure, allowed - here, depth))
    return touched
  }

  private list(ops: readonly Operation[], allowed: number, depth: number): Touched {
    const touched = new Touched()
    for (const op of ops) touched.join(this.operation(op, allowed, depth))
    return touched
  }

  private operation(op: Operation, allowed: number, depth: number): Touched {
    if (op.kind === 'txn') return this.txn(op.txn, allowed, depth + 1)
    const touched = new Touched()
    if (op.kind === 'put') {
      checkPut(op, this.limits)
      touched.puts.add(latin1(op.key))
    } else if (op.kind === 'delete') {
      touched.deletes.push(checkDelete(op.range, this.limits))
    } else {
      checkRange(op.request, this.limits)
    }
    return touched
  }
}

function within(key: string, [start, end]: readonly [string, string | undefined]): boolean {
  return key >= start && (end === undefined || key < end)
}

function checkKey(key: Uint8Array, limits: MachineLimits): void {
  if (key.length === 0 || key.length > limits.keyBytes) throw tooLarge('KeyTooLarge', key.length, limits.keyBytes)
}

function twice(): NitroError {
  return invalid('two operations of a transaction change the same key')
}

function invalid(what: string): NitroError {
  return new NitroError('InvalidArgument', what)
}

function tooLarge(code: 'KeyTooLarge' | 'ValueTooLarge', bytes: number, limit: number): NitroError {
  return new NitroError(code, `${bytes} bytes; the limit is ${limit}`, { details: { bytes, limit } })
}

function tooMany(name: 'transactionOps' | 'transactionDepth', limit: number): NitroError {
  return new NitroError('LimitExceeded', `${name}: at most ${limit}`, { details: { name, limit } })
}
