/** What a sequence of the model test does, as data that can be drawn, shrunk and printed. */
import fc from 'fast-check'
import type { RangeOrder } from '../../src/index.ts'
import type { Relation } from './relations.ts'

/** Keys in `[start, end)`; without an end all from `start` on. */
export interface Bounds {
  readonly start: string
  readonly end?: string
}

/** Which keys, as the interface takes them. */
export type RangeSpec =
  | { readonly prefix: string }
  | { readonly start: string; readonly end?: string }
  | { readonly key: string }

/** A put; a lease is an id once the sequence runs, and a place in the list of granted ones before. */
export interface PutStep {
  readonly key: string
  readonly value: string
  readonly lease: number
  readonly prev: boolean
  readonly ignoreValue: boolean
  readonly ignoreLease: boolean
}

/** A range read; revisions are real ones once the sequence runs, and shares of the history before. */
export interface RangeStep {
  readonly range: RangeSpec
  readonly revision: number
  readonly limit: number
  readonly reverse: boolean
  readonly sort: RangeOrder
  readonly minMod: number
  readonly maxMod: number
  readonly minCreate: number
  readonly maxCreate: number
  readonly keysOnly: boolean
  readonly countOnly: boolean
}

/** A condition; the operand of numbers is a share of the history before the sequence runs. */
export interface ConditionStep {
  readonly range: RangeSpec
  readonly target: 'value' | 'version' | 'create' | 'mod' | 'lease' | 'exists' | 'missing'
  readonly relation: Relation
  readonly operand: number | string
}

/** A transaction. */
export interface TxnStep {
  readonly do: 'txn'
  readonly conditions: readonly ConditionStep[]
  readonly success: readonly OpStep[]
  readonly failure: readonly OpStep[]
}

/** An operation of a transaction. */
export type OpStep =
  | ({ readonly do: 'put' } & PutStep)
  | { readonly do: 'delete'; readonly range: RangeSpec; readonly prev: boolean }
  | ({ readonly do: 'range' } & RangeStep)
  | TxnStep

/** One step of a sequence. */
export type Step =
  | OpStep
  | { readonly do: 'get'; readonly key: string; readonly revision: number }
  | { readonly do: 'history'; readonly key: string; readonly revision: number; readonly limit: number }
  | { readonly do: 'compact'; readonly revision: number }
  | { readonly do: 'post'; readonly key: string; readonly value: string; readonly fails: boolean }
  | { readonly do: 'grant'; readonly ttlMs: number }
  | { readonly do: 'revoke' | 'keepAlive' | 'timeToLive'; readonly lease: number }
  | { readonly do: 'leases' }
  | { readonly do: 'pass' }
  | {
      readonly do: 'watch'
      readonly range: RangeSpec
      /** 0 for now. */
      readonly from: number
      readonly prev: boolean
      readonly filter: 'put' | 'delete' | 'emit' | undefined
    }

/** Leases with this end when time passes; others do not. */
export const shortTtlMs = 2_000

/** So long time passes. */
export const passMs = 6_000

const key = fc.constantFrom('a', 'a/1', 'a/2', 'b', 'b/1', 'c')
const value = fc.constantFrom('', 'u', 'v', 'vv', 'w')
/** A revision: 0 is now, 1 to 100 lies within history, as a share, above is the future, and negative before history. */
const place = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: -3, max: 102 }) },
)
const lease = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) },
)
const rare = fc.integer({ min: 0, max: 5 }).map((n) => n === 5)

const spec: fc.Arbitrary<RangeSpec> = fc.oneof(
  fc.record({ prefix: fc.constantFrom('', 'a', 'a/', 'b', 'x') }),
  fc.record({ key }),
  fc.record({ start: key, end: key }),
  fc.record({ start: key }),
)

const put: fc.Arbitrary<{ readonly do: 'put' } & PutStep> = fc
  .record({
    do: fc.constant('put' as const),
    key,
    value,
    lease,
    prev: fc.boolean(),
    ignoreValue: rare,
    ignoreLease: rare,
  })
  .map((one) => ({ ...one, value: one.ignoreValue ? '' : one.value, lease: one.ignoreLease ? 0 : one.lease }))

/** Mostly of one key: a store that is empty most of the time shows little. */
const remove = fc.record({
  do: fc.constant('delete' as const),
  range: fc.oneof({ weight: 6, arbitrary: fc.record({ key }) }, { weight: 1, arbitrary: spec }),
  prev: fc.boolean(),
})

const bound = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 100 }) },
)

const range = fc.record({
  do: fc.constant('range' as const),
  range: spec,
  revision: place,
  limit: fc.constantFrom(0, 0, 1, 2, 3),
  reverse: fc.boolean(),
  sort: fc.constantFrom<RangeOrder>('key', 'key', 'version', 'create', 'mod', 'value'),
  ...{ minMod: bound, maxMod: bound, minCreate: bound, maxCreate: bound },
  keysOnly: rare,
  countOnly: rare,
})

const relation = fc.constantFrom<Relation>('eq', 'ne', 'lt', 'gt')
const condition: fc.Arbitrary<ConditionStep> = fc.oneof(
  fc.record({
    range: spec,
    target: fc.constantFrom('exists' as const, 'missing' as const),
    relation,
    operand: fc.constant(0),
  }),
  fc.record({ range: spec, target: fc.constant('value' as const), relation, operand: value }),
  fc.record({
    range: spec,
    target: fc.constant('version' as const),
    relation,
    operand: fc.integer({ min: 0, max: 3 }),
  }),
  fc.record({ range: spec, target: fc.constant('lease' as const), relation, operand: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ range: spec, target: fc.constantFrom('create' as const, 'mod' as const), relation, operand: bound }),
)

const txn: fc.Arbitrary<TxnStep> = fc.letrec<{ txn: TxnStep; op: OpStep }>((tie) => ({
  txn: fc.record({
    do: fc.constant('txn' as const),
    conditions: fc.array(condition, { maxLength: 2 }),
    success: fc.array(tie('op'), { maxLength: 4 }),
    failure: fc.array(tie('op'), { maxLength: 2 }),
  }),
  op: fc.oneof({ maxDepth: 2, depthIdentifier: 'txn' }, put, remove, range, tie('txn')),
})).txn

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: put },
  { weight: 3, arbitrary: remove },
  { weight: 5, arbitrary: range },
  { weight: 5, arbitrary: txn },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('get' as const), key, revision: place }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('history' as const),
      key,
      revision: place,
      limit: fc.constantFrom(0, 1, 2),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), revision: place }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('post' as const), key, value, fails: rare }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('grant' as const), ttlMs: fc.constantFrom(shortTtlMs, 3_600_000) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('revoke' as const, 'keepAlive' as const, 'timeToLive' as const),
      lease: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'leases' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'pass' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('watch' as const),
      ...{ range: spec, from: place, prev: fc.boolean() },
      filter: fc.constantFrom(undefined, undefined, 'put' as const, 'delete' as const, 'emit' as const),
    }),
  },
)

/** A sequence. */
export const sequence: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 5, maxLength: 60, size: 'max' })

/** First and end key of a range. */
export function boundsOf(range: RangeSpec): Bounds {
  if ('key' in range) return { start: range.key, end: `${range.key}\0` }
  if (!('prefix' in range)) return range
  const { prefix } = range
  return prefix === ''
    ? { start: '' }
    : { start: prefix, end: prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1) }
}
