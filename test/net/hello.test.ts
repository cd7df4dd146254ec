import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, isNitroError, NitroError } from '../../base/index.ts'
import { decodeHandshake, encodeHello, encodeRefusal, type Hello } from '../../net/index.ts'
import { peer } from './peers.ts'

const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength })
const anyHello: fc.Arbitrary<Hello> = fc.record({
  protocolMin: fc.constant(1),
  protocolMax: fc.integer({ min: 1, max: 255 }),
  role: fc.constantFrom('peer', 'client'),
  channel: fc.constantFrom('control', 'bulk', 'client'),
  clusterId: bytes(0, 64),
  name: fc.string({ maxLength: 60, unit: 'binary' }),
  incarnation: fc.oneof(bytes(0, 0), bytes(16, 16)),
  startId: bytes(8, 16),
  address: fc.string({ maxLength: 100 }),
  formatMin: fc.integer({ min: 0, max: 3 }),
  formatMax: fc.integer({ min: 3, max: 65_535 }),
  flags: fc.array(fc.string({ maxLength: 16 }), { maxLength: 64 }),
  extra: bytes(0, 300),
})

describe('handshake codec', () => {
  test('a hello survives encoding', () => {
    fc.assert(
      fc.property(anyHello, (hello) => {
        expect(decodeHandshake(encodeHello(hello), hello)).toEqual({ kind: 'hello', hello })
      }),
    )
  })

  test('decoding any bytes, or a damaged hello, gives a value or a typed error', () => {
    const valid = encodeHello(peer('n1'))
    const damaged = fc
      .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((edits) => edits.reduce((frame, [at, value]) => frame.with(at, value), valid))
    const refusal = encodeRefusal(new NitroError('Overloaded', 'busy', { details: { a: 1, b: ['x'] } }), 1, 1)
    const damagedRefusal = fc
      .tuple(fc.nat(refusal.length - 1), fc.nat(255))
      .map(([at, value]) => refusal.with(at, value))
    fc.assert(
      fc.property(fc.oneof(bytes(0, 200), damaged, damagedRefusal), (frame) => {
        try {
          decodeHandshake(frame, { protocolMin: 1, protocolMax: 1 })
          return true
        } catch (error) {
          return isNitroError(error, 'MalformedFrame')
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('every truncation is malformed', () => {
    const valid = encodeHello(peer('n1'))
    for (let length = 0; length < valid.length; length++) {
      expect(() => decodeHandshake(valid.subarray(0, length), peer('n1'))).toThrow('malformed')
    }
  })

  test('bytes left over are malformed, unless a newer version may have appended them', () => {
    const longer = (hello: Hello) => concatBytes([encodeHello(hello), Uint8Array.of(1)])
    expect(() => decodeHandshake(longer(peer('n1')), peer('n2'))).toThrow('left over')
    const newer = peer('n1', { protocolMax: 2 })
    expect(decodeHandshake(longer(newer), peer('n2'))).toEqual({ kind: 'hello', hello: newer })
  })

  test('of a hello without a common version only the range is read', () => {
    const future = encodeHello(peer('n1', { protocolMin: 5, protocolMax: 9 })).slice(0, 8)
    expect(decodeHandshake(future, peer('n2'))).toEqual({ kind: 'foreign', protocolMin: 5, protocolMax: 9 })
  })

  test.each([
    ['incarnation', { incarnation: new Uint8Array(15) }],
    ['start id', { startId: new Uint8Array(7) }],
    ['cluster id', { clusterId: new Uint8Array(65) }],
    ['name', { name: 'x'.repeat(257) }],
    ['flag', { flags: ['x'.repeat(65)] }],
    ['flags', { flags: Array.from({ length: 65 }, String) }],
    ['extra', { extra: new Uint8Array(33 * 1024) }],
    ['versions', { protocolMin: 3, protocolMax: 2 }],
    ['formats', { formatMin: 3, formatMax: 2 }],
  ])('a hello of ours with a bad %s is InvalidArgument', (_what, more) => {
    expect(() => encodeHello(peer('n1', more))).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
  })

  test('an error code of a later version is still readable', () => {
    const error = new NitroError('Closed', 'm')
    Object.assign(error, { code: 'FromTheFuture' })
    expect(decodeHandshake(encodeRefusal(error, 1, 1), peer('n1'))).toMatchObject({
      error: { code: 'ConnectionClosed', details: { code: 'FromTheFuture' } },
    })
  })

  test('details too large for a refusal are left out, the rest arrives', () => {
    const error = new NitroError('Closed', 'é'.repeat(5_000), { details: { big: 'x'.repeat(100_000), small: 1 } })
    const told = decodeHandshake(encodeRefusal(error, 1, 1), peer('n1'))
    expect(told).toMatchObject({ kind: 'refusal', error: { code: 'Closed', details: { small: 1 } } })
  })
})
