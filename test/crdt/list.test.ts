import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Value } from '../../base/index.ts'
import { ByteReader } from '../../base/index.ts'
import type { Dot } from '../../crdt/graph/graph.ts'
import { CausalGraph } from '../../crdt/graph/graph.ts'
import { ListSequence } from '../../crdt/list/list.ts'
import { MovableSequence } from '../../crdt/list/movable.ts'
import type { SequencePatch } from '../../crdt/text/sequence.ts'
import { Peer, peerSteps, threePeers } from './peers.ts'

const list = (graph: CausalGraph): ListSequence => new ListSequence(graph)
const movable = (graph: CausalGraph): MovableSequence => new MovableSequence(graph)

function apply(before: readonly Value[], patches: readonly SequencePatch<readonly Value[]>[]): Value[] {
  const out = [...before]
  for (const { position, removed, inserted } of patches) out.splice(position, removed, ...inserted)
  return out
}

describe('a list', () => {
  test('holds any values, and reads as an array that is spliced alike', () => {
    const graph = new CausalGraph()
    const values = new ListSequence(graph)
    values.insert(0, [1, 'two', [3, { four: null }]], graph.append(1, 3))
    values.insert(1, [true], graph.append(1, 1))
    values.delete(0, 1, graph.append(1, 1))
    expect(values.slice(0)).toEqual([true, 'two', [3, { four: null }]])
    expect(values.get(1)).toBe('two')
    expect(values.get(3)).toBeUndefined()
    expect(graph.dotOf(values.lvAt(0))).toEqual({ rid: 1, seq: 3 })
  })

  test('converges, tells edits that lead there, and remembers every version', () => {
    fc.assert(
      fc.property(peerSteps(30), (steps) => {
        const { peers, settle } = threePeers(list)
        const seen: { version: Dot[]; values: readonly Value[] }[] = []
        let made = 0
        for (const { who, other, act, draws } of steps) {
          const peer = peers[who] as Peer<ListSequence>
          const { sequence } = peer
          const at = draws[0] % (sequence.length + 1)
          const count = Math.min(sequence.length - at, 1 + (draws[1] % 3))
          if (act < 0) {
            const before = sequence.slice(0)
            const patches: SequencePatch<readonly Value[]>[] = []
            peer.pull(peers[other] as Peer<ListSequence>, draws[0] % 5 === 0, patches)
            expect(apply(before, patches)).toEqual(sequence.slice(0))
          } else if (act < 6 || count === 0) sequence.insert(at, [made++, [made++]], peer.next(2))
          else sequence.delete(at, count, peer.next(count))
          seen.push({ version: peer.version(), values: sequence.slice(0) })
        }
        settle()
        const [a, b, c] = peers
        expect(b.sequence.slice(0)).toEqual(a.sequence.slice(0))
        expect(c.sequence.slice(0)).toEqual(a.sequence.slice(0))
        for (const { version, values } of seen) expect(b.sequence.at(b.here(version))).toEqual(values)
      }),
    )
  })
})

