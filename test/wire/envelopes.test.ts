import fc from 'fast-check'
import { pack } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { errorCodes, isNitroError, NitroError } from '../../base/index.ts'
import type { ErrorCode } from '../../base/index.ts'
import {
  decodeCall,
  decodeError,
  decodeLeaderHint,
  decodeReply,
  decodeStreamChunk,
  encodeCall,
  encodeError,
  encodeLeaderHint,
  encodeReply,
  encodeStreamChunk,
} from '../../src/wire/index.ts'
import type { CallValue } from '../../src/wire/index.ts'

const key = fc.string({ maxLength: 10 }).filter((text) => text !== '__proto__')
const value: fc.Arbitrary<CallValue> = fc.letrec<{ value: CallValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true }).filter((number) => !Object.is(number, -0)),
    fc.string(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value
const error = fc
  .record({
    code: fc.constantFrom(...(Object.keys(errorCodes) as ErrorCode[])),
    message: fc.string(),
    retryable: fc.boolean(),
    executed: fc.constantFrom('no' as const, 'maybe' as const, 'yes' as const),
    details: fc.dictionary(
      key,
      fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.uint8Array(), fc.array(fc.string())),
      {
        noNullPrototype: true,
      },
    ),
  })
  .map(({ code, message, ...options }) => new NitroError(code, message, options))

const partsOf = ({ code, message, retryable, executed, details }: NitroError) => ({
  code,
  message,
  retryable,
  executed,
  details,
})
const decoders = [decodeCall, decodeReply, decodeStreamChunk, decodeLeaderHint]

describe('envelopes', () => {
  test('calls and replies come out as they went in', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.string(),
        fc.dictionary(key, value, { noNullPrototype: true }),
        (id, method, params) => {
          expect(decodeCall(encodeCall({ id, method, params }))).toEqual({ id, method, params })
          expect(decodeReply(encodeReply({ id, ok: true, value: params }))).toEqual({ id, ok: true, value: params })
        },
      ),
    )
  })

  test('errors keep code, message, executed, retryable and details', () => {
    fc.assert(
      fc.property(fc.nat(), error, (id, error) => {
        const reply = decodeReply(encodeReply({ id, ok: false, error }))
        expect(reply.ok ? undefined : partsOf(reply.error)).toEqual(partsOf(error))
      }),
    )
  })

  test('a code of another version becomes Unavailable and stays in the details', () => {
    const record = { ...encodeError(new NitroError('Timeout', 'late')), code: 'FromTheFuture' }
    expect(decodeError(record)).toMatchObject({
      code: 'Unavailable',
      details: { code: 'FromTheFuture' },
      message: 'late',
    })
  })

  test('stream chunks carry bytes, the end and an error', () => {
    const data = Uint8Array.of(1, 2, 3)
    const chunk = decodeStreamChunk(encodeStreamChunk({ id: 7, seq: 0, data }))
    expect(chunk).toMatchObject({ id: 7, seq: 0, end: undefined, error: undefined })
    expect(new Uint8Array(chunk.data ?? [])).toEqual(data)
    const failed = decodeStreamChunk(
      encodeStreamChunk({ id: 7, seq: 1, end: true, error: new NitroError('Closed', 'x') }),
    )
    expect(failed).toMatchObject({ seq: 1, end: true, error: { code: 'Closed' } })
  })

  test('undefined parameters arrive as null', () => {
    expect(decodeCall(encodeCall({ id: 1, method: 'm', params: { a: undefined } })).params).toEqual({ a: null })
  })

  test('leader hints come out as they went in', () => {
    for (const hint of [
      { leader: '127.0.0.1:7401', leaving: false },
      { leader: '', leaving: true },
    ]) {
      expect(decodeLeaderHint(encodeLeaderHint(hint))).toEqual(hint)
    }
  })

  test('any bytes are either an envelope or a MalformedFrame', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      value.map((value) => new Uint8Array(pack(value))),
      fc.tuple(error, fc.nat(200), fc.nat(255)).map(([error, at, byte]) => {
        const payload = new Uint8Array(encodeReply({ id: 1, ok: false, error }))
        payload[at % payload.length] = byte
        return payload
      }),
    )
    fc.assert(
      fc.property(anything, (payload) => {
        for (const decode of decoders) {
          try {
            decode(payload)
          } catch (thrown) {
            if (!isNitroError(thrown, 'MalformedFrame')) throw thrown
          }
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('extension types, endless lengths, deep nesting and leftovers are refused before decoding', () => {
    const hostile: Record<string, Uint8Array> = {
      'a date': pack({ id: 1, method: 'm', params: { at: new Date(0) } }),
      'an array of 4 billion': Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff),
      'a map of 4 billion': Uint8Array.of(0xdf, 0xff, 0xff, 0xff, 0xff),
      'a string of 4 billion': Uint8Array.of(0xdb, 0xff, 0xff, 0xff, 0xff),
      'nested arrays': new Uint8Array(100_000).fill(0x91),
      leftovers: new Uint8Array([...encodeCall({ id: 1, method: 'm', params: {} }), 0]),
      nothing: new Uint8Array(),
    }
    for (const [what, payload] of Object.entries(hostile)) {
      expect(() => decodeCall(payload), what).toThrow(expect.objectContaining({ code: 'MalformedFrame' }))
    }
  })

  test('a reserved name in a map does not reach the prototype', () => {
    const payload = Uint8Array.of(0x83, 0xa2, 0x69, 0x64, 1, 0xa6, ...Buffer.from('method'), 0xa1, 0x6d, 0xa6)
    const whole = new Uint8Array([
      ...payload,
      ...Buffer.from('params'),
      0x81,
      0xa9,
      ...Buffer.from('__proto__'),
      0x81,
      0xa1,
      0x78,
      1,
    ])
    const { params } = decodeCall(whole)
    expect(Object.getPrototypeOf(params)).toBe(Object.prototype)
    expect('x' in params).toBe(false)
  })
})
