/** The small parts under the services: frames, JSON texts, fragments, ranges of keys. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareBytes } from '../../../base/index.ts'
import { fragmentsOf } from '../../../src/gateway/etcd/fragments.ts'
import { Deframer, frameOf } from '../../../src/gateway/etcd/framing.ts'
import { JsonSplitter } from '../../../src/gateway/etcd/json-splitter.ts'
import { prefixRange } from '../../../src/gateway/etcd/key-range.ts'
import { encodeRpcMessage } from '../../../src/gateway/etcd/rpc-error.ts'

/** Cuts bytes at some places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end))
}

describe('a deframer', () => {
  test('gives the messages that were framed, however their bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 })),
        fc.array(fc.nat(), { maxLength: 10 }),
        (messages, places) => {
          const deframer = new Deframer()
          const out: Buffer[] = []
          for (const chunk of cut(Buffer.concat(messages.map(frameOf)), places))
            deframer.push(chunk, (one) => out.push(Buffer.from(one)))
          expect(out).toEqual(messages.map((one) => Buffer.from(one)))
          expect(deframer.heldBytes).toBe(0)
        },
      ),
    )
  })

  test('holds what has only begun', () => {
    const deframer = new Deframer()
    const take = (): never => {
      throw new Error('nothing is whole')
    }
    deframer.push(frameOf(Buffer.alloc(10)).subarray(0, 8), take)
    expect(deframer.heldBytes).toBe(8)
  })

  test('refuses what is too long as soon as its head is there', () => {
    const head = Buffer.from([0, 0, 0, 0, 101])
    expect(() => new Deframer(100).push(head, () => {})).toThrow('received message larger than max (101 vs. 100)')
    expect(() => new Deframer().push(Buffer.from([1, 0, 0, 0, 0]), () => {})).toThrow('Decompressor is not installed')
  })
})

test('a splitter of JSON gives the texts of the objects, however their bytes are cut', () => {
  const object = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.constantFrom('{', '}', '"', '\\', '\\"}')), {
    maxKeys: 4,
  })
  fc.assert(
    fc.property(
      fc.array(fc.record({ a: object, b: fc.array(object, { maxLength: 2 }) })),
      fc.array(fc.nat()),
      (objects, places) => {
        const splitter = new JsonSplitter(1 << 20)
        const out: unknown[] = []
        const bytes = Buffer.from(objects.map((one) => JSON.stringify(one)).join('\n'))
        for (const chunk of cut(bytes, places)) splitter.push(chunk, (text) => out.push(JSON.parse(text)))
        expect(out).toEqual(objects.map((one) => JSON.parse(JSON.stringify(one)) as unknown))
        expect(splitter.rest).toBe('')
      },
    ),
  )
})

test('a splitter of JSON refuses an object without end', () => {
  const splitter = new JsonSplitter(100)
  expect(() => splitter.push(Buffer.alloc(101, '{'), () => {})).toThrow('more than 100 bytes')
})

test('fragments hold all events in order, and one too great has a fragment of its own', () => {
  const event = (size: number) => ({ kv: { key: Buffer.from('k'), value: Buffer.alloc(size) } })
  const events = [event(10), event(1 << 20), event(1 << 20), event(2 << 20), event(10), event(10)]
  const parts = fragmentsOf(events)
  expect(parts.flat()).toEqual(events)
  expect(parts.map((part) => part.length)).toEqual([2, 1, 1, 2])
})

test('the range of a prefix holds the keys that begin with it, and no others', () => {
  const byte = fc.constantFrom(0x01, 0x61, 0xfe, 0xff)
  const key = fc.array(byte, { minLength: 1, maxLength: 4 }).map((bytes) => Uint8Array.from(bytes))
  fc.assert(
    fc.property(key, key, (prefix, other) => {
      const { start, end } = prefixRange(prefix)
      const within = compareBytes(start, other) <= 0 && (end === undefined || compareBytes(other, end) < 0)
      expect(within).toBe(Buffer.from(other).subarray(0, prefix.length).equals(prefix))
    }),
  )
})

test('messages of errors travel as printable text, and come back as they were', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (message) => {
      const encoded = encodeRpcMessage(message)
      expect(encoded).toMatch(/^(?! )[ -~]*(?<! )$/)
      expect(decodeURIComponent(encoded)).toBe(message)
    }),
  )
})
