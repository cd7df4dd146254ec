/** What clients did and what they were told: the material of the client-side checkers. */

/** What became of an operation. `unknown` may take effect at any time after its start, or never. */
export type Outcome = 'pending' | 'ok' | 'failed' | 'unknown'

/** One operation of a client on a key. */
export interface Operation {
  readonly client: string
  readonly kind: 'put' | 'delete' | 'get' | 'increment'
  readonly key: string
  /** What is written; unique in the run. */
  readonly value: string | undefined
  /** Moments in the order of the run; `end` is infinite while the outcome is not known. */
  readonly start: number
  end: number
  outcome: Outcome
  /** What a get saw, or the number an increment was given. */
  result: string | undefined
  /** Revision of an acknowledged write, or of what a get saw. */
  revision: number | undefined
  /** Whether an acknowledged delete found something. */
  deleted: boolean
}

/** Hears of operations while they happen. */
export interface HistoryListener {
  began(operation: Operation): void
  ended(operation: Operation): void
}

/** All operations of a run, in the order of their starts. */
export class History {
  readonly operations: Operation[] = []
  private moment = 0
  private readonly listener: HistoryListener | undefined

  /** `listener` hears of every operation when it begins and when it ends. */
  constructor(listener?: HistoryListener) {
    this.listener = listener
  }

  /** A client begins an operation. */
  begin(client: string, kind: Operation['kind'], key: string, value?: string): Operation {
    const start = this.moment++
    const fresh = { outcome: 'pending', result: undefined, revision: undefined, deleted: false } as const
    const operation: Operation = { client, kind, key, value, start, end: Infinity, ...fresh }
    this.operations.push(operation)
    this.listener?.began(operation)
    return operation
  }

  /** An operation was answered. */
  answered(operation: Operation, result: string | undefined, revision: number | undefined, deleted = false): void {
    operation.outcome = 'ok'
    operation.end = this.moment++
    operation.result = result
    operation.revision = revision
    operation.deleted = deleted
    this.listener?.ended(operation)
  }

  /** An operation was given up; `maybe` says that it can still have happened. */
  gaveUp(operation: Operation, maybe: boolean): void {
    operation.outcome = maybe ? 'unknown' : 'failed'
    if (!maybe) operation.end = this.moment++
    this.listener?.ended(operation)
  }

  /** Operations on a key that may have taken effect, or read something. */
  on(key: string): Operation[] {
    return this.operations.filter((one) => one.key === key && one.outcome !== 'failed')
  }

  /** All keys. */
  keys(): string[] {
    return [...new Set(this.operations.map((one) => one.key))]
  }

  /** Operations that were answered. */
  get answers(): number {
    return this.operations.filter((one) => one.outcome === 'ok').length
  }
}

/** For messages. */
export function describeOperation(one: Operation): string {
  const { client, kind, key, value, start, end, outcome, result, revision } = one
  const saw = kind === 'get' || kind === 'increment' ? ` -> ${result ?? 'nothing'}` : ''
  const at = revision === undefined ? '' : ` @${revision}`
  return `${client} ${kind} ${key}${value === undefined ? '' : `=${value}`}${saw}${at} ${outcome} [${start},${end}]`
}
