import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter, isNitroError } from '../../base/index.ts'
import { RowReader, RowWriter, fenceKind, fenceShape } from '../../crdt/codec/rows.ts'
import { orderSpans, readSpans, writeSpans } from '../../crdt/codec/spans.ts'
import type { WireSpan } from '../../crdt/codec/spans.ts'
import { compareTexts, readText, writeText } from '../../crdt/codec/text.ts'
import { elementKey, elementOf } from '../../crdt/codec/values.ts'
import { Context } from '../../crdt/kernel/context.ts'
import { HybridClock, maxWallMs, tickOf, timeHigh, timeLow, wallOf } from '../../crdt/kernel/hlc.ts'
import type { OpShape } from '../../crdt/kernel/op.ts'
import { opShape } from '../../crdt/kernel/op.ts'
import { addAmounts, amountOf } from '../../crdt/types/amounts.ts'
import { checkPosition, positionBetween } from '../../crdt/types/tree-position.ts'

const refusal = (run: () => unknown): boolean => {
  try {
    run()
  } catch (thrown) {
    return isNitroError(thrown, 'NotCanonical') || isNitroError(thrown, 'MalformedFrame')
  }
  return false
}

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter()
  write(writer)
  return writer.take()
}

describe('a causal context', () => {
  const dots = fc.array(fc.tuple(fc.nat(3), fc.nat(20)), { maxLength: 60 })
  const contextOf = (list: readonly (readonly [number, number])[]): Context => {
    const context = new Context()
    for (const [rid, seq] of list) context.add(rid, seq)
    return context
  }

  test('is a set of dots, however they came into it', () => {
    fc.assert(
      fc.property(dots, dots, (first, second) => {
        const joined = contextOf(first)
        joined.join(contextOf(second))
        const model = new Set([...first, ...second].map(([rid, seq]) => `${rid}:${seq}`))
        for (let rid = 0; rid < 4; rid++) {
          for (let seq = 0; seq < 22; seq++) expect(joined.covers(rid, seq)).toBe(model.has(`${rid}:${seq}`))
        }
        expect(new Set([...joined.dots()].map(({ rid, seq }) => `${rid}:${seq}`))).toEqual(model)
      }),
    )
  })

  test('has the same bytes for the same dots, and no others are read', () => {
    const bytesOf = (context: Context): Uint8Array => written((writer) => context.write(writer))
    fc.assert(
      fc.property(dots, fc.infiniteStream(fc.nat()), (list, order) => {
        const shuffled = list.map((dot) => [order.next().value as number, dot] as const).sort(([a], [b]) => a - b)
        const bytes = bytesOf(contextOf(list))
        expect(bytesOf(contextOf(shuffled.map(([, dot]) => dot)))).toEqual(bytes)
        expect(bytesOf(Context.read(new ByteReader(bytes)))).toEqual(bytes)
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const reader = new ByteReader(bytes)
        let read: Context | undefined
        if (refusal(() => (read = Context.read(reader)))) return
        expect(bytesOf(read as Context)).toEqual(bytes.slice(0, reader.at))
      }),
      { numRuns: 300 },
    )
  })
})

describe('a hybrid clock', () => {
  const above = (a: HybridClock, high: number, low: number): boolean =>
    a.high > high || (a.high === high && a.low > low)

  test('is above all it has shown and seen, whatever the wall does', () => {
    const step = fc.record({ wall: fc.nat(200_000), seen: fc.option(fc.tuple(fc.nat(200_000), fc.nat(0xffff))) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const clock = new HybridClock()
        for (const { wall, seen } of steps) {
          const { high, low } = clock
          if (seen !== null) clock.observe(timeHigh(seen[0]), timeLow(...seen))
          clock.advance(wall)
          expect(above(clock, high, low)).toBe(true)
          if (seen !== null) expect(above(clock, timeHigh(seen[0]), timeLow(...seen))).toBe(true)
        }
      }),
    )
  })

  test('takes the next millisecond when ticks run out, and refuses walls that do not fit', () => {
    const clock = new HybridClock()
    clock.advance(1000)
    for (let i = 0; i < 0x1_0000; i++) clock.advance(0)
    expect([wallOf(clock.high, clock.low), tickOf(clock.low)]).toEqual([1001, 0])
    clock.advance(maxWallMs * 2)
    expect([wallOf(clock.high, clock.low), tickOf(clock.low)]).toEqual([1001, 1])
  })

  test('keeps every 48-bit millisecond and tick', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: maxWallMs }), fc.nat(0xffff), (wall, tick) => {
        const [high, low] = [timeHigh(wall), timeLow(wall, tick)]
        expect([wallOf(high, low), tickOf(low)]).toEqual([wall, tick])
        expect(Number.isInteger(low) && low >= -(2 ** 31) && low < 2 ** 31).toBe(true)
      }),
    )
  })
})

