/** Conditions of transactions, over one key or over each key of a range. */
import type { KeyRange as CodedRange, NumberTarget, Relation } from '../../execution/codec.ts'
import type { BytesLike, Condition, KeyRange, KeyTest, NumberTest, ValueTest } from '../api/index.ts'
import { codedRange, keyBytes, requireNumber, valueBytes } from './input.ts'

/**
 * Conditions over one key: `key('a').version.eq(0)`, `key('a').exists()`. Throws `KeyTooLarge`, `InvalidArgument`; the comparisons
 * throw `ValueTooLarge`, `InvalidArgument`.
 */
export function key(key: BytesLike): KeyTest {
  return testsOf({ start: new Uint8Array(keyBytes(key)) })
}

/** Conditions over every key of a range: `keys({ prefix: 'a/' }).missing()`. Throws as `key`. */
export function keys(range: KeyRange): KeyTest {
  const { start, end, fromKey } = codedRange(range)
  // What the caller gave as bytes may be used again before the transaction runs.
  return testsOf({ start: new Uint8Array(start), end: end && new Uint8Array(end), fromKey })
}

function testsOf(range: CodedRange): KeyTest {
  return Object.freeze<KeyTest>({
    value: valueTest(range),
    version: numberTest('version', range),
    create: numberTest('create', range),
    mod: numberTest('mod', range),
    lease: numberTest('lease', range),
    exists: () => ({ target: 'exists', range, exists: true }),
    missing: () => ({ target: 'exists', range, exists: false }),
  })
}

function numberTest(target: NumberTarget, range: CodedRange): NumberTest {
  const compare =
    (relation: Relation) =>
    (number: number): Condition => ({ target, range, relation, number: requireNumber(number, target) })
  return Object.freeze({ eq: compare('='), ne: compare('!='), lt: compare('<'), gt: compare('>') })
}

function valueTest(range: CodedRange): ValueTest {
  const compare =
    (relation: Relation) =>
    (value: BytesLike): Condition => ({ target: 'value', range, relation, value: new Uint8Array(valueBytes(value)) })
  return Object.freeze({ eq: compare('='), ne: compare('!='), lt: compare('<'), gt: compare('>') })
}
