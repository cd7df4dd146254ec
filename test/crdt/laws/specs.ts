/**
 * What each type's value must be, from the operations and who had seen whom alone (Gotsman et al. 2014 write types like this;
 * Antidote tests its types so). Written down from the tables of concurrent semantics, never from the code.
 */
import { compareBytes, encodeValue } from '../../../base/index.ts'
import type { Value } from '../../../base/index.ts'

/** One operation in a history. */
export interface Event {
  readonly index: number
  readonly rid: number
  readonly seq: number
  readonly high: number
  readonly low: number
  readonly kind: number
  readonly key: string
  readonly value: Value
  /** Indexes of all events it had seen. */
  readonly past: ReadonlySet<number>
}

/** The value of a set of events, which contains the past of each of its members. */
export type Spec = (events: readonly Event[]) => Value

const saw = (later: Event, earlier: Event): boolean => later.past.has(earlier.index)
const byDot = (a: Event, b: Event): number => a.rid - b.rid || a.seq - b.seq
const byTime = (a: Event, b: Event): number => a.high - b.high || a.low - b.low || byDot(a, b)

/** Events that none of `others` has seen. */
function unseenBy(events: readonly Event[], others: readonly Event[]): Event[] {
  return events.filter((event) => !others.some((other) => saw(other, event)))
}

function ofKind(events: readonly Event[], ...kinds: number[]): Event[] {
  return events.filter(({ kind }) => kinds.includes(kind))
}

/** The last by (time, dot) of the writes that no later write or reset has seen. */
export const register: Spec = (events) => unseenBy(ofKind(events, 0), events).sort(byTime).at(-1)?.value ?? null

/** All writes that no later write or reset has seen. */
export const multiValue: Spec = (events) =>
  unseenBy(ofKind(events, 0), events)
    .sort(byDot)
    .map(({ value }) => value)

/** The sum of the additions that no reset has seen. */
export const counter: Spec = (events) =>
  amount(unseenBy(ofKind(events, 0), ofKind(events, 1)).reduce((sum, { value }) => sum + BigInt(value as number), 0n))

/** Grants less spendings; transfers move rights only. */
export const boundedCounter: Spec = (events) =>
  amount(
    events.reduce((sum, { kind, value }) => {
      if (kind === 0) return sum + BigInt(value as number)
      return kind === 1 ? sum - BigInt(value as number) : sum
    }, 0n),
  )

/** Rights by replica: grants and transfers received less spendings and transfers made. */
export function rights(events: readonly Event[], replica: number): bigint {
  let sum = 0n
  for (const { rid, kind, value } of events) {
    if (kind === 2) {
      const [moved, to] = value as readonly [number, number]
      if (to === replica) sum += BigInt(moved)
      if (rid === replica) sum -= BigInt(moved)
    } else if (rid === replica) sum += kind === 0 ? BigInt(value as number) : -BigInt(value as number)
  }
  return sum
}

/** True when some enable has been seen by no other operation. */
export const enableWins: Spec = (events) => unseenBy(ofKind(events, 0), events).length > 0

/** True when there is an enable, but no disable, among the operations that no other has seen. */
export const disableWins: Spec = (events) => {
  const last = unseenBy(events, events)
  // A reset takes away what it saw and says nothing itself.
  const said = unseenBy(ofKind(events, 0, 1), events)
  return last.length > 0 && said.length > 0 && said.every(({ kind }) => kind === 0)
}

/** The elements with an addition that no later operation on them, and no reset, has seen. */
export const addWins: Spec = (events) =>
  elementsOf(events).filter((element) => {
    const about = onElement(events, element)
    return unseenBy(ofKind(about, 0), about).length > 0
  })

/** The elements whose operations that none has seen are additions, all of them. */
export const removeWins: Spec = (events) =>
  elementsOf(events).filter((element) => {
    const about = onElement(events, element)
    const said = unseenBy(ofKind(about, 0, 1), about)
    return said.length > 0 && said.every(({ kind }) => kind === 0)
  })

function elementsOf(events: readonly Event[]): Value[] {
  const found = new Map(ofKind(events, 0, 1).map(({ value }) => [encodeValue(value).join(), value]))
  return [...found.values()].sort((a, b) => compareBytes(encodeValue(a), encodeValue(b)))
}

function onElement(events: readonly Event[], element: Value): Event[] {
  const wanted = encodeValue(element)
  return events.filter(({ kind, value }) => kind === 2 || compareBytes(encodeValue(value), wanted) === 0)
}

/** Each key is a register; a reset has seen all keys. */
export const map: Spec = (events) => {
  const keys = [...new Set(ofKind(events, 0).map(({ key }) => key))].sort()
  return Object.fromEntries(
    keys.flatMap((key) => {
      const about = events.filter((event) => event.kind === 2 || event.key === key)
      const winner = unseenBy(ofKind(about, 0), about).sort(byTime).at(-1)
      return winner === undefined ? [] : [[key, winner.value]]
    }),
  )
}

/** All moves one after the other in the order of (time, dot), each left out that would put a node below itself. */
export const tree: Spec = (events) => {
  const places = new Map<string, readonly [parent: string, position: string]>()
  for (const event of ofKind(events, 0, 1, 2).sort(byTime)) {
    const node = event.kind === 0 ? `${event.rid}:${event.seq}` : event.key
    const place = event.kind === 2 ? (['trash', ''] as const) : (event.value as readonly [string, string])
    if (!wayUp(places, place[0]).includes(node)) places.set(node, place)
  }
  const values = (node: string): Value =>
    register(events.filter(({ kind, key }) => kind === 3 && key === node).map((event) => ({ ...event, kind: 0 })))
  const below = (parent: string): Value[] =>
    [...places]
      .filter(([, place]) => place[0] === parent)
      .sort(([a, x], [b, y]) => (x[1] === y[1] ? (a < b ? -1 : 1) : x[1] < y[1] ? -1 : 1))
      .map(([node]) => [node, values(node), below(node)])
  return below('')
}

function wayUp(places: ReadonlyMap<string, readonly [string, string]>, from: string): string[] {
  const way = [from]
  for (let place = places.get(from); place !== undefined; place = places.get(place[0])) way.push(place[0])
  return way
}

/** A safe integer where that is enough. */
function amount(sum: bigint): Value {
  return Number.isSafeInteger(Number(sum)) ? Number(sum) : sum
}
