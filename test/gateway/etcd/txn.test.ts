/** Transactions, as clients of etcd know them. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { related } from '../../../execution/txn.ts'
import { txnOf } from '../../../src/gateway/etcd/kv-requests.ts'
import { codecOf } from '../../../src/gateway/etcd/messages.ts'
import type { Encodable } from '../../../src/gateway/etcd/schema/index.ts'
import { bytes, openWorld, prefixEndOf } from './world.ts'
import type { World } from './world.ts'

let world: World
/** The revision that made `k`, and the one that changed it last. */
let made: number
let changed: number
let lease: number

const put = (key: string, value: string, more: Encodable<'PutRequest'> = {}): Encodable<'RequestOp'> => ({
  request_put: { key: bytes(key), value: bytes(value), ...more },
})
const get = (key: string): Encodable<'RequestOp'> => ({ request_range: { key: bytes(key) } })
const txn = (request: Encodable<'TxnRequest'>) => world.caller.ok('etcdserverpb.KV/Txn', 'TxnRequest', request)

beforeAll(async () => {
  world = await openWorld()
  lease = (await world.caller.ok('etcdserverpb.Lease/LeaseGrant', 'LeaseGrantRequest', { TTL: 60 })).ID
  made = (await txn({ success: [put('k', 'a')] })).header?.revision ?? 0
  changed = (await txn({ success: [put('k', 'b', { lease })] })).header?.revision ?? 0
  await txn({ success: [put('range/1', 'x'), put('range/2', 'x'), put('range/3', 'y')] })
})
afterAll(() => world.close())

const relations = { '=': 0, '>': 1, '<': 2, '!=': 3 } as const
const [versionTarget, createTarget, modTarget, valueTarget, leaseTarget] = [0, 1, 2, 3, 4]

describe('a comparison', () => {
  const key = (): Encodable<'Compare'> => ({ key: bytes('k') })
  const none = (): Encodable<'Compare'> => ({ key: bytes('none') })
  test.each<[string, () => Encodable<'Compare'>, boolean]>([
    ['of the version', () => ({ ...key(), target: versionTarget, version: 2 }), true],
    ['of the version of no key, which is 0', () => ({ ...none(), target: versionTarget, version: 0 }), true],
    ['of the creation', () => ({ ...key(), target: createTarget, create_revision: made }), true],
    ['of the creation, one off', () => ({ ...key(), target: createTarget, create_revision: made - 1 }), false],
    ['of the creation of no key, which is 0', () => ({ ...none(), target: createTarget, create_revision: 0 }), true],
    ['that a key was not created at 0', () => ({ ...key(), target: createTarget, create_revision: 0 }), false],
    ['that no key was created at 1', () => ({ ...none(), target: createTarget, create_revision: 1 }), false],
    ['of the change', () => ({ ...key(), target: modTarget, mod_revision: changed, result: relations['='] }), true],
    [
      'that it was changed before',
      () => ({ ...key(), target: modTarget, mod_revision: changed + 1, result: relations['<'] }),
      true,
    ],
    [
      'that it was changed after',
      () => ({ ...key(), target: modTarget, mod_revision: made, result: relations['>'] }),
      true,
    ],
    ['of the value', () => ({ ...key(), target: valueTarget, value: bytes('b') }), true],
    [
      'that the value is greater',
      () => ({ ...key(), target: valueTarget, value: bytes('a'), result: relations['>'] }),
      true,
    ],
    ['of the value of no key, which is nothing', () => ({ ...none(), target: valueTarget, value: bytes('') }), false],
    [
      'that no value is another',
      () => ({ ...none(), target: valueTarget, value: bytes('x'), result: relations['!='] }),
      false,
    ],
    ['of the lease', () => ({ ...key(), target: leaseTarget, lease }), true],
    ['of the lease of no key, which is 0', () => ({ ...none(), target: leaseTarget, lease: 0 }), true],
    [
      'with a number beyond all',
      () => ({ ...key(), target: modTarget, mod_revision: 2 ** 62, result: relations['<'] }),
      true,
    ],
    ['with a negative number', () => ({ ...key(), target: modTarget, mod_revision: -1, result: relations['>'] }), true],
    [
      'of each key of a range, all alike',
      () => ({ key: bytes('range/1'), range_end: bytes('range/3'), target: valueTarget, value: bytes('x') }),
      true,
    ],
    [
      'of each key of a range, not all alike',
      () => ({ key: bytes('range/'), range_end: prefixEndOf('range/'), target: valueTarget, value: bytes('x') }),
      false,
    ],
    [
      'of a range without keys, which is as no key',
      () => ({ key: bytes('no/'), range_end: prefixEndOf('no/'), target: versionTarget, version: 0 }),
      true,
    ],
    ['of a reserved key, which is none', () => ({ key: bytes('\0s'), target: versionTarget, version: 0 }), true],
  ])('%s', async (_what, compare, succeeded) => {
    expect((await txn({ compare: [compare()] })).succeeded).toBe(succeeded)
  })

  test('of a revision says the same about the store as about its etcd form, whatever is compared', () => {
    const decoded = codecOf('TxnRequest')
    fc.assert(
      fc.property(
        fc.constantFrom<keyof typeof relations>('=', '!=', '<', '>'),
        fc.integer({ min: 0, max: 5 }),
        fc.oneof(fc.integer({ min: -2, max: 7 }), fc.constantFrom(2 ** 53, 2 ** 62, -(2 ** 62))),
        fc.constantFrom('create_revision', 'mod_revision'),
        (relation, inside, operand, field) => {
          const compare: Encodable<'Compare'> = {
            ...{ key: bytes('k'), result: relations[relation], [field]: operand },
            target: field === 'create_revision' ? createTarget : modTarget,
          }
          const [condition] = txnOf(decoded.decode(decoded.encode({ compare: [compare] }))).conditions
          if (condition === undefined || !('number' in condition))
            throw new Error('a comparison of a number is expected')
          const outside = inside === 0 ? 0 : inside + 1
          expect(related(inside, condition.relation, condition.number)).toBe(related(outside, relation, operand))
        },
      ),
      { numRuns: 500 },
    )
  })
})

