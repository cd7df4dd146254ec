import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteReader, ByteWriter } from '../../base/index.ts'
import type { WireSpan } from '../../crdt/codec/spans.ts'
import { orderSpans, readSpans, writeSpans } from '../../crdt/codec/spans.ts'

/** Histories of a few or of many replicas: each step is a span that has seen the last one of some others. */
const steps = fc.integer({ min: 2, max: 9 }).chain((replicas) =>
  fc.array(fc.record({ rid: fc.nat(replicas - 1), seen: fc.subarray([...Array(replicas).keys()]) }), {
    minLength: 2,
    maxLength: 20,
  }),
)

function spansOf(history: readonly { rid: number; seen: readonly number[] }[]): WireSpan[] {
  const next = new Map<number, number>()
  const spans: WireSpan[] = []
  for (const { rid, seen } of history) {
    const seq = next.get(rid) ?? 0
    const known = [...new Set([...seen, rid])].sort((a, b) => a - b).filter((other) => (next.get(other) ?? 0) > 0)
    const parents = known.map((other) => ({ rid: other, seq: (next.get(other) as number) - 1 }))
    if (seq > 0 && parents.length === 1) continue
    spans.push({ rid, seq, length: 2, parents })
    next.set(rid, seq + 2)
  }
  return spans
}

/** Mixes the spans of different replicas, each replica's staying in order. */
function shuffled(spans: readonly WireSpan[], keys: readonly number[]): WireSpan[] {
  const queues = new Map<number, WireSpan[]>()
  for (const span of spans) queues.set(span.rid, [...(queues.get(span.rid) ?? []), span])
  const mixed: WireSpan[] = []
  for (let i = 0; mixed.length < spans.length; i++) {
    const open = [...queues.values()].filter((queue) => queue.length > 0)
    const queue = open[(keys[i % keys.length] as number) % open.length] as WireSpan[]
    mixed.push(queue.shift() as WireSpan)
  }
  return mixed
}

function bytesOf(spans: readonly WireSpan[]): Uint8Array {
  const writer = new ByteWriter()
  writeSpans(writer, spans)
  return writer.take()
}

describe('the spans of an update', () => {
  it('are read in the one order', () => {
    fc.assert(
      fc.property(steps, (history) => {
        const ordered = orderSpans(spansOf(history))
        expect(readSpans(new ByteReader(bytesOf(ordered)))).toEqual(ordered)
      }),
    )
  })

  it('are refused in any other order', () => {
    let refused = 0
    const keys = fc.array(fc.nat(100), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(steps, keys, (history, mix) => {
        const spans = spansOf(history)
        const ordered = orderSpans(spans)
        const mixed = shuffled(spans, mix)
        if (mixed.every((span, i) => span === ordered[i])) return
        // Some mixtures name a parent before it comes, which no span can say.
        let bytes: Uint8Array
        try {
          bytes = bytesOf(mixed)
        } catch {
          return
        }
        refused++
        expect(() => readSpans(new ByteReader(bytes))).toThrow('not the canonical form')
      }),
      { numRuns: 300 },
    )
    expect(refused).toBeGreaterThan(5)
  })
})
