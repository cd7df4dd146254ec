import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Value } from '../../base/index.ts'
import type { CausalGraph } from '../../crdt/graph/graph.ts'
import type { Anchor } from '../../crdt/text/anchors.ts'
import type { Expand, Mark } from '../../crdt/text/marks.ts'
import { RichText } from '../../crdt/text/rich-text.ts'
import { Peer, peerSteps, threePeers } from './peers.ts'

const rich = (graph: CausalGraph): RichText => new RichText(graph)

function type(peer: Peer<RichText>, position: number, text: string): void {
  peer.sequence.insert(position, text, peer.next(text.length))
}

function erase(peer: Peer<RichText>, position: number, count: number): void {
  peer.sequence.delete(position, count, peer.next(count))
}

function mark(
  peer: Peer<RichText>,
  start: number,
  end: number,
  key: string,
  value: Value,
  expand: Expand = 'after',
): Mark {
  return peer.sequence.mark(start, end, key, value, { expand }, peer.next(1))
}

/** The text with its marks, as `plain[marked|bold=true]`. */
function shown({ sequence }: Peer<RichText>): string {
  return sequence
    .richText()
    .map(({ text, marks, many }) => {
      const all = [
        ...[...marks].map(([key, value]) => `${key}=${String(value)}`),
        ...[...many].map(([key, values]) => `${key}=${values.map(({ value }) => String(value)).join('+')}`),
      ]
      return all.length === 0 ? text : `[${text}|${all.join(',')}]`
    })
    .join('')
}

function started(text: string): readonly [Peer<RichText>, Peer<RichText>] {
  const a = new Peer(1, rich)
  const b = new Peer(2, rich)
  if (text !== '') type(a, 0, text)
  b.pull(a)
  return [a, b]
}

function exchange(a: Peer<RichText>, b: Peer<RichText>): void {
  a.pull(b)
  b.pull(a)
}

describe('marks', () => {
  test('take in what is inserted inside, and at the edges that expand', () => {
    const table: [Expand, string][] = [
      ['none', '<a1[b2c|m=1]3d'],
      ['after', '<a1[b2c3|m=1]d'],
      ['before', '<a[1b2c|m=1]3d'],
      ['both', '<a[1b2c3|m=1]d'],
    ]
    for (const [expand, expected] of table) {
      const [a] = started('<abcd')
      mark(a, 2, 4, 'm', 1, expand)
      type(a, 4, '3')
      type(a, 3, '2')
      type(a, 2, '1')
      expect([expand, shown(a)]).toEqual([expand, expected])
    }
  })

  test('at the beginning and the end of the text expand there, too', () => {
    const [a] = started('ab')
    mark(a, 0, 2, 'm', 1, 'both')
    type(a, 2, '2')
    type(a, 0, '1')
    expect(shown(a)).toBe('[1ab2|m=1]')
  })

  test('set concurrently cover both ranges, and other keys stand beside each other', () => {
    const [a, b] = started('The fox jumped.')
    mark(a, 0, 7, 'bold', true)
    mark(b, 4, 14, 'bold', true)
    mark(b, 4, 7, 'italic', true)
    exchange(a, b)
    expect(shown(a)).toBe('[The |bold=true][fox|bold=true,italic=true][ jumped|bold=true].')
    expect(shown(b)).toBe(shown(a))
  })

  test('of one key with different values: the greater replica wins on the overlap, a later one anywhere', () => {
    const [a, b] = started('abcdef')
    mark(a, 0, 4, 'color', 'red')
    mark(b, 2, 6, 'color', 'blue')
    exchange(a, b)
    expect(shown(a)).toBe('[ab|color=red][cdef|color=blue]')
    expect(shown(b)).toBe(shown(a))
    mark(a, 1, 3, 'color', 'green')
    exchange(a, b)
    expect(shown(b)).toBe('[a|color=red][bc|color=green][def|color=blue]')
  })

  test('are taken away by null, in the range that is named', () => {
    const [a, b] = started('abcdef')
    mark(a, 0, 6, 'bold', true)
    b.pull(a)
    mark(b, 2, 4, 'bold', null)
    type(a, 3, 'X')
    exchange(a, b)
    expect(shown(a)).toBe('[ab|bold=true]cXd[ef|bold=true]')
    expect(shown(b)).toBe(shown(a))
  })

  test('that may be there many times stand beside each other, and go by name', () => {
    const [a, b] = started('abcdef')
    const options = { expand: 'none', many: true } as const
    const one = a.sequence.mark(0, 4, 'comment', 'first', options, a.next(1))
    b.sequence.mark(2, 6, 'comment', 'second', options, b.next(1))
    exchange(a, b)
    expect(shown(a)).toBe('[ab|comment=first][cd|comment=first+second][ef|comment=second]')
    b.sequence.removeMark(one.name as { rid: number; seq: number }, b.next(1))
    exchange(a, b)
    expect(shown(a)).toBe('ab[cdef|comment=second]')
    expect(() => b.sequence.removeMark({ rid: 9, seq: 0 }, b.next(1))).toThrow(
      expect.objectContaining({ code: 'NotFound' }),
    )
  })

  test('end when all their text is deleted, and say nothing of text that comes instead', () => {
    const [a] = started('abcd')
    mark(a, 1, 3, 'bold', true, 'none')
    erase(a, 0, 4)
    expect(a.sequence.spans()).toEqual([])
    type(a, 0, 'new')
    expect(shown(a)).toBe('new')
  })

  test('refuse empty ranges, ranges beyond the end, and removal of many by range', () => {
    const [a] = started('abcd')
    const refused = (start: number, end: number, value: Value, many: boolean): unknown => {
      try {
        a.sequence.checkMark(start, end, 'k', value, { many })
        return undefined
      } catch (thrown) {
        return (thrown as { code: string }).code
      }
    }
    expect(refused(1, 1, 1, false)).toBe('InvalidArgument')
    expect(refused(3, 5, 1, false)).toBe('InvalidArgument')
    expect(refused(0, 2, null, true)).toBe('InvalidArgument')
    expect(refused(0, 2, '\ud800', false)).toBe('NotCanonical')
    expect(refused(0, 2, null, false)).toBeUndefined()
  })

  test('are, for each character, those of the last writers among the marks that cover it', () => {
    const expands = ['none', 'before', 'after', 'both'] as const
    fc.assert(
      fc.property(peerSteps(40), (steps) => {
        const { peers, settle } = threePeers(rich)
        const all: { mark: Mark; dot: { rid: number; seq: number } }[] = []
        for (const { who, other, act, draws } of steps) {
          const peer = peers[who] as Peer<RichText>
          const { sequence } = peer
          const at = draws[0] % (sequence.length + 1)
          const count = Math.min(sequence.length - at, 1 + (draws[1] % 3))
          if (act < 0) peer.pull(peers[other] as Peer<RichText>, draws[0] % 5 === 0)
          else if (act < 4 || count === 0) type(peer, at, 'xyz'.slice(0, 1 + (draws[1] % 3)))
          else if (act < 6) erase(peer, at, count)
          else {
            const lv = peer.next(1)
            const many = draws[2] % 4 === 0
            const value = many ? draws[1] : draws[1] % 4 === 0 ? null : draws[1] % 7
            const options = { expand: expands[draws[2] % 4] as Expand, many }
            const made = sequence.mark(at, at + count, many ? 'c' : `k${draws[2] % 2}`, value, options, lv)
            all.push({ mark: made, dot: peer.graph.dotOf(lv) })
          }
        }
        settle()
        const [a, b, c] = peers
        expect(shown(b)).toBe(shown(a))
        expect(shown(c)).toBe(shown(a))
        expect(a.sequence.spans()).toEqual(expectedSpans(a, all))
      }),
      { numRuns: 150 },
    )
  })
})

