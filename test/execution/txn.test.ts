/** Transactions as data: their bytes, what is refused without looking at the state, and which way they go. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteReader, isNitroError, latin1, utf8 } from '../../base/index.ts'
import { defaultLimits, encodeRemoveArgs, encodeTxnArgs, encodeWriteArgs } from '../../execution/index.ts'
import type { Condition, Operation, Txn } from '../../execution/index.ts'
import { decodeRemoveArgs, decodeTxnArgs, decodeWriteArgs } from '../../execution/txn-codec.ts'
import { checkTxn, pathOf, related } from '../../execution/txn.ts'

const bytes = fc.uint8Array({ maxLength: 6 })
const range = fc.oneof(
  bytes.map((start) => ({ start })),
  fc.record({ start: bytes, end: bytes }),
  bytes.map((start) => ({ start, fromKey: true })),
)
const relation = fc.constantFrom('=' as const, '!=' as const, '<' as const, '>' as const)
const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ target: fc.constant('value' as const), range, relation, value: bytes }),
  fc.record({
    target: fc.constantFrom('version' as const, 'create' as const, 'mod' as const, 'lease' as const),
    range,
    relation,
    number: fc.maxSafeNat(),
  }),
  fc.record({ target: fc.constant('exists' as const), range, exists: fc.boolean() }),
)
const put = fc.record({
  kind: fc.constant('put' as const),
  key: bytes,
  value: bytes,
  lease: fc.maxSafeNat(),
  prevKv: fc.boolean(),
  ignoreValue: fc.boolean(),
  ignoreLease: fc.boolean(),
})
const remove = fc.record({ kind: fc.constant('delete' as const), range, prevKv: fc.boolean() })
const { txn } = fc.letrec<{ txn: Txn; operation: Operation }>((tie) => ({
  txn: fc.record({
    conditions: fc.array(condition, { maxLength: 3 }),
    success: fc.array(tie('operation'), { maxLength: 3 }),
    failure: fc.array(tie('operation'), { maxLength: 3 }),
  }),
  operation: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    put,
    remove,
    fc.record({ kind: fc.constant('txn' as const), txn: tie('txn') }),
  ),
}))

const plainPut = (key: string, value = 'v'): Operation => ({
  kind: 'put',
  key: utf8(key),
  value: utf8(value),
  lease: 0,
  prevKv: false,
  ignoreValue: false,
  ignoreLease: false,
})
const plainDelete = (start: string, end?: string): Operation => ({
  kind: 'delete',
  prevKv: false,
  range: end === undefined ? { start: utf8(start) } : { start: utf8(start), end: utf8(end) },
})
const nested = (success: readonly Operation[], other: readonly Operation[] = []): Operation => ({
  kind: 'txn',
  txn: { conditions: [], success, failure: other },
})
const only = (success: readonly Operation[], other: readonly Operation[] = []): Txn => ({
  conditions: [],
  success,
  failure: other,
})
const codeOf = (work: () => unknown): string => {
  try {
    work()
    return 'ok'
  } catch (thrown) {
    if (!isNitroError(thrown)) throw thrown
    return thrown.code
  }
}
const check = (one: Txn, limits = {}): string => codeOf(() => checkTxn(one, { ...defaultLimits, ...limits }))

describe('the bytes of transactions', () => {
  it('say the same when read as when written', () => {
    fc.assert(
      fc.property(txn, put, remove, (one, write, removal) => {
        expect(decodeTxnArgs(new ByteReader(encodeTxnArgs(one)))).toEqual(one)
        expect(decodeWriteArgs(new ByteReader(encodeWriteArgs(write)))).toEqual(write)
        expect(decodeRemoveArgs(new ByteReader(encodeRemoveArgs(removal)))).toEqual(removal)
      }),
    )
  })

  it('hold ranges with every option', () => {
    const request = {
      ...{ start: utf8('a'), end: utf8('b'), limit: 3, reverse: true, keysOnly: true, countOnly: false },
      ...{ revision: 7, sort: 'mod' as const, minModRevision: 1, maxModRevision: 2 },
      ...{ minCreateRevision: 3, maxCreateRevision: 4 },
    }
    const one = only([{ kind: 'range', request }])
    expect(decodeTxnArgs(new ByteReader(encodeTxnArgs(one)))).toEqual(one)
  })

  it('are refused, and nothing worse, when they are any other bytes', () => {
    fc.assert(
      fc.property(txn, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, at, flip) => {
        const encoded = encodeTxnArgs(one)
        encoded[at % encoded.length] = (encoded[at % encoded.length] as number) ^ flip
        for (const part of [encoded, encoded.subarray(0, at % encoded.length)]) {
          const code = codeOf(() => decodeTxnArgs(new ByteReader(part)))
          expect(['ok', 'MalformedFrame', 'LimitExceeded']).toContain(code)
        }
      }),
    )
  })

  it('can not be nested so deeply that reading them overflows', () => {
    // No conditions, one operation, which is a transaction: over and over.
    const deep = new Uint8Array(3 * 100_000).map((_, i) => [0, 1, 4][i % 3] as number)
    expect(codeOf(() => decodeTxnArgs(new ByteReader(deep)))).toBe('LimitExceeded')
  })
})

describe('a transaction is refused', () => {
  it.each<[string, Txn]>([
    ['one key is put twice', only([plainPut('a'), plainPut('a')])],
    ['a put key is deleted before', only([plainDelete('a', 'c'), plainPut('b')])],
    ['a put key is deleted after', only([plainPut('b'), plainDelete('a', 'c')])],
    ['a nested put repeats one of the outer', only([plainPut('a'), nested([plainPut('a')])])],
    ['a nested put repeats one of the outer that comes later', only([nested([], [plainPut('a')]), plainPut('a')])],
    ['two nested ones put the same key', only([nested([plainPut('a')]), nested([plainPut('a')])])],
    ['a nested delete covers an outer put', only([plainPut('a'), nested([plainDelete('a')])])],
    ['one nested deletes what another puts', only([nested([plainPut('a')]), nested([], [plainDelete('', 'z')])])],
    ['the else branch does it', only([], [plainPut('a'), plainPut('a')])],
  ])('when %s', (_, one) => {
    expect(check(one)).toBe('InvalidArgument')
  })

  it.each<[string, Txn]>([
    ['the branches put the same key', only([plainPut('a')], [plainPut('a')])],
    ['the branches of a nested one put the same key', only([nested([plainPut('a')], [plainPut('a')])])],
    ['one branch puts what the other deletes', only([nested([plainPut('a')], [plainDelete('a')])])],
    ['deletes overlap', only([plainDelete('a', 'c'), plainDelete('b', 'd')])],
    ['a delete ends where a put begins', only([plainDelete('a', 'b'), plainPut('b')])],
  ])('but not when %s', (_, one) => {
    expect(check(one)).toBe('ok')
  })

  it('for bad keys and values wherever they stand', () => {
    expect(check(only([plainPut('')]))).toBe('KeyTooLarge')
    expect(check(only([], [nested([plainPut('x'.repeat(5000))])]))).toBe('KeyTooLarge')
    expect(check(only([plainDelete('')]))).toBe('KeyTooLarge')
    expect(check(only([{ kind: 'range', request: { start: utf8('a'), end: utf8('x'.repeat(5000)) } }]))).toBe(
      'KeyTooLarge',
    )
    const condition: Condition = { target: 'exists', range: { start: utf8('') }, exists: true }
    expect(check({ ...only([]), conditions: [condition] })).toBe('KeyTooLarge')
    expect(check(only([plainPut('a', 'long')]), { valueBytes: 3 })).toBe('ValueTooLarge')
    expect(check(only([{ ...plainPut('a'), ignoreValue: true } as Operation]))).toBe('InvalidArgument')
    expect(check(only([{ ...plainPut('a'), ignoreLease: true, lease: 1 } as Operation]))).toBe('InvalidArgument')
  })

  it('beyond as many operations as the limit on one way through', () => {
    const puts = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => plainPut(`${prefix}${i}`))
    expect(check(only(puts(128, 'a'), puts(128, 'b')))).toBe('ok')
    expect(check(only(puts(129, 'a')))).toBe('LimitExceeded')
    expect(check(only([], puts(129, 'a')))).toBe('LimitExceeded')
    expect(check(only([...puts(99, 'a'), nested(puts(28, 'b'))]))).toBe('ok')
    expect(check(only([...puts(99, 'a'), nested(puts(29, 'b'))]))).toBe('LimitExceeded')
    const wide = Array.from({ length: 10 }, (_, i) => nested(puts(118, `${i}-`)))
    expect(check(only(wide))).toBe('LimitExceeded')
  })

  it('when it is nested too deeply', () => {
    const deep = (levels: number): Txn => (levels === 0 ? only([]) : only([{ kind: 'txn', txn: deep(levels - 1) }]))
    expect(check(deep(16))).toBe('ok')
    expect(check(deep(17))).toBe('LimitExceeded')
  })

  it('exactly when two operations that can run together touch one key, as trying every way shows', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd')
    const { small } = fc.letrec<{ small: Txn; op: Operation }>((tie) => ({
      small: fc.record({
        conditions: fc.constant([]),
        success: fc.array(tie('op'), { maxLength: 3 }),
        failure: fc.array(tie('op'), { maxLength: 2 }),
      }),
      op: fc.oneof(
        { depthSize: 'small' },
        key.map((name) => plainPut(name)),
        fc.tuple(key, key).map(([start, end]) => plainDelete(start, end)),
        fc.record({ kind: fc.constant('txn' as const), txn: tie('small') }),
      ),
    }))
    fc.assert(
      fc.property(small, (one) => {
        const clash = ways(one).some((ops) => {
          const puts = ops.flatMap((op) => (op.kind === 'put' ? [latin1(op.key)] : []))
          const covered = (name: string) =>
            ops.some(
              (op) =>
                op.kind === 'delete' && name >= latin1(op.range.start) && name < latin1(op.range.end ?? utf8('~')),
            )
          return new Set(puts).size < puts.length || puts.some(covered)
        })
        expect(check(one)).toBe(clash ? 'InvalidArgument' : 'ok')
      }),
      { numRuns: 1000 },
    )
  })
})

/** The operations of every way a transaction can go. */
function ways(one: Txn): Operation[][] {
  return [one.success, one.failure].flatMap((branch) =>
    branch.reduce<Operation[][]>(
      (before, op) =>
        op.kind === 'txn'
          ? before.flatMap((ops) => ways(op.txn).map((more) => [...ops, ...more]))
          : before.map((ops) => [...ops, op]),
      [[]],
    ),
  )
}

describe('the way of a transaction', () => {
  it('is decided by all conditions, also of nested ones', () => {
    const yes: Condition = { target: 'exists', range: { start: utf8('yes') }, exists: true }
    const no: Condition = { target: 'exists', range: { start: utf8('no') }, exists: true }
    const inner: Txn = { conditions: [yes, no], success: [plainPut('a')], failure: [plainPut('b')] }
    const outer: Txn = { conditions: [yes], success: [plainPut('c'), { kind: 'txn', txn: inner }], failure: [] }
    expect(pathOf(outer, (condition) => condition === yes)).toEqual({
      succeeded: true,
      steps: [plainPut('c'), { succeeded: false, steps: [plainPut('b')] }],
    })
    expect(pathOf({ ...outer, conditions: [no] }, (condition) => condition === yes)).toEqual({
      succeeded: false,
      steps: [],
    })
  })

  it('compares by each relation', () => {
    const held = ([1, 2, 3] as const).map((left) =>
      (['=', '!=', '<', '>'] as const).filter((relation) => related(left, relation, 2)).join(''),
    )
    expect(held).toEqual(['!=<', '=', '!=>'])
  })
})
