import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CausalGraph } from '../../crdt/graph/graph.ts'
import type { Anchor } from '../../crdt/text/anchors.ts'
import { endAnchor, startAnchor } from '../../crdt/text/anchors.ts'
import { TextSequence } from '../../crdt/text/text.ts'
import { editHistories, replay } from './edits.ts'

function typed(content: string): { graph: CausalGraph; text: TextSequence } {
  const graph = new CausalGraph()
  const text = new TextSequence(graph)
  text.insert(0, content, graph.append(1, content.length))
  return { graph, text }
}

describe('an anchor', () => {
  test('keeps to its side of its item', () => {
    const { graph, text } = typed('abcd')
    const before = text.anchorAt(2, 'before')
    const after = text.anchorAt(2, 'after')
    text.insert(2, 'XY', graph.append(1, 2))
    expect(text.positionOf(before)).toBe(4)
    expect(text.positionOf(after)).toBe(2)
    text.insert(0, '!', graph.append(1, 1))
    expect(text.positionOf(before)).toBe(5)
    expect(text.positionOf(after)).toBe(3)
  })

  test('stays where its item was when that is deleted', () => {
    const { graph, text } = typed('abcd')
    const anchor = text.anchorAt(2, 'before')
    text.delete(1, 2, graph.append(1, 2))
    expect(text.positionOf(anchor)).toBe(1)
    text.insert(1, 'new', graph.append(1, 3))
    expect(text.positionOf(anchor)).toBe(4)
  })

  test('at an end stays at the end', () => {
    const { graph, text } = typed('ab')
    expect(text.anchorAt(0, 'after')).toEqual(startAnchor)
    expect(text.anchorAt(2, 'before')).toEqual(endAnchor)
    text.insert(2, 'c', graph.append(1, 1))
    expect(text.positionOf(endAnchor)).toBe(3)
    expect(text.positionOf(startAnchor)).toBe(0)
  })

  test('of an item that has not arrived, or is no item, has no position', () => {
    const { graph, text } = typed('ab')
    text.delete(0, 1, graph.append(1, 1))
    expect(text.positionOf({ at: 'before', rid: 2, seq: 0 })).toBeUndefined()
    expect(text.positionOf({ at: 'before', rid: 1, seq: 3 })).toBeUndefined()
    expect(text.positionOf({ at: 'before', rid: 1, seq: 2 })).toBeUndefined()
    expect(() => text.anchorAt(2, 'before')).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
  })

  test('is where the order of all items, deleted ones included, puts it', () => {
    fc.assert(
      fc.property(editHistories({ maxLength: 14 }), (history) => {
        const graph = new CausalGraph()
        const text = new TextSequence(graph)
        const anchors: Anchor[] = []
        replay(history, text, graph, undefined, () => {
          text.integrate(graph.length)
          for (let at = 0; at <= text.length; at++)
            anchors.push(text.anchorAt(at, 'before'), text.anchorAt(at, 'after'))
        })
        const order = history.oracle.order()
        const there = new Set(history.oracle.idsAt(graph.frontier))
        for (const anchor of anchors) {
          let expected = anchor.at === 'end' ? text.length : 0
          if (anchor.at === 'before' || anchor.at === 'after') {
            const event = graph.lvOf(anchor.rid, anchor.seq)
            const end = order.indexOf(event) + (anchor.at === 'after' ? 1 : 0)
            expected = order.slice(0, end).filter((one) => there.has(one)).length
          }
          expect(text.positionOf(anchor)).toBe(expected)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('what an operation inserted is found where it is now', () => {
    fc.assert(
      fc.property(editHistories({ maxLength: 14 }), fc.nat(), fc.nat(), (history, a, b) => {
        const graph = new CausalGraph()
        const text = new TextSequence(graph)
        replay(history, text, graph)
        text.integrate(graph.length)
        const start = a % (graph.length + 1)
        const end = start + (b % (graph.length - start + 1))
        const there = history.oracle.idsAt(graph.frontier)
        const ranges = text.visibleRanges(start, end)
        const found: number[] = []
        for (let i = 0; i < ranges.length; i += 2) {
          for (let at = ranges[i] as number; at < (ranges[i + 1] as number); at++) found.push(there[at] as number)
        }
        expect(found).toEqual(there.filter((event) => event >= start && event < end).sort((x, y) => x - y))
      }),
    )
  })
})
