/** The bytes of the sync program: what is written is read, and keys keep apart what is not the same. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteReader, compareBytes, latin1 } from '../../base/index.ts'
import { decodeSyncEntry, decodeSyncKey, syncCellKey, syncKey, syncRange } from '../../execution/index.ts'
import {
  decodeAcquireArgs,
  decodeProclaimArgs,
  decodeReleaseArgs,
  decodeSetArgs,
  decodeSyncCancelArgs,
  encodeAcquireArgs,
  encodeProclaimArgs,
  encodeReleaseArgs,
  encodeSetArgs,
  encodeSyncCancelArgs,
} from '../../execution/sync/codec.ts'
import { encodeSyncEntry } from '../../execution/sync/entry.ts'
import { resourceName, resourceOf } from '../../execution/sync/key.ts'
import { decodeSyncListArgs, encodeSyncListArgs } from '../../execution/sync/query-codec.ts'

const bytes = fc.uint8Array({ maxLength: 6 })
const whole = fc.maxSafeNat()
const resource = fc.record({ kind: fc.integer({ min: 1, max: 255 }), namespace: bytes, name: bytes })
const mode = fc.constantFrom('exclusive' as const, 'shared' as const)
const acquireId = fc.uint8Array({ minLength: 16, maxLength: 16 })
const capacity = fc.nat(0xffff_ffff)
const entry = fc.record({
  ...{ acquireId, mode, capacity, token: whole, sinceMs: whole, maxHoldMs: whole, deadline: whole },
  ...{ label: bytes, value: bytes },
})
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })

/** What is written is read again, whatever lies around it. */
function expectRoundTrip<T>(
  arbitrary: fc.Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  read: (bytes: Uint8Array) => unknown,
) {
  fc.assert(
    fc.property(arbitrary, (value) => {
      expect(read(encode(value))).toEqual(value)
    }),
  )
}

describe('what is written is read', () => {
  it('as the value of an entry', () => {
    expectRoundTrip(entry, encodeSyncEntry, decodeSyncEntry)
  })

  it('as arguments of commands', () => {
    const rest = {
      mode,
      capacity,
      lease: whole,
      acquireId,
      wait: fc.boolean(),
      maxHoldMs: whole,
      label: bytes,
      value: bytes,
    }
    const withResource = <T>(more: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
      fc.tuple(resource, fc.record(more)).map(([at, others]) => ({ ...at, ...others }))
    const reader = (args: Uint8Array) => new ByteReader(args)
    expectRoundTrip(withResource(rest), encodeAcquireArgs, (args) => decodeAcquireArgs(reader(args)))
    expectRoundTrip(
      withResource({ token: whole }),
      (one) => encodeReleaseArgs(one, one.token),
      (args) => decodeReleaseArgs(reader(args)),
    )
    expectRoundTrip(
      withResource({ lease: whole, acquireId }),
      (one) => encodeSyncCancelArgs(one, one.lease, one.acquireId),
      (args) => decodeSyncCancelArgs(reader(args)),
    )
    expectRoundTrip(
      withResource({ token: whole, value: bytes }),
      (one) => encodeProclaimArgs(one, one.token, one.value),
      (args) => decodeProclaimArgs(reader(args)),
    )
    expectRoundTrip(
      withResource({ token: whole, ifRevision: maybe(whole), value: maybe(bytes) }),
      encodeSetArgs,
      (args) => decodeSetArgs(reader(args)),
    )
  })

  it('as arguments of a list', () => {
    const request = fc.record({
      kind: maybe(fc.integer({ min: 1, max: 255 })),
      namespace: maybe(bytes),
      ...{ prefix: bytes, limit: whole, after: maybe(resource) },
    })
    expectRoundTrip(request, encodeSyncListArgs, decodeSyncListArgs)
  })
})

describe('keys', () => {
  it('tell their resource and sequence, and lie in the range of it', () => {
    fc.assert(
      fc.property(resource, whole, (at, sequence) => {
        const key = syncKey(at, sequence)
        const range = syncRange(at)
        expect(decodeSyncKey(key)).toEqual({ ...at, sequence })
        expect(compareBytes(range.start, key)).toBeLessThan(0)
        expect(compareBytes(key, range.end as Uint8Array)).toBeLessThan(0)
        expect(resourceOf(resourceName(at))).toEqual(at)
      }),
    )
  })

  it('of one resource are in the order of their sequences, and never among those of another', () => {
    fc.assert(
      fc.property(resource, resource, whole, whole, (a, b, m, n) => {
        expect(Math.sign(compareBytes(syncKey(a, m), syncKey(a, n)))).toBe(Math.sign(m - n))
        fc.pre(resourceName(a) !== resourceName(b))
        const { start, end } = syncRange(a)
        const key = syncKey(b, n)
        expect(compareBytes(start, key) <= 0 && compareBytes(key, end as Uint8Array) < 0).toBe(false)
        expect(latin1(syncCellKey(a))).not.toBe(latin1(syncCellKey(b)))
      }),
    )
  })

  it('of anything else are none', () => {
    const key = syncKey({ kind: 1, namespace: Uint8Array.of(1), name: Uint8Array.of(2) }, 7)
    expect(decodeSyncKey(key.subarray(0, -1))).toBeUndefined()
    expect(decodeSyncKey(Uint8Array.of(...key, 0))).toBeUndefined()
    expect(decodeSyncKey(Uint8Array.of(0, 0x73, 1, 0, 9))).toBeUndefined()
    expect(decodeSyncKey(Uint8Array.of(0x61))).toBeUndefined()
    expect(decodeSyncKey(new Uint8Array())).toBeUndefined()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (any) => {
        expect(() => decodeSyncKey(any)).not.toThrow()
      }),
    )
  })
})