/** The slow way: for each character, which marks cover it by the positions of their anchors, and who of a key wrote last. */
function expectedSpans(
  { sequence, graph }: Peer<RichText>,
  all: readonly { mark: Mark; dot: { rid: number; seq: number } }[],
): unknown[] {
  const position = (anchor: Anchor): number => sequence.positionOf(anchor) as number
  const marks = all.map(({ mark, dot }) => ({ ...mark, lv: graph.lvOf(dot.rid, dot.seq), dot }))
  const depth = (lv: number): number => Math.max(-1, ...graph.parentsOf(lv).map(depth)) + 1
  const spans: { start: number; end: number; marks: Map<string, Value>; many: Map<string, unknown[]> }[] = []
  for (let at = 0; at < sequence.length; at++) {
    const covering = marks.filter(({ start, end }) => position(start) <= at && at < position(end))
    const ranked = covering
      .map((one) => ({ one, rank: [depth(one.lv), one.dot.rid, one.dot.seq] as const }))
      .sort((x, y) => x.rank[0] - y.rank[0] || x.rank[1] - y.rank[1] || x.rank[2] - y.rank[2])
      .map(({ one }) => one)
    const single = new Map<string, Value>()
    const many = new Map<string, unknown[]>()
    for (const one of ranked) {
      if (one.name === undefined) single.set(one.key, one.value)
      else many.set(one.key, [...(many.get(one.key) ?? []), { name: one.name, value: one.value }])
    }
    for (const [key, value] of single) if (value === null) single.delete(key)
    if (single.size + many.size === 0) continue
    const last = spans.at(-1)
    const same =
      last?.end === at && JSON.stringify([...single].sort(byKey)) === JSON.stringify([...last.marks].sort(byKey))
    if (last !== undefined && same && JSON.stringify([...many]) === JSON.stringify([...last.many])) last.end++
    else spans.push({ start: at, end: at + 1, marks: single, many })
  }
  return spans
}

function byKey(a: readonly [string, Value], b: readonly [string, Value]): number {
  return a[0] < b[0] ? -1 : 1
}
