/** Operations: what a mutator did, as data. The same record is logged, sent, applied and turned into a delta. */
import type { Value } from '../../base/index.ts'
import type { Dot } from './dot.ts'

/** One operation on one typed value. Fields that its kind does not use hold 0, '' or null. */
export interface Op extends Dot {
  readonly rid: number
  readonly seq: number
  /** The place in its type's table of operations. */
  readonly kind: number
  /** The time of the bundle, see {@link HybridClock}; only for kinds that are ordered by time. */
  readonly high: number
  readonly low: number
  /** The key of a map, ... */
  readonly key: string
  readonly value: Value
}

/** What an operation of one kind carries. */
export interface OpShape {
  readonly name: string
  readonly key: boolean
  readonly value: boolean
  readonly time: boolean
}

/** A row of a type's table of operations: `fields` lists what it carries. */
export function opShape(name: string, ...fields: readonly ('key' | 'value' | 'time')[]): OpShape {
  return { name, key: fields.includes('key'), value: fields.includes('value'), time: fields.includes('time') }
}

/** No value: what kinds without one carry. */
export const noValue: null = null