describe('rows', () => {
  const shapeOf = (kind: number): OpShape => (kind === fenceKind ? fenceShape : (shapes[kind] as OpShape))
  const shapes = [opShape('plain'), opShape('keyed', 'key', 'value', 'time'), opShape('timed', 'time')]
  const row = fc.record({
    place: fc.nat(2),
    gap: fc.nat(3),
    kind: fc.nat(2),
    wall: fc.nat(5),
    tick: fc.oneof(fc.nat(3), fc.constant(0xffff)),
    key: fc.string({ maxLength: 5 }),
    value: fc.oneof(fc.maxSafeInteger(), fc.string({ maxLength: 5 }), fc.constant(null)),
  })

  test('come back as they went in, and have one encoding', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 30 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (rows, at, flip) => {
        let position = -1
        const given = rows.map(({ place, gap, kind, wall, tick, key, value }) => {
          position += gap + 1
          const { time, key: keyed } = shapeOf(kind)
          const [high, low] = time ? [timeHigh(wall), timeLow(wall, tick)] : [0, 0]
          return { place, position, kind, high, low, key: keyed ? key : '', value: keyed ? value : null }
        })
        const encode = (list: typeof given): Uint8Array =>
          written((writer) => {
            const rows = new RowWriter()
            for (const one of list) rows.write(writer, one.place, one.position, one, shapeOf(one.kind))
          })
        const decode = (bytes: Uint8Array): typeof given => {
          const reader = new ByteReader(bytes)
          const rows = new RowReader((place) => (place < 3 ? shapes : undefined))
          const found: typeof given = []
          while (reader.remaining > 0) found.push(rows.read(reader) as (typeof given)[number])
          return found
        }
        const bytes = encode(given)
        expect(decode(bytes)).toEqual(given)
        if (bytes.length === 0) return
        bytes[at % bytes.length]! ^= flip
        let read: typeof given | undefined
        if (!refusal(() => (read = decode(bytes)))) expect(encode(read as typeof given)).toEqual(bytes)
      }),
      { numRuns: 200 },
    )
  })
})

describe('spans', () => {
  /** Spans of three replicas that now and then take in what another has; parents first. */
  const histories = fc
    .array(fc.record({ rid: fc.nat(2), length: fc.integer({ min: 1, max: 5 }), from: fc.nat(2) }), { maxLength: 15 })
    .map((steps) => {
      const next = [0, 0, 0]
      const spans: WireSpan[] = []
      for (const { rid, length, from } of steps) {
        const seq = next[rid] as number
        const parents = []
        if (seq > 0) parents.push({ rid, seq: seq - 1 })
        if (from !== rid && (next[from] as number) > 0) parents.push({ rid: from, seq: (next[from] as number) - 1 })
        parents.sort((a, b) => a.rid - b.rid)
        next[rid] = seq + length
        const before = spans.findLast((span) => span.rid === rid)
        if (before !== undefined && parents.length === 1) {
          spans[spans.indexOf(before)] = { ...before, length: before.length + length }
        } else spans.push({ rid, seq, length, parents })
      }
      return spans
    })

  test('have one order, in which each comes after those it builds on, and one encoding', () => {
    fc.assert(
      fc.property(histories, (spans) => {
        const ordered = orderSpans(spans)
        expect(ordered.length).toBe(spans.length)
        const seen = new Map<number, number>()
        for (const { rid, seq, length, parents } of ordered) {
          for (const parent of parents) expect(seen.get(parent.rid) ?? 0).toBeGreaterThan(parent.seq)
          seen.set(rid, seq + length)
        }
        const bytes = written((writer) => writeSpans(writer, ordered))
        expect(readSpans(new ByteReader(bytes))).toEqual(ordered)
      }),
    )
  })

  test('in any other order or form are refused', () => {
    fc.assert(
      fc.property(histories, fc.nat(), fc.integer({ min: 1, max: 255 }), (spans, at, flip) => {
        const bytes = written((writer) => writeSpans(writer, orderSpans(spans)))
        bytes[at % bytes.length]! ^= flip
        const reader = new ByteReader(bytes)
        let read: WireSpan[] | undefined
        if (refusal(() => (read = readSpans(reader)))) return
        expect(written((writer) => writeSpans(writer, read as WireSpan[]))).toEqual(bytes.slice(0, reader.at))
      }),
      { numRuns: 300 },
    )
  })
})

describe('small things', () => {
  test('positions always leave room, between any two and at both ends', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 200 }), (places) => {
        const positions: string[] = []
        for (const place of places) {
          const at = place % (positions.length + 1)
          const made = positionBetween(positions[at - 1], positions[at])
          checkPosition(made)
          if (at > 0) expect(made > (positions[at - 1] as string)).toBe(true)
          if (at < positions.length) expect(made < (positions[at] as string)).toBe(true)
          positions.splice(at, 0, made)
        }
      }),
    )
    expect(() => checkPosition('a!')).toThrow('position')
  })

  test('positions stay short when nodes are appended or put first', () => {
    let last: string | undefined
    let first: string | undefined
    for (let i = 0; i < 1000; i++) {
      last = positionBetween(last, undefined)
      first = positionBetween(undefined, first)
    }
    expect(last?.length).toBeLessThan(60)
    expect(first?.length).toBeLessThan(200)
  })

  test('text is UTF-8 and sorts by its bytes', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 100 })
    fc.assert(
      fc.property(text, text, (a, b) => {
        const bytes = written((writer) => writeText(writer, a))
        expect(readText(new ByteReader(bytes))).toBe(a)
        expect(Math.sign(compareTexts(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))))
      }),
    )
  })

  test('element keys lead back to their elements', () => {
    const element = fc.oneof(fc.string(), fc.maxSafeInteger(), fc.bigInt(), fc.uint8Array(), fc.constant('\u0000x'))
    fc.assert(
      fc.property(
        element.filter((e) => typeof e !== 'string' || !/\p{Surrogate}/u.test(e)),
        (one) => {
          expect(elementOf(elementKey(one))).toEqual(one)
        },
      ),
    )
  })

  test('amounts are exact and have one form', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 60n), max: 2n ** 60n }),
        fc.bigInt({ min: -(2n ** 60n), max: 2n ** 60n }),
        (a, b) => {
          const sum = addAmounts(amountOf(a), amountOf(b))
          expect(BigInt(sum)).toBe(a + b)
          expect(typeof sum).toBe(
            Number.isSafeInteger(Number(a + b)) && BigInt(Number(a + b)) === a + b ? 'number' : 'bigint',
          )
        },
      ),
    )
  })
})
