/** The codecs agree with their tables, with each other and with the JSON form, whatever the message. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromJsonText, toJson } from '../../../src/gateway/etcd/json.ts'
import { codecOf } from '../../../src/gateway/etcd/messages.ts'
import { enumOf, enums, fieldsOf, messages } from '../../../src/gateway/etcd/schema/index.ts'
import type { FieldSpec, MessageName } from '../../../src/gateway/etcd/schema/index.ts'

const names = Object.keys(messages) as MessageName[]
const depthMax = 3

const bytes = fc.uint8Array({ maxLength: 20 }).map((value) => Buffer.from(value))
const safe = fc.oneof(
  fc.integer(),
  fc.bigInt(0n, 2n ** 53n - 1n).map(Number),
  fc.constantFrom(0, 1, -1, 127, 128, 2 ** 28, 2 ** 31, 2 ** 32, 2 ** 35, 2 ** 53 - 1, -(2 ** 53 - 1)),
)

/** Any value of a type. */
function valueOf(type: string, depth: number): fc.Arbitrary<unknown> {
  if (fieldsOf(type) !== undefined) return messageOf(type as MessageName, depth + 1)
  const values = enumOf(type)
  if (values !== undefined) return fc.nat(values.length - 1)
  switch (type) {
    case 'bytes':
      return bytes
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 10 })
    case 'bool':
      return fc.boolean()
    case 'uint32':
      return fc.nat(2 ** 32 - 1)
    case 'uint64':
      return safe.map(Math.abs)
    default:
      return safe
  }
}

/** Any message, as it is read: with all its fields. */
function messageOf(name: MessageName, depth = 0): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.entries(fieldsOf(name) ?? {})
  const exclusive = fields.filter(([, [, , rule]]) => rule === 'oneof').map(([field]) => field)
  const parts: Record<string, fc.Arbitrary<unknown>> = {}
  for (const [field, [, type, rule]] of fields) {
    const isMessage = fieldsOf(type) !== undefined
    if (rule === 'repeated')
      parts[field] = depth >= depthMax && isMessage ? fc.constant([]) : fc.array(valueOf(type, depth), { maxLength: 3 })
    else if (rule === 'oneof' || isMessage)
      parts[field] = depth >= depthMax && isMessage ? fc.constant(null) : fc.option(valueOf(type, depth))
    else parts[field] = valueOf(type, depth)
  }
  return fc.tuple(fc.record(parts), fc.nat()).map(([record, choice]) => {
    const chosen = exclusive[choice % Math.max(1, exclusive.length)]
    for (const field of exclusive) if (field !== chosen) record[field] = null
    return record
  })
}

/** The fields of a message that was read, its defaults too. */
function plain(name: string, message: unknown): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [field, [, type, rule]] of Object.entries(fieldsOf(name) ?? {})) {
    const value = (message as Record<string, unknown>)[field]
    if (rule === 'repeated') out[field] = (value as unknown[]).map((item) => plainValue(type, item))
    else out[field] = plainValue(type, value)
  }
  return out
}

function plainValue(type: string, value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (fieldsOf(type) !== undefined) return plain(type, value)
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}

describe.each(names)('%s', (name) => {
  const codec = codecOf(name)
  type Given = Parameters<typeof codec.encode>[0]

  test('is read as it was written', () => {
    fc.assert(
      fc.property(messageOf(name), (message) => {
        expect(plain(name, codec.decode(codec.encode(message as Given)))).toEqual(plain(name, message))
      }),
      { numRuns: 25 },
    )
  })

  test('comes through its JSON form as it was', () => {
    fc.assert(
      fc.property(messageOf(name), (message) => {
        const text = JSON.stringify(toJson(name, message))
        expect(plain(name, fromJsonText(name, text))).toEqual(plain(name, message))
      }),
      { numRuns: 25 },
    )
  })

  test('bytes that are no message are an error or a message, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
        let message: unknown
        try {
          message = codec.decode(noise)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
          return
        }
        expect(Object.keys(plain(name, message))).toEqual(Object.keys(fieldsOf(name) ?? {}))
      }),
      { numRuns: 25 },
    )
  })
})

describe('the tables', () => {
  test('give every field of a message a number of its own and a type that there is', () => {
    const scalars = ['bytes', 'string', 'bool', 'int64', 'uint64', 'uint32']
    for (const name of names) {
      const specs = Object.values(fieldsOf(name) ?? {}) as readonly FieldSpec[]
      expect(new Set(specs.map(([id]) => id)).size).toBe(specs.length)
      for (const [, type] of specs) {
        expect(scalars.includes(type) || Object.hasOwn(messages, type) || Object.hasOwn(enums, type)).toBe(true)
      }
    }
  })
})

test('fields that are not known are passed over', () => {
  // Field 200, a number: 7.
  const noise = Uint8Array.of(0xc0, 0x0c, 0x07)
  const codec = codecOf('PutRequest')
  const message = codec.decode(Buffer.concat([codec.encode({ key: Buffer.from('k') }), noise]))
  expect(message).toMatchObject({ key: Buffer.from('k'), lease: 0 })
})

test('numbers beyond 2^53 can be told from all that are exact', () => {
  const codec = codecOf('LeaseRevokeRequest')
  // 2^63 - 1 and -2^63, as varints.
  const greatest = Uint8Array.of(0x08, ...Array<number>(8).fill(0xff), 0x7f)
  const least = Uint8Array.of(0x08, ...Array<number>(9).fill(0x80), 0x01)
  expect(codec.decode(greatest).ID).toBe(2 ** 63)
  expect(codec.decode(least).ID).toBe(-(2 ** 63))
  expect(Number.isSafeInteger(codec.decode(greatest).ID)).toBe(false)
})