describe('a movable list', () => {
  function two(...values: Value[]): readonly [Peer<MovableSequence>, Peer<MovableSequence>] {
    const a = new Peer(1, movable)
    const b = new Peer(2, movable)
    a.sequence.insert(0, values, a.next(values.length))
    b.pull(a)
    return [a, b]
  }
  const move = (
    { sequence, next }: Peer<MovableSequence>,
    from: number,
    to: number,
    peer: Peer<MovableSequence>,
  ): void => {
    const count = sequence.moveLength(from)
    sequence.move(from, to, next.call(peer, count))
  }
  const moves = (peer: Peer<MovableSequence>, from: number, to: number): void => move(peer, from, to, peer)
  const erase = (peer: Peer<MovableSequence>, at: number, count: number): void => {
    peer.sequence.delete(at, count, peer.next(peer.sequence.deleteLength(at, count)))
  }
  const exchange = (a: Peer<MovableSequence>, b: Peer<MovableSequence>): void => {
    a.pull(b)
    b.pull(a)
    expect(b.sequence.toArray()).toEqual(a.sequence.toArray())
  }

  test('puts an element where it is told', () => {
    const [a] = two('a', 'b', 'c', 'd')
    moves(a, 0, 2)
    expect(a.sequence.toArray()).toEqual(['b', 'c', 'a', 'd'])
    moves(a, 3, 0)
    expect(a.sequence.toArray()).toEqual(['d', 'b', 'c', 'a'])
    moves(a, 1, 1)
    expect(a.sequence.toArray()).toEqual(['d', 'b', 'c', 'a'])
  })

  test('shows an element that two move once, where the last mover put it, and it can be moved on', () => {
    const [a, b] = two('a', 'b', 'c', 'd')
    moves(a, 0, 3)
    moves(b, 0, 2)
    exchange(a, b)
    expect(a.sequence.toArray()).toEqual(['b', 'c', 'a', 'd'])
    expect(a.sequence.length).toBe(4)
    moves(b, 2, 0)
    exchange(a, b)
    expect(a.sequence.toArray()).toEqual(['a', 'b', 'c', 'd'])
    expect(a.sequence.moveLength(0)).toBe(2)
  })

  test('keeps an element that one moves and another deletes, and drops one that is set and deleted', () => {
    const [a, b] = two('a', 'b', 'c')
    moves(a, 0, 2)
    erase(b, 0, 1)
    exchange(a, b)
    expect(a.sequence.toArray()).toEqual(['b', 'c', 'a'])
    a.sequence.set(0, 'B', a.next(1))
    erase(b, 0, 1)
    exchange(a, b)
    expect(a.sequence.toArray()).toEqual(['c', 'a'])
  })

  test('carries a new value to wherever the element goes', () => {
    const [a, b] = two('a', 'b', 'c')
    const name = a.sequence.nameAt(0)
    moves(a, 0, 2)
    b.sequence.set(0, 'A', b.next(1))
    exchange(a, b)
    expect(a.sequence.toArray()).toEqual(['b', 'c', 'A'])
    expect(a.sequence.indexOf(name)).toBe(2)
    expect(a.sequence.get(2)).toBe('A')
    erase(b, 2, 1)
    expect(b.sequence.indexOf(name)).toBe(-1)
  })

  test('refuses places that do not exist, and slots that are none', () => {
    const [a] = two('a')
    const invalid = expect.objectContaining({ code: 'InvalidArgument' }) as Error
    expect(() => a.sequence.moveLength(1)).toThrow(invalid)
    expect(() => a.sequence.insert(2, ['x'], 1)).toThrow(invalid)
    expect(() => a.sequence.move(0, 1, 1)).toThrow(invalid)
    // One insert at 0 of the value 7, which is no slot; no sets.
    const bytes = Uint8Array.from([1, 0, 0, 0, 0, 3, 7, 0])
    expect(() => a.sequence.readOperations(new ByteReader(bytes), 1)).toThrow(
      expect.objectContaining({ code: 'NotCanonical' }),
    )
  })

  test('converges, holds each element once and as the history says, and remembers every version', () => {
    fc.assert(
      fc.property(peerSteps(36), (steps) => {
        const { peers, settle } = threePeers(movable)
        const seen: { version: Dot[]; values: Value[] }[] = []
        const events: ElementEvent[] = []
        for (const { who, other, act, draws } of steps) {
          const peer = peers[who] as Peer<MovableSequence>
          const { sequence, graph } = peer
          const { length } = sequence
          const note = (name: Dot, kind: ElementEvent['kind'], value?: Value): void => {
            const dots = graph.frontier.map((lv) => graph.dotOf(lv))
            events.push({ name, kind, dot: dots[0] as Dot, value: value ?? null })
          }
          if (act < 0) {
            const before = sequence.toArray()
            const patches: SequencePatch<readonly Value[]>[] = []
            peer.pull(peers[other] as Peer<MovableSequence>, draws[0] % 5 === 0, patches)
            expect(apply(before, patches)).toEqual(sequence.toArray())
          } else if (act < 3 || length === 0) {
            const value = draws[1]
            const at = draws[0] % (length + 1)
            sequence.insert(at, [value], peer.next(1))
            note(sequence.nameAt(at), 'insert', value)
          } else {
            const at = draws[0] % length
            const name = sequence.nameAt(at)
            if (act < 7) {
              moves(peer, at, draws[1] % length)
              note(name, 'move')
              expect(sequence.indexOf(name)).toBe(draws[1] % length)
            } else if (act < 9) {
              sequence.set(at, draws[2], peer.next(1))
              note(name, 'set', draws[2])
            } else {
              erase(peer, at, 1)
              note(name, 'delete')
            }
          }
          seen.push({ version: peer.version(), values: sequence.toArray() })
        }
        settle()
        const [a, b, c] = peers
        expect(b.sequence.toArray()).toEqual(a.sequence.toArray())
        expect(c.sequence.toArray()).toEqual(a.sequence.toArray())
        expect(a.sequence.length).toBe(a.sequence.toArray().length)
        const names = Array.from({ length: a.sequence.length }, (_, at) => a.sequence.nameAt(at))
        const shown = names.map((name, at): [string, Value] => [key(name), a.sequence.get(at) as Value])
        expect(new Map(shown).size).toBe(shown.length)
        expect(new Map(shown)).toEqual(expectedElements(a.graph, events))
        for (const { version, values } of seen) expect(b.sequence.at(b.here(version))).toEqual(values)
      }),
      { numRuns: 200 },
    )
  })
})

interface ElementEvent {
  readonly name: Dot
  readonly kind: 'insert' | 'move' | 'set' | 'delete'
  readonly dot: Dot
  readonly value: Value
}

const key = ({ rid, seq }: Dot): string => `${rid}:${seq}`

/** An element is there if some insertion or move of it is in the past of no later move or deletion; it has the last value. */
function expectedElements(graph: CausalGraph, events: readonly ElementEvent[]): Map<string, Value> {
  const lv = ({ dot }: ElementEvent): number => graph.lvOf(dot.rid, dot.seq)
  const depth = (at: number): number => Math.max(-1, ...graph.parentsOf(at).map(depth)) + 1
  const includes = (a: number, b: number): boolean =>
    a === b || graph.parentsOf(a).some((one) => one >= b && includes(one, b))
  const elements = new Map<string, Value>()
  for (const name of new Set(events.map((event) => key(event.name)))) {
    const own = events.filter((event) => key(event.name) === name)
    const placing = own.filter(({ kind }) => kind === 'insert' || kind === 'move')
    const clearing = own.filter(({ kind }) => kind === 'move' || kind === 'delete')
    const there = placing.some((one) => !clearing.some((other) => other !== one && includes(lv(other), lv(one))))
    if (!there) continue
    const order = own
      .filter(({ kind }) => kind === 'insert' || kind === 'set')
      .map((event) => ({ event, rank: [depth(lv(event)), event.dot.rid] as const }))
      .sort((x, y) => x.rank[0] - y.rank[0] || x.rank[1] - y.rank[1])
    elements.set(name, order.at(-1)?.event.value as Value)
  }
  return elements
}
