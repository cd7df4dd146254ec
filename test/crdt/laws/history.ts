/**
 * Random histories of a few replicas: each acts on its own, and now and then takes in another's state. What came of one is kept:
 * the states, the deltas, and who had seen whom.
 */
import fc from 'fast-check'
import { Store, cellTypes } from '../../../crdt/index.ts'
import type { Step } from '../../../crdt/index.ts'
import type { Event } from './specs.ts'
import type { Dice, Subject } from './subjects.ts'

/** One step of a history. */
export interface Move {
  readonly replica: number
  readonly what: 'act' | 'pull' | 'fence'
  readonly seed: number
}

/** Replicas in a history. */
export const replicas = 3

/** Histories; half of the steps act, and there are a few fences where they are wanted. */
export function movesOf({
  fences,
  lengthMax = 24,
}: {
  readonly fences: boolean
  readonly lengthMax?: number
}): fc.Arbitrary<Move[]> {
  const what = fc.constantFrom<Move['what'][]>('act', 'act', 'act', 'pull', 'pull', fences ? 'fence' : 'act')
  const move = fc.record({ replica: fc.nat(replicas - 1), what, seed: fc.nat(0x7fff_ffff) })
  return fc.array(move, { minLength: 9, maxLength: lengthMax, size: 'max' })
}

/** An operation, with the epoch it was made under. */
export interface Made extends Event {
  readonly epoch: number
}

/** One replica after the last step. */
export interface Peer {
  readonly store: Store
  /** Indexes of the events it has. */
  readonly seen: Set<number>
}

/** What came of a history. */
export interface History {
  readonly peers: readonly Peer[]
  readonly events: readonly Made[]
  /** The delta of each event and fence, in order. */
  readonly deltas: readonly Store[]
}

/** Called after each mutation, for laws about single steps. */
export type Watch = (before: Store, delta: Store, after: Store) => void

/** A copy that shares nothing. */
export function copyOf(store: Store): Store {
  return Store.decode(store.encode(), cellTypes)
}

/** The join of two stores; both are left unchanged. */
export function joined(a: Store, b: Store): Store {
  const store = copyOf(a)
  store.join(b)
  return store
}

/** Plays the steps. */
export function play(subject: Subject, path: readonly Step[], moves: readonly Move[], watch?: Watch): History {
  const peers = Array.from({ length: replicas }, (): Peer => ({ store: new Store(cellTypes), seen: new Set() }))
  const next = peers.map(() => 0)
  const events: Made[] = []
  const deltas: Store[] = []
  for (const { replica, what, seed } of moves) {
    const dice = diceOf(seed)
    const { store, seen } = peers[replica] as Peer
    const root = path[0] as Step
    if (what === 'pull') {
      const other = peers[(replica + 1 + dice(replicas - 1)) % replicas] as Peer
      store.join(other.store)
      for (const index of other.seen) seen.add(index)
      continue
    }
    const before = watch === undefined ? store : copyOf(store)
    const dot = { rid: replica, seq: next[replica] as number }
    if (what === 'fence') {
      // Two replicas that fence at once may choose the same epoch.
      const epoch = epochOf(store, root) + 1 + dice(2)
      deltas.push(store.fence(root, epoch, dot))
    } else {
      const cell = store.cell(path)
      const action = subject.act(cell, replica, dice)
      if (action === undefined) continue
      const time = timeOf(subject, events, seen, dice)
      deltas.push(store.mutate(path, action, { ...dot, ...time }))
      const index = events.length
      events.push({
        index,
        ...dot,
        ...time,
        kind: action.kind,
        key: action.key ?? '',
        value: action.value ?? null,
        past: new Set(seen),
        epoch: epochOf(store, root),
      })
      seen.add(index)
    }
    next[replica] = dot.seq + 1
    watch?.(before, deltas.at(-1) as Store, store)
  }
  return { peers, events, deltas }
}

/** Times of registers jump about: causality must beat them. Moves of a tree have the times a hybrid clock would give. */
function timeOf(
  { name }: Subject,
  events: readonly Made[],
  seen: ReadonlySet<number>,
  dice: Dice,
): { readonly high: number; readonly low: number } {
  const random = { high: dice(4), low: dice(2) }
  if (name !== 'tree') return random
  let last = { high: 0, low: 0 }
  for (const index of seen) {
    const event = events[index] as Made
    if (event.high > last.high || (event.high === last.high && event.low > last.low)) last = event
  }
  return random.high > last.high ? random : { high: last.high, low: last.low + 1 }
}

/** The epoch of a root. */
export function epochOf(store: Store, root: Step): number {
  return store.forest.at([root]).epoch
}

/** The events of the highest epoch among those seen: what the value is made of. */
export function counting(history: History, { store, seen }: Peer, root: Step): Made[] {
  const epoch = epochOf(store, root)
  return history.events.filter((event) => seen.has(event.index) && event.epoch === epoch)
}

/** Pairs of events of which neither had seen the other. */
export function concurrentPairs(events: readonly Event[]): number {
  let pairs = 0
  for (const a of events) for (const b of events) if (a.index < b.index && !b.past.has(a.index)) pairs++
  return pairs
}

/** Random numbers from a seed (mulberry32, by Tommy Ettinger, public domain). */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}
