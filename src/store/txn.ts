/** Transactions as callers put them together. The types follow what is given; here it is plain lists. */
import { NitroError } from '../../base/index.ts'
import { decodeTxnResult, encodeTxnArgs, maxCommandBytes } from '../../execution/codec.ts'
import type { Operation, OperationAnswer, TxnAnswer } from '../../execution/codec.ts'
import type { Condition, Engine, Op, RequestOptions, StoreTxn, Txn } from '../api/index.ts'
import { owned } from './entry.ts'
import { expected } from './operations.ts'

/** A transaction to be put into another: `put`, `get` and the like for several keys under conditions of their own. */
export function txn(): Txn {
  return new TxnBuilder(undefined, [], [], []) as unknown as Txn
}

/** The transaction of a store. */
export function storeTxn(engine: Engine): StoreTxn {
  return new TxnBuilder(engine, [], [], []) as unknown as StoreTxn
}

/** More transactions in each other the codec refuses, and more operations fit no command, whatever the limits of a machine. */
const depthMax = 64
const operationsMax = maxCommandBytes / 4

function tooMuch(name: string, limit: number): NitroError {
  return new NitroError('LimitExceeded', `${name}: at most ${limit}`, { details: { name, limit } })
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

function notOne(what: string, example: string): NitroError {
  return new NitroError('InvalidArgument', `this is no ${what} of a transaction, as ${example} gives one`)
}

function checkOps(ops: readonly Op[]): void {
  for (const one of ops) {
    if (!isObject(one) || typeof one.result !== 'function') throw notOne('operation', "put('a', '1')")
  }
}

interface Outcome {
  readonly succeeded: boolean
  readonly results: readonly unknown[]
}

class TxnBuilder implements Op<Outcome> {
  private readonly engine: Engine | undefined
  private readonly conditions: readonly Condition[]
  private readonly success: readonly Op[]
  private readonly failure: readonly Op[]
  /** Transactions in each other, and all their operations: those of one that is in several places count in each. */
  private readonly depth: number
  private readonly operations: number

  constructor(
    engine: Engine | undefined,
    conditions: readonly Condition[],
    success: readonly Op[],
    failure: readonly Op[],
  ) {
    this.engine = engine
    this.conditions = conditions
    this.success = success
    this.failure = failure
    let [depth, operations] = [0, 0]
    for (const op of [...success, ...failure]) {
      const nested = op instanceof TxnBuilder ? op : undefined
      depth = Math.max(depth, 1 + (nested?.depth ?? -1))
      operations += 1 + (nested?.operations ?? 0)
    }
    this.depth = depth
    this.operations = operations
  }

  if(...conditions: readonly Condition[]): TxnBuilder {
    for (const one of conditions)
      if (!isObject(one) || typeof one.target !== 'string') throw notOne('condition', "key('a').exists()")
    return new TxnBuilder(this.engine, [...this.conditions, ...conditions], this.success, this.failure)
  }

  /** Whoever awaits it calls this with two functions: waiting for what was never run must not look like having run it. */
  then(...ops: readonly Op[]): TxnBuilder {
    if (typeof ops[0] === 'function') {
      const error = new NitroError('InvalidArgument', 'a transaction does nothing until commit() is called; await that')
      const reject = ops[1] as unknown as ((reason: unknown) => void) | undefined
      if (reject === undefined) throw error
      reject(error)
      return this
    }
    checkOps(ops)
    return new TxnBuilder(this.engine, this.conditions, [...this.success, ...ops], this.failure)
  }

  else(...ops: readonly Op[]): TxnBuilder {
    checkOps(ops)
    return new TxnBuilder(this.engine, this.conditions, this.success, [...this.failure, ...ops])
  }

  get operation(): Operation & { readonly kind: 'txn' } {
    const { conditions, success, failure } = this
    const operations = (ops: readonly Op[]): readonly Operation[] => ops.map((op) => op.operation)
    return { kind: 'txn', txn: { conditions, success: operations(success), failure: operations(failure) } }
  }

  readonly result = (answer: OperationAnswer): Outcome => this.outcome(expected(answer, 'txn'))

  private outcome({ succeeded, answers }: TxnAnswer): Outcome {
    const ops = succeeded ? this.success : this.failure
    const results = ops.map((op, at) => {
      const answer = answers[at]
      if (answer === undefined) throw new NitroError('MalformedFrame', 'a transaction was answered in part')
      return op.result(answer)
    })
    return { succeeded, results }
  }

  async commit(options?: RequestOptions): Promise<Outcome & { readonly revision: number }> {
    const { engine } = this
    if (engine === undefined) throw new NitroError('InvalidArgument', 'only a transaction of a store can be committed')
    // Written down it may not fit into memory: the machine, which knows its limits, would never see it.
    if (this.depth > depthMax) throw tooMuch('transactionDepth', depthMax)
    if (this.operations > operationsMax) throw tooMuch('transactionOperations', operationsMax)
    const payload = await engine.command('kv', 'txn', encodeTxnArgs(this.operation.txn), options)
    const answer = decodeTxnResult(owned(payload))
    return { ...this.outcome(answer), revision: answer.revision }
  }
}
