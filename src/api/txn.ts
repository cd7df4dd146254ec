/** Transactions of the store: conditions, operations, and what they answer, as types that follow what was asked. */
import type { Condition as CodedCondition, Operation, OperationAnswer } from '../../execution/index.ts'
import type { RequestOptions } from './engine.ts'
import type { BytesLike, Entry, RangeResult } from './store.ts'

/**
 * What must hold for a transaction to take its first branch. Made by `key()` and `keys()`, or by whatever else guards
 * transactions: the builder hands it on as it is.
 */
export type Condition = CodedCondition

/** Comparisons of a number of a record; all its numbers are 0 for a key that is not there. */
export interface NumberTest {
  eq(number: number): Condition
  ne(number: number): Condition
  lt(number: number): Condition
  gt(number: number): Condition
}

/** Comparisons of a value in byte order; all are false for a key that is not there. */
export interface ValueTest {
  eq(value: BytesLike): Condition
  ne(value: BytesLike): Condition
  lt(value: BytesLike): Condition
  gt(value: BytesLike): Condition
}

/** Conditions over one key, or over each key of a range; a range without keys is as a key that is not there. */
export interface KeyTest {
  readonly value: ValueTest
  /** Writes since the key was made. */
  readonly version: NumberTest
  /** The revision that made the key. */
  readonly create: NumberTest
  /** The revision that changed it last. */
  readonly mod: NumberTest
  /** The lease it is attached to; 0 for none. */
  readonly lease: NumberTest
  exists(): Condition
  missing(): Condition
}

/** An operation of a transaction that answers with a `Result`. Made by `put`, `del`, `get`, `range` and `txn`. */
export interface Op<Result = unknown> {
  readonly operation: Operation
  /** Makes the result out of the answer of the machine. */
  readonly result: (answer: OperationAnswer) => Result
}

/** What a put answers. */
export interface PutOpResult {
  /** With `prev`: the record before; undefined when there was none. */
  readonly previous: Entry | undefined
}

/** What a delete answers. */
export interface DeleteOpResult {
  readonly deleted: number
  /** With `prev`: the deleted records in key order. */
  readonly previous: readonly Entry[]
}

/** What a read of one key answers. */
export type GetOpResult = Entry | undefined

/** What a read of a range answers; `revision` is that of the store before the transaction. */
export type RangeOpResult = RangeResult

/** The results of operations, one for each, in order. */
export type ResultsOf<Ops extends readonly Op[]> = {
  readonly [At in keyof Ops]: Ops[At] extends Op<infer Result> ? Result : never
}

/** Which branch ran, and the results of its operations. */
export type TxnOutcome<Then extends readonly Op[], Else extends readonly Op[]> =
  | { readonly succeeded: true; readonly results: ResultsOf<Then> }
  | { readonly succeeded: false; readonly results: ResultsOf<Else> }

/** An outcome, and the revision of the store after it: a new one if anything was changed. */
export type TxnResult<Then extends readonly Op[], Else extends readonly Op[]> = TxnOutcome<Then, Else> & {
  readonly revision: number
}

/**
 * A transaction that is being put together, and an operation of others. Nothing is changed in place: each call gives a new
 * one, with what was given added at the end. `then` is not that of a promise: it takes operations only.
 */
export interface Txn<Then extends readonly Op[] = readonly [], Else extends readonly Op[] = readonly []> extends Op<
  TxnOutcome<Then, Else>
> {
  /** Conditions that must all hold, on the state before the first change. */
  if(...conditions: readonly Condition[]): Txn<Then, Else>
  /** Operations that run if all conditions hold. */
  then<const Ops extends readonly Op[]>(...ops: Ops): Txn<readonly [...Then, ...Ops], Else>
  /** Operations that run if one does not. */
  else<const Ops extends readonly Op[]>(...ops: Ops): Txn<Then, readonly [...Else, ...Ops]>
}

/** A transaction of a store. Awaiting it without `commit` runs nothing and is `InvalidArgument`. */
export interface StoreTxn<
  Then extends readonly Op[] = readonly [],
  Else extends readonly Op[] = readonly [],
> extends Txn<Then, Else> {
  if(...conditions: readonly Condition[]): StoreTxn<Then, Else>
  then<const Ops extends readonly Op[]>(...ops: Ops): StoreTxn<readonly [...Then, ...Ops], Else>
  else<const Ops extends readonly Op[]>(...ops: Ops): StoreTxn<Then, readonly [...Else, ...Ops]>
  /**
   * Runs it as one step of the log; an error means that nothing has happened, unless it says `executed: 'maybe'`.
   * Throws `InvalidArgument` for a key that two operations of one way through would change, `LimitExceeded`, `LeaseNotFound`, `NotFound`
   * (`ignoreValue`, `ignoreLease`), `Compacted`, `FutureRevision`, `RequestTooLarge`, and what {@link Engine.command} throws.
   */
  commit(options?: RequestOptions): Promise<TxnResult<Then, Else>>
}
