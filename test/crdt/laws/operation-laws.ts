/**
 * Laws of the operation-based face: cells that get every operation in causal order agree with the joined states (A1), and
 * forgetting what everybody has changes no value, then or ever after (G1).
 */
import fc from 'fast-check'
import { ByteReader, ByteWriter } from '../../../base/index.ts'
import type { Cell, CellType, Op, Past, Step } from '../../../crdt/index.ts'
import { Context, Store, cellTypes } from '../../../crdt/index.ts'
import { concurrentPairs, diceOf, joined, movesOf, play, replicas } from './history.ts'
import type { Made, Move } from './history.ts'
import type { Law } from './law.ts'
import { same } from './law.ts'
import { subjects } from './subjects.ts'
import type { Subject } from './subjects.ts'

/** A replica that is told operations. */
interface Listener {
  cell: Cell
  readonly seen: Set<number>
  /** What each replica is known to have: it will make no operation without this in its past. */
  readonly known: Set<number>[]
}

function opOf({ rid, seq, kind, high, low, key, value }: Made, type: CellType): Op {
  const shape = type.ops[kind]
  const timed = shape?.time === true
  return { rid, seq, kind, high: timed ? high : 0, low: timed ? low : 0, key, value }
}

function contextOf(indexes: Iterable<number>, events: readonly Made[]): Context {
  const context = new Context()
  for (const index of indexes) {
    const event = events[index] as Made
    context.add(event.rid, event.seq)
  }
  return context
}

function agrees(subject: Subject): Law {
  return {
    id: 'A1',
    says: 'operations applied one by one give what the joined states give',
    type: subject.name,
    concurrentPerRun: 4,
    property: (count) =>
      fc.property(movesOf({ fences: false }), (moves: Move[]) => {
        const path: Step[] = [{ tag: subject.tag, name: 'it' }]
        const { events, peers } = play(subject, path, moves)
        count(concurrentPairs(events))
        const type = cellTypes.get(subject.tag) as CellType
        const cell = type.create()
        for (const event of events) cell.apply(opOf(event, type), contextOf(event.past, events))
        const full = peers.reduce((all, { store }) => joined(all, store), new Store(cellTypes))
        same(cell.value(), full.cell(path).value(), 'the value')
      }),
  }
}

/** Plays a history again by operations; with `forgets`, each replica forgets what is stable for it after every step. */
function listen(
  subject: Subject,
  moves: readonly Move[],
  forgets: boolean,
): { readonly values: unknown[]; readonly events: Made[] } {
  const path: Step[] = [{ tag: subject.tag, name: 'it' }]
  const type = cellTypes.get(subject.tag) as CellType
  const listeners = Array.from({ length: replicas }, (): Listener => ({
    cell: type.create(),
    seen: new Set(),
    known: Array.from({ length: replicas }, () => new Set()),
  }))
  // The history itself is made by states, so that both plays act on the same.
  const { events } = play(subject, path, moves)
  const ofStep = new Map(events.map((event) => [`${event.rid}:${event.seq}`, event]))
  const next = listeners.map(() => 0)
  const values: unknown[] = []
  const take = (listener: Listener, indexes: Iterable<number>): void => {
    for (const index of [...indexes].sort((a, b) => a - b)) {
      if (listener.seen.has(index)) continue
      const event = events[index] as Made
      listener.cell.apply(opOf(event, type), contextOf(event.past, events))
      listener.seen.add(index)
      for (const past of [...event.past, index]) listener.known[event.rid]?.add(past)
    }
  }
  for (const { replica, what, seed } of moves) {
    const listener = listeners[replica] as Listener
    if (what === 'act') {
      const event = ofStep.get(`${replica}:${next[replica]}`)
      // The same history: whoever could not act there does not act here.
      if (event === undefined || !sameSeen(event.past, listener.seen)) continue
      next[replica] = event.seq + 1
      take(listener, [event.index])
    } else {
      const from = pulledFrom(replica, seed)
      const other = listeners[from] as Listener
      take(listener, other.seen)
      for (const [at, known] of other.known.entries()) for (const index of known) listener.known[at]?.add(index)
      for (const index of other.seen) listener.known[from]?.add(index)
    }
    for (const index of listener.seen) listener.known[replica]?.add(index)
    if (forgets) {
      listener.cell.forget(stableOf(listener, events))
      listener.cell = copyOfCell(listener.cell, type)
    }
    values.push(listener.cell.value())
  }
  return { values, events: [...events] }
}

/** What is left after forgetting is all there is: nothing that the bytes do not hold may count. */
function copyOfCell(cell: Cell, type: CellType): Cell {
  const writer = new ByteWriter()
  cell.write(writer)
  const copy = type.create()
  copy.read(new ByteReader(writer.take()))
  return copy
}

function sameSeen(past: ReadonlySet<number>, seen: ReadonlySet<number>): boolean {
  return past.size === seen.size && [...past].every((index) => seen.has(index))
}

function pulledFrom(replica: number, seed: number): number {
  // The first number that `play` draws for a pull.
  return (replica + 1 + diceOf(seed)(replicas - 1)) % replicas
}

function stableOf({ known }: Listener, events: readonly Made[]): Past {
  const [first, ...others] = known as [Set<number>, ...Set<number>[]]
  return contextOf(
    [...first].filter((index) => others.every((one) => one.has(index))),
    events,
  )
}

function forgets(subject: Subject): Law {
  return {
    id: 'G1',
    says: 'forgetting what everybody has changes no value, then or later',
    type: subject.name,
    concurrentPerRun: 4,
    property: (count) =>
      fc.property(movesOf({ fences: false, lengthMax: 40 }), (moves: Move[]) => {
        const kept = listen(subject, moves, false)
        count(concurrentPairs(kept.events))
        same(listen(subject, moves, true).values, kept.values, 'the values of all steps')
      }),
  }
}

/** For every type of the kernel. */
export const operationLaws: readonly Law[] = subjects.flatMap((subject) => [agrees(subject), forgets(subject)])
