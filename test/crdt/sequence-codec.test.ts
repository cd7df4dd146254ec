import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter, isNitroError } from '../../base/index.ts'
import { CausalGraph } from '../../crdt/graph/graph.ts'
import { RichText } from '../../crdt/text/rich-text.ts'
import { TextSequence } from '../../crdt/text/text.ts'
import type { EditHistory } from './edits.ts'
import { editHistories, otherOrder, replay } from './edits.ts'

/** The operations of a history in the order of the history, wherever they are. */
function encoded(history: EditHistory, sequence: TextSequence, here: ReadonlyMap<number, number>): Uint8Array {
  const ranges: number[] = []
  let event = 0
  for (const { length } of history.spans) {
    const lv = here.get(event) as number
    ranges.push(lv, lv + length)
    event += length
  }
  const writer = new ByteWriter()
  sequence.writeOperations(writer, ranges)
  return writer.take()
}

function read(bytes: Uint8Array, events: number): TextSequence {
  const graph = new CausalGraph()
  const text = new TextSequence(graph)
  const reader = new ByteReader(bytes)
  const operations = text.readOperations(reader, events)
  reader.finish()
  if (events > 0) graph.append(0, events)
  text.receive(operations, (event) => event)
  return text
}

const numbers = fc.array(fc.nat({ max: 1000 }), { minLength: 20, maxLength: 20 })

describe('the bytes of a sequence', () => {
  test('are the same in all replicas, and make the same operations again', () => {
    fc.assert(
      fc.property(editHistories({ maxLength: 16 }), numbers, (history, order) => {
        const one = { graph: new CausalGraph(), text: new TextSequence(new CausalGraph()) }
        const bytes = encoded(history, one.text, replay(history, one.text, one.graph))
        const two = { graph: new CausalGraph(), text: new TextSequence(new CausalGraph()) }
        const there = replay(history, two.text, two.graph, otherOrder(history, order))
        expect(encoded(history, two.text, there)).toEqual(bytes)
        const events = one.graph.length
        const again = read(bytes, events)
        const writer = new ByteWriter()
        again.writeOperations(writer, [0, events])
        expect(writer.take()).toEqual(bytes)
      }),
    )
  })

  test('skip what is known already, operation by operation', () => {
    fc.assert(
      fc.property(editHistories({ maxLength: 14 }), fc.nat(), (history, cut) => {
        const graph = new CausalGraph()
        const text = new TextSequence(graph)
        const here = replay(history, text, graph)
        text.integrate(graph.length)
        const bytes = encoded(history, text, here)
        // A replica that has the history up to some event in the midst of a span.
        const other = { graph: new CausalGraph(), text: undefined as unknown as TextSequence }
        other.text = new TextSequence(other.graph)
        const take = (limit: number): void => {
          const lvs: number[] = []
          for (const span of graph.spans(0, limit)) {
            const known = Math.min(span.length, other.graph.nextSeq(span.rid) - span.seq)
            for (let i = 0; i < known; i++) lvs.push(-1)
            if (known === span.length) continue
            const parents = known > 0 ? [span.lv + known - 1] : span.parents
            const lv = other.graph.add(span.rid, span.seq + known, span.length - known, parents)
            for (let i = 0; i < span.length - known; i++) lvs.push(lv + i)
          }
          const operations = other.text.readOperations(new ByteReader(bytes), graph.length)
          other.text.receive(operations, (event) => lvs[event] ?? -1)
          other.text.integrate(other.graph.length)
        }
        take(graph.length === 0 ? 0 : cut % graph.length)
        take(graph.length)
        expect(other.text.toString()).toBe(text.toString())
      }),
    )
  })

  test('hold any UTF-16, halves of surrogate pairs included, in one form', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 1, maxLength: 40 }),
        fc.nat(),
        (units, cut) => {
          const typed = String.fromCharCode(...units)
          const graph = new CausalGraph()
          const text = new TextSequence(graph)
          const half = cut % typed.length
          if (half > 0) text.insert(0, typed.slice(0, half), graph.append(1, half))
          text.insert(half, typed.slice(half), graph.append(1, typed.length - half))
          const writer = new ByteWriter()
          text.writeOperations(writer, [0, graph.length])
          const again = read(writer.take(), graph.length)
          again.integrate(graph.length)
          expect(again.toString()).toBe(typed)
        },
      ),
    )
  })

  test('are small for typing: a run takes a few bytes beside its text', () => {
    const graph = new CausalGraph()
    const text = new TextSequence(graph)
    for (let i = 0; i < 1000; i++) text.insert(i, 'x', graph.append(1, 1))
    for (let i = 0; i < 400; i++) text.delete(999 - i, 1, graph.append(1, 1))
    const writer = new ByteWriter()
    text.writeOperations(writer, [0, graph.length])
    expect(writer.length).toBe(1000 + 11)
  })

  test('that are damaged are refused with a typed error, or are canonical for something else', () => {
    const source = editHistories({ maxLength: 10 })
    const change = fc.tuple(
      fc.nat(),
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom('set', 'cut', 'insert', 'remove'),
    )
    fc.assert(
      fc.property(
        source,
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.nat({ max: 60 }),
        (history, changes, more) => {
          const graph = new CausalGraph()
          const text = new RichText(graph)
          replay(history, text, graph)
          text.integrate(graph.length)
          if (text.length > 1) text.mark(0, 1, 'bold', true, {}, graph.append(7, 1))
          const writer = new ByteWriter()
          text.writeOperations(writer, [0, graph.length])
          const bytes = [...writer.take()]
          for (const [at, byte, how] of changes) {
            const index = at % (bytes.length + 1)
            if (how === 'set') bytes[index] = byte
            else if (how === 'cut') bytes.length = index
            else if (how === 'insert') bytes.splice(index, 0, byte)
            else bytes.splice(index, 1)
          }
          const events = graph.length + more
          const fresh = new RichText(new CausalGraph())
          let read: ReturnType<RichText['readOperations']>
          try {
            const reader = new ByteReader(Uint8Array.from(bytes))
            read = fresh.readOperations(reader, events)
            reader.finish()
          } catch (thrown) {
            expect(isNitroError(thrown, 'NotCanonical') || isNitroError(thrown, 'MalformedFrame')).toBe(true)
            return
          }
          fresh.receive(read, (event) => event)
          const again = new ByteWriter()
          fresh.writeOperations(again, [0, events])
          expect([...again.take()]).toEqual(bytes)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('that promise more than they hold are refused before room is made', () => {
    const huge = new ByteWriter()
    huge.uint(2 ** 40)
    huge.raw(new Uint8Array(20))
    const text = new TextSequence(new CausalGraph())
    expect(() => text.readOperations(new ByteReader(huge.take()), 2 ** 31)).toThrow(
      expect.objectContaining({ code: 'NotCanonical' }),
    )
  })
})