test('all changes share one revision, and reads see those before them', async () => {
  const { header, responses } = await txn({ success: [put('t/1', 'x'), get('t/1'), put('t/2', 'y'), get('t/3')] })
  const [first, second, third, fourth] = responses
  expect(first?.response_put?.header?.revision).toBe(header?.revision)
  expect(second?.response_range?.kvs[0]).toMatchObject({ value: bytes('x'), mod_revision: header?.revision })
  expect(third?.response_put?.prev_kv).toBeNull()
  expect(fourth?.response_range).toMatchObject({ kvs: [], count: 0 })
})

test('one that changes nothing takes no revision, whichever way it goes', async () => {
  const before = (await txn({})).header?.revision
  await txn({
    compare: [{ key: bytes('k'), target: valueTarget, value: bytes('no') }],
    success: [put('k', 'z')],
    failure: [get('k')],
  })
  expect((await txn({ success: [get('k')] })).header?.revision).toBe(before)
})

test('transactions within transactions decide on the state before the first change', async () => {
  const inner: Encodable<'TxnRequest'> = {
    compare: [{ key: bytes('n/1'), target: versionTarget, version: 0 }],
    success: [put('n/2', 'inner')],
    failure: [put('n/3', 'wrong')],
  }
  const { responses } = await txn({ success: [put('n/1', 'outer'), { request_txn: inner }] })
  expect(responses[1]?.response_txn).toMatchObject({ succeeded: true, responses: [{ response_put: {} }] })
  const { responses: read } = await txn({ success: [get('n/2'), get('n/3')] })
  expect(read.map((one) => one.response_range?.count)).toEqual([1, 0])
})

test('a delete within one answers with what it deleted', async () => {
  await txn({ success: [put('gone/1', 'x'), put('gone/2', 'y')] })
  const { responses } = await txn({
    success: [{ request_delete_range: { key: bytes('gone/'), range_end: prefixEndOf('gone/'), prev_kv: true } }],
  })
  expect(responses[0]?.response_delete_range?.deleted).toBe(2)
  expect(responses[0]?.response_delete_range?.prev_kvs.map(({ value }) => Buffer.from(value).toString())).toEqual([
    'x',
    'y',
  ])
})

test('the ops of nested transactions count as in etcd: what stands around them is taken off', async () => {
  const nest = (count: number): Encodable<'RequestOp'> => ({
    request_txn: { success: Array.from({ length: count }, (_none, i) => put(`deep/${i}`, 'x')) },
  })
  expect((await txn({ success: [nest(127)] })).succeeded).toBe(true)
  const refused = await world.caller.call('etcdserverpb.KV/Txn', 'TxnRequest', { success: [nest(128)] })
  expect(refused).toMatchObject({ code: 3, text: 'etcdserver: too many operations in txn request' })
})
