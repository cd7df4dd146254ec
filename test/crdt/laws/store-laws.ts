/** Laws of the state-based face: join, deltas, encodings, and values by the history (L1 to L6, S1, S2). */
import fc from 'fast-check'
import { Store, cellTypes } from '../../../crdt/index.ts'
import type { Step } from '../../../crdt/index.ts'
import type { BoundedCounter } from '../../../crdt/types/bounded-counter.ts'
import { concurrentPairs, copyOf, counting, diceOf, epochOf, joined, movesOf, play, replicas } from './history.ts'
import type { History, Move, Watch } from './history.ts'
import type { Law } from './law.ts'
import { same, sameBytes } from './law.ts'
import { rights } from './specs.ts'
import { pathsOf, subjects } from './subjects.ts'
import type { Subject } from './subjects.ts'

type Check = (history: History, path: readonly Step[], seed: number, subject: Subject) => void

/** A law over whole histories, with the value at the root and two maps down. */
function overHistories(id: string, says: string, subject: Subject, check: Check, watch?: Watch): Law {
  return {
    id,
    says,
    type: subject.name,
    concurrentPerRun: 4,
    property: (count) =>
      fc.property(movesOf({ fences: true }), fc.nat(1), fc.nat(0x7fff_ffff), (moves: Move[], depth, seed) => {
        const path = pathsOf(subject)[depth] as readonly Step[]
        const history = play(subject, path, moves, watch)
        count(concurrentPairs(history.events))
        check(history, path, seed, subject)
      }),
  }
}

const commutes: Check = ({ peers: [a, b] }) => {
  if (a === undefined || b === undefined) return
  sameBytes(joined(a.store, b.store).encode(), joined(b.store, a.store).encode(), 'a ⊔ b')
}

const associates: Check = ({ peers: [a, b, c] }) => {
  if (a === undefined || b === undefined || c === undefined) return
  const left = joined(joined(a.store, b.store), c.store)
  sameBytes(left.encode(), joined(a.store, joined(b.store, c.store)).encode(), '(a ⊔ b) ⊔ c')
}

const isIdempotent: Check = ({ peers, deltas }) => {
  for (const { store } of peers) sameBytes(joined(store, store).encode(), store.encode(), 'a ⊔ a')
  const [{ store }] = peers as [History['peers'][number]]
  for (const delta of deltas) {
    const once = joined(store, delta)
    sameBytes(joined(once, delta).encode(), once.encode(), 'a ⊔ d ⊔ d')
  }
}

const mutatesByDelta: Watch = (before, delta, after) => {
  sameBytes(joined(before, delta).encode(), after.encode(), 'a mutator is the join of its delta')
  sameBytes(joined(after, before).encode(), after.encode(), 'a mutation goes up')
}

const takesDeltasInAnyOrder: Check = ({ peers, deltas }, _path, seed) => {
  const full = peers.reduce((all, { store }) => joined(all, store), new Store(cellTypes))
  const store = new Store(cellTypes)
  for (const delta of shuffled([...deltas, ...deltas.slice(0, 3)], seed)) store.join(delta)
  sameBytes(store.encode(), full.encode(), 'all deltas, shuffled, some twice')
}

const groupsDeltas: Check = ({ peers, deltas }, _path, seed) => {
  const dice = diceOf(seed)
  const start = peers[dice(replicas)]?.store as Store
  const one = copyOf(start)
  for (const delta of deltas) one.join(delta)
  const grouped = copyOf(start)
  for (let at = 0; at < deltas.length;) {
    const size = 1 + dice(4)
    const group = deltas.slice(at, at + size).reduce((all, delta) => joined(all, delta), new Store(cellTypes))
    grouped.join(group)
    at += size
  }
  sameBytes(grouped.encode(), one.encode(), 'deltas joined beforehand')
}

