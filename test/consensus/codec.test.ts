import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter, isNitroError } from '../../base/index.ts'
import {
  decodeConfChange,
  decodeMessage,
  encodeConfChange,
  encodeMessage,
  entryTypeOf,
  localTypes,
  messageTypes,
  newMessage,
} from '../../consensus/index.ts'
import type { AnyConfChange, ConfChangeSingle, Entry, Message, Snapshot } from '../../consensus/index.ts'

const safe = fc.maxSafeNat()
const bytes = fc.uint8Array({ maxLength: 40 })
const ids = fc
  .uniqueArray(fc.integer({ min: 1, max: 2 ** 40 }), { maxLength: 4 })
  .map((list) => list.sort((a, b) => a - b))
const step = fc.record({
  type: fc.constantFrom('addNode', 'removeNode', 'updateNode', 'addLearner'),
  nodeId: fc.maxSafeNat(),
}) as fc.Arbitrary<ConfChangeSingle>
const change: fc.Arbitrary<AnyConfChange> = fc.oneof(
  fc.tuple(step, bytes).map(([one, context]) => ({ version: 1, ...one, context }) as const),
  fc.record({
    version: fc.constant(2 as const),
    transition: fc.constantFrom('auto' as const, 'jointImplicit' as const, 'jointExplicit' as const),
    changes: fc.array(step, { maxLength: 5 }),
    context: bytes,
  }),
)
const snapshot: fc.Arbitrary<Snapshot> = fc.record({
  meta: fc.record({
    index: safe,
    term: safe,
    confState: fc.record({
      voters: ids,
      learners: ids,
      votersOutgoing: ids,
      learnersNext: ids,
      autoLeave: fc.boolean(),
    }),
  }),
  data: bytes,
})

const travelling = messageTypes.filter((type) => !localTypes.has(type))

const message: fc.Arbitrary<Message> = fc
  .record({
    type: fc.constantFrom(...travelling),
    to: fc.integer({ min: 1, max: 2 ** 50 }),
    from: fc.integer({ min: 1, max: 2 ** 50 }),
    index: fc.integer({ min: 0, max: 2 ** 50 }),
    term: fc.integer({ min: 1, max: 2 ** 50 }),
    commit: safe,
    round: safe,
    force: fc.boolean(),
    reject: fc.boolean(),
    rejectHint: safe,
    context: bytes,
    snapshot,
    payloads: fc.array(
      fc.tuple(fc.constantFrom('normal' as const, 'confChange' as const, 'confChangeV2' as const), bytes),
      { maxLength: 6 },
    ),
  })
  .map(({ payloads, ...fields }) => {
    const m = {
      ...newMessage(fields.type),
      ...fields,
      snapshot: fields.type === 'MsgSnap' ? fields.snapshot : undefined,
    }
    if (!m.reject) m.rejectHint = 0
    const forwarded = m.type === 'MsgProp' || m.type === 'MsgReadIndex'
    if (forwarded) m.term = 0
    m.logTerm = Math.floor(m.term / 2)
    const place = (i: number): Pick<Entry, 'term' | 'index'> =>
      forwarded ? { term: 0, index: 0 } : { term: Math.min(m.term, m.logTerm + i), index: m.index + 1 + i }
    if (m.type === 'MsgApp' || m.type === 'MsgProp')
      m.entries = payloads.map(([type, data], i) => ({ ...place(i), type, data }))
    return m
  })

describe('the message codec', () => {
  test('a message comes back as it was, whatever follows it', () => {
    fc.assert(
      fc.property(message, fc.uint8Array({ maxLength: 5 }), (m, rest) => {
        const writer = new ByteWriter(8)
        encodeMessage(writer, m)
        const length = writer.length
        writer.raw(rest)
        const reader = new ByteReader(writer.take())
        expect(decodeMessage(reader)).toEqual(m)
        expect(reader.at).toBe(length)
      }),
    )
  })

  test('payloads are views into the received bytes', () => {
    const writer = new ByteWriter()
    const entry: Entry = { term: 1, index: 1, type: 'normal', data: new Uint8Array(1 << 20).fill(7) }
    encodeMessage(writer, { ...newMessage('MsgApp', 2), from: 1, term: 1, entries: [entry] })
    const frame = writer.take()
    const [decoded] = decodeMessage(new ByteReader(frame)).entries
    expect(decoded?.data.buffer).toBe(frame.buffer)
    expect(decoded?.data.length).toBe(1 << 20)
  })

  test('a message cut short is refused at every length', () => {
    fc.assert(
      fc.property(message, (m) => {
        const writer = new ByteWriter()
        encodeMessage(writer, m)
        const whole = writer.take()
        for (let length = 0; length < whole.length; length++) {
          expect(() => decodeMessage(new ByteReader(whole, 0, length))).toThrow(
            expect.objectContaining({ code: 'MalformedFrame' }),
          )
        }
      }),
      { numRuns: 30 },
    )
  })

  test('whatever bytes arrive, the only exception is MalformedFrame', () => {
    const survives = (frame: Uint8Array): void => {
      try {
        decodeMessage(new ByteReader(frame))
      } catch (thrown) {
        if (!isNitroError(thrown, 'MalformedFrame')) throw thrown
      }
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), survives), { numRuns: 500 })
    fc.assert(
      fc.property(message, fc.nat(), fc.integer({ min: 0, max: 255 }), (m, at, byte) => {
        const writer = new ByteWriter()
        encodeMessage(writer, m)
        const frame = writer.take()
        frame[at % frame.length] = byte
        survives(frame)
      }),
      { numRuns: 500 },
    )
  })

  test('entries that do not follow their anchor, or of falling terms, are refused', () => {
    const entry = (term: number, index: number): Entry => ({ term, index, type: 'normal', data: new Uint8Array() })
    const bad: Partial<Message>[] = [
      { index: 4, logTerm: 2, term: 3, entries: [entry(2, 6)] },
      { index: 4, logTerm: 2, term: 3, entries: [entry(1, 5)] },
      { index: 4, logTerm: 2, term: 3, entries: [entry(4, 5)] },
      { index: 4, logTerm: 2, term: 3, entries: [entry(3, 5), entry(2, 6)] },
      { term: 0 },
    ]
    for (const fields of bad) {
      const writer = new ByteWriter()
      encodeMessage(writer, { ...newMessage('MsgApp', 2), from: 1, ...fields })
      expect(() => decodeMessage(new ByteReader(writer.take()))).toThrow(
        expect.objectContaining({ code: 'MalformedFrame' }),
      )
    }
  })
})

describe('the codec of configuration changes', () => {
  test('a change comes back as it was', () => {
    fc.assert(
      fc.property(change, (one) => {
        expect(decodeConfChange(entryTypeOf(one), encodeConfChange(one))).toEqual(one)
      }),
    )
  })

  test('leaving a joint configuration has no bytes, so no size limit refuses it', () => {
    expect(encodeConfChange({ version: 2, transition: 'auto', changes: [], context: new Uint8Array() })).toHaveLength(0)
  })

  test('whatever bytes it gets, the only exception is MalformedFrame', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('confChange' as const, 'confChangeV2' as const),
        fc.uint8Array({ maxLength: 30 }),
        (type, data) => {
          try {
            decodeConfChange(type, data)
          } catch (thrown) {
            if (!isNitroError(thrown, 'MalformedFrame')) throw thrown
          }
        },
      ),
    )
  })
})