const comesBackFromBytes: Check = ({ peers, deltas }, path) => {
  for (const store of [...peers.map((peer) => peer.store), ...deltas]) {
    const copy = copyOf(store)
    sameBytes(copy.encode(), store.encode(), 'decode(encode(a))')
    same(copy.cell(path).value(), store.cell(path).value(), 'the value of a copy')
  }
}

/** Every replica, not only the last join: what it shows is what its own part of the history says. */
const hasTheValueOfItsHistory: Check = (history, path, _seed, subject) => {
  for (const peer of history.peers) {
    const events = counting(history, peer, path[0] as Step)
    const cell = peer.store.cell(path)
    same(cell.value(), subject.spec(events), `the value after ${events.length} operations`)
    if (subject.name !== 'bounded counter') continue
    for (let replica = 0; replica < replicas; replica++) {
      same((cell as BoundedCounter).rightsOf(replica), rights(events, replica), `rights of replica ${replica}`)
    }
  }
}

/** After all was taken away by somebody who has seen everything, what is left is no more than its context says. */
const endsEmpty: Check = ({ peers }, path, _seed, subject) => {
  const emptying = subject.emptying
  if (emptying === undefined) return
  const store = peers.reduce((all, peer) => joined(all, peer.store), new Store(cellTypes))
  let seq = 1000
  for (const action of emptying(store.cell(path))) {
    store.mutate(path, action, { rid: 0, seq: seq++, high: 9, low: 0 })
  }
  for (const peer of peers) {
    const late = joined(peer.store, store)
    late.forget(late.context)
    if (!late.cell(path).isEmpty()) throw new Error(`something is left: ${JSON.stringify(late.cell(path).value())}`)
    const bare = new Store(cellTypes)
    bare.context.join(late.context)
    if (epochOf(late, path[0] as Step) === 0) sameBytes(late.encode(), bare.encode(), 'an emptied store')
  }
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const dice = diceOf(seed)
  const order = [...items]
  for (let at = order.length - 1; at > 0; at--) {
    const other = dice(at + 1)
    ;[order[at], order[other]] = [order[other] as T, order[at] as T]
  }
  return order
}

/** Joined with nothing, or with what it has already, a fence must still win over what came before it. */
const fencesWin: Check = ({ peers }, path) => {
  const all = peers.reduce((store, peer) => joined(store, peer.store), new Store(cellTypes))
  const root = path[0] as Step
  const fenced = copyOf(all)
  const empty = fenced.cell(path).type.create().value()
  const delta = fenced.fence(root, epochOf(all, root) + 1, { rid: 7, seq: 0 })
  same(fenced.cell(path).value(), empty, 'the value after a fence')
  for (const { store } of peers) {
    const late = joined(store, delta)
    same(late.cell(path).value(), empty, 'the value where a fence arrives')
    late.join(all)
    same(late.cell(path).value(), empty, 'the value when what was fenced off arrives after the fence')
  }
}

function lawsOf(subject: Subject): Law[] {
  return [
    overHistories('L1', 'join is commutative', subject, commutes),
    overHistories('L2', 'join is associative', subject, associates),
    overHistories('L3', 'join is idempotent', subject, isIdempotent),
    overHistories('L4', 'a mutator is the join of its delta, and goes up', subject, () => undefined, mutatesByDelta),
    overHistories('L5', 'deltas in any order, some twice, give the full join', subject, takesDeltasInAnyOrder),
    overHistories('L6', 'deltas may be joined with each other beforehand', subject, groupsDeltas),
    overHistories('L6e', 'encoding and decoding change nothing', subject, comesBackFromBytes),
    overHistories('L7', 'a fence wins, wherever and whenever it arrives', subject, fencesWin),
    overHistories('S1', 'the value is what the history says', subject, hasTheValueOfItsHistory),
    ...(subject.emptying === undefined ? [] : [overHistories('S2', 'what is emptied is empty', subject, endsEmpty)]),
  ]
}

/** For every type of the kernel. */
export const storeLaws: readonly Law[] = subjects.flatMap(lawsOf)
