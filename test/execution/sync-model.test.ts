/** The sync program against an obvious model: one list of acquisitions, looked through from the start each time. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeSyncEntry, decodeSyncKey, syncKinds } from '../../execution/index.ts'
import type { SyncResource } from '../../execution/index.ts'
import { fromLatin1 } from '../../base/index.ts'
import { Box, codeOf } from './harness.ts'
import type { Mode } from './sync-box.ts'
import {
  acquire,
  answerOf,
  cancel,
  cancelOf,
  grantLease,
  guard,
  heldBy,
  holds,
  inspect,
  keepAlive,
  numberOf,
  release,
  resource,
  revoke,
  standing,
} from './sync-box.ts'

const ttlMs = 4000

/** What is fought for: a lock, a read-write lock and a semaphore of two. */
const places: readonly { readonly at: SyncResource; readonly capacity: number; readonly modes: readonly Mode[] }[] = [
  { at: resource('lock'), capacity: 1, modes: ['exclusive'] },
  { at: resource('book', syncKinds.rwlock), capacity: 0, modes: ['shared', 'exclusive'] },
  { at: resource('pool', syncKinds.semaphore), capacity: 2, modes: ['shared'] },
]

interface Acquisition {
  readonly n: number
  readonly place: number
  readonly lease: number
  readonly mode: Mode
  readonly maxHoldMs: number
  /** Counts grants; 0 while it waits. */
  granted: number
  deadline: number
}

/** Everything that is over is taken out at once, and then whoever is first in a queue and fits gets it. */
class Model {
  logTime = 0
  /** In the order of arrival. */
  list: Acquisition[] = []
  readonly leases = new Map<number, { readonly ttlMs: number; deadline: number }>()
  /** Acquire ids that were cancelled before they came, by lease. */
  readonly marks = new Map<number, Set<number>>()
  private grants = 0

  advance(logTime: number): void {
    this.logTime = Math.max(this.logTime, logTime)
    for (const [id, { deadline }] of this.leases) if (deadline <= this.logTime) this.endLease(id)
    this.list = this.list.filter(({ deadline }) => deadline === 0 || deadline > this.logTime)
    this.settle()
  }

  endLease(id: number): void {
    this.leases.delete(id)
    this.marks.delete(id)
    this.list = this.list.filter(({ lease }) => lease !== id)
    this.settle()
  }

  holders(place: number): Acquisition[] {
    return this.list.filter((one) => one.place === place && one.granted > 0).sort((a, b) => a.granted - b.granted)
  }

  waiters(place: number): Acquisition[] {
    return this.list.filter((one) => one.place === place && one.granted === 0)
  }

  /** Whether a newcomer of this mode would get it. */
  fits(place: number, mode: Mode): boolean {
    const holders = this.holders(place)
    if (holders.length === 0) return true
    if (mode === 'exclusive' || holders.some((holder) => holder.mode === 'exclusive')) return false
    const { capacity } = places[place] as (typeof places)[0]
    return capacity === 0 || holders.length < capacity
  }

  settle(): void {
    for (let place = 0; place < places.length; place++) {
      for (let [first] = this.waiters(place); first !== undefined && this.fits(place, first.mode);) {
        first.granted = ++this.grants
        first.deadline = first.maxHoldMs === 0 ? 0 : this.logTime + first.maxHoldMs
        ;[first] = this.waiters(place)
      }
    }
  }
}

type Step =
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'open' | 'keepAlive' | 'revoke'; readonly lease: number }
  | {
      readonly kind: 'acquire'
      readonly n: number
      readonly place: number
      readonly mode: number
      readonly lease: number
      readonly wait: boolean
      readonly maxHoldMs: number
    }
  | { readonly kind: 'release' | 'cancel'; readonly pick: number; readonly lease: number }
  | { readonly kind: 'flush' | 'restart' }

const lease = fc.integer({ min: 1, max: 4 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('acquire' as const),
      n: fc.integer({ min: 1, max: 30 }),
      place: fc.nat(places.length - 1),
      mode: fc.nat(),
      lease,
      wait: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
      maxHoldMs: fc.constantFrom(0, 0, 700, 2500),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom('release' as const, 'cancel' as const), pick: fc.nat(), lease }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('open' as const, 'open' as const, 'keepAlive' as const), lease }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('revoke' as const), lease }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 0, max: 1200 }) }) },
  { weight: 1, arbitrary: fc.constantFrom({ kind: 'flush' as const }, { kind: 'restart' as const }) },
)

/** The machine beside its model, and every token that was ever seen. */
class Trial {
  readonly model = new Model()
  readonly box: Box
  /** By token: which acquisition got it. */
  readonly tokens = new Map<number, { readonly place: number; readonly n: number; readonly granted: number }>()

  constructor(box: Box) {
    this.box = box
    box.apply([1, 2, 3, 4].map((id) => grantLease(id, ttlMs)))
    for (const id of [1, 2, 3, 4]) this.model.leases.set(id, { ttlMs, deadline: ttlMs })
  }
}

/** One step on both, in an entry of its own. */
function play(trial: Trial, step: Step): void {
  const { box, model } = trial
  if (step.kind === 'flush' || step.kind === 'restart') {
    box.flush()
    if (step.kind === 'restart') box.restart()
    return
  }
  const run = (command: Uint8Array) => box.apply([command], model.logTime)[0] as Uint8Array
  if (step.kind === 'time') {
    model.advance(model.logTime + step.ms)
    box.apply([], model.logTime)
  } else if (step.kind === 'open') {
    const known = model.leases.has(step.lease)
    expect(codeOf(run(grantLease(step.lease, ttlMs)))).toBe(known ? 'LeaseExists' : 'ok')
    if (!known) model.leases.set(step.lease, { ttlMs, deadline: model.logTime + ttlMs })
  } else if (step.kind === 'keepAlive') {
    run(keepAlive(step.lease))
    const known = model.leases.get(step.lease)
    if (known !== undefined) known.deadline = model.logTime + known.ttlMs
  } else if (step.kind === 'revoke') {
    expect(codeOf(run(revoke(step.lease)))).toBe(model.leases.has(step.lease) ? 'ok' : 'LeaseNotFound')
    model.endLease(step.lease)
  } else if (step.kind === 'acquire') playAcquire(trial, step, run)
  else if (step.kind === 'release') playRelease(trial, step.pick, run)
  else if (step.kind === 'cancel') playCancel(trial, step.pick, step.lease, run)
}

function playAcquire(trial: Trial, step: Step & { kind: 'acquire' }, run: (command: Uint8Array) => Uint8Array): void {
  const { model } = trial
  const { at, capacity, modes } = places[step.place] as (typeof places)[0]
  const mode = modes[step.mode % modes.length] as Mode
  const { n, place, lease: id, wait, maxHoldMs } = step
  const result = run(acquire(at, n, id, { mode, capacity, wait, maxHoldMs }))
  const known = model.list.find((one) => one.n === n)
  const expected = (): string => {
    if (!model.leases.has(id)) return 'LeaseNotFound'
    if (known !== undefined) {
      if (known.lease !== id || known.place !== place) return 'InvalidArgument'
      return known.granted > 0 ? 'granted' : 'queued'
    }
    if (model.marks.get(id)?.has(n) === true) return 'Cancelled'
    const isFree = model.waiters(place).length === 0 && model.fits(place, mode)
    if (!isFree && !wait) return 'held'
    model.list.push({ n, place, lease: id, mode, maxHoldMs, granted: 0, deadline: 0 })
    model.settle()
    return isFree ? 'granted' : 'queued'
  }
  const code = codeOf(result)
  expect(code === 'ok' ? answerOf(result).outcome : code).toBe(expected())
}

function playRelease(trial: Trial, pick: number, run: (command: Uint8Array) => Uint8Array): void {
  const all = [...trial.tokens]
  const [token, { place, n, granted }] = all[pick % Math.max(1, all.length)] ?? [1, { place: 0, n: 0, granted: 0 }]
  const isHeld = trial.model.list.some((one) => one.n === n && one.granted === granted && granted > 0)
  expect(codeOf(run(release((places[place] as (typeof places)[0]).at, token)))).toBe(isHeld ? 'ok' : 'NotHeld')
  if (!isHeld) return
  trial.model.list = trial.model.list.filter((one) => one.n !== n)
  trial.model.settle()
}

function playCancel(trial: Trial, pick: number, id: number, run: (command: Uint8Array) => Uint8Array): void {
  const { model } = trial
  const n = 1 + (pick % 30)
  const known = model.list.find((one) => one.n === n)
  const place = known?.place ?? 0
  const outcome = cancelOf(run(cancel((places[place] as (typeof places)[0]).at, n, known?.lease ?? id)))
  if (known !== undefined) {
    expect(outcome).toBe(known.granted > 0 ? 'released' : 'removed')
    model.list = model.list.filter((one) => one !== known)
    model.settle()
    return
  }
  expect(outcome).toBe('remembered')
  if (!model.leases.has(id)) return
  const marks = model.marks.get(id) ?? new Set()
  model.marks.set(id, marks.add(n))
}

/** The machine shows what the model says. */
function show(trial: Trial): void {
  const { box, model, tokens } = trial
  for (const [place, { at }] of places.entries()) {
    const numbers = (list: Acquisition[]) => list.map(({ n }) => n)
    expect(standing(box, at)).toEqual({
      holders: numbers(model.holders(place)),
      waiters: numbers(model.waiters(place)),
    })
    for (const { token, acquireId } of inspect(box, at).holders) {
      const n = numberOf(acquireId)
      const { granted } = model.list.find((one) => one.n === n) as Acquisition
      const before = tokens.get(token)
      if (before !== undefined) expect([before.n, before.granted]).toEqual([n, granted])
      // Of one place, who was granted later has the higher token.
      const rising = [...tokens].every(([other, had]) => had.place !== place || other < token === had.granted < granted)
      expect(rising || before !== undefined).toBe(true)
      tokens.set(token, { place, n, granted })
    }
  }
  const deadlines = [...model.leases.values(), ...model.list].map(({ deadline }) => deadline).filter((ms) => ms > 0)
  expect(box.machine.nextDeadline).toBe(deadlines.length === 0 ? undefined : Math.min(...deadlines))
}

/** Every guard tells the truth. */
function ask(trial: Trial): void {
  const { box, model } = trial
  const known = [...trial.tokens]
  const guards = known.map(([token, { place }]) => guard((places[place] as (typeof places)[0]).at, token))
  const truth = known.map(([, { n, granted }]) => model.list.some((one) => one.n === n && one.granted === granted))
  expect(box.apply(guards, model.logTime).map(holds)).toEqual(truth)
}

/** Every grant in the history: the first event of its token. No revision has two events. */
function grantsOf(box: Box): number[] {
  const tokens: number[] = []
  const seen = new Set<number>()
  box.machine.visitEvents(1, (event) => {
    const at = decodeSyncKey(fromLatin1(event.key))
    if (at === undefined || event.kind !== 'put') return true
    const { token } = decodeSyncEntry(event.value())
    if (token === 0 || seen.has(token)) return true
    seen.add(token)
    expect([event.revision, event.position, event.lastOfRevision]).toEqual([token, 0, true])
    tokens.push(token)
    return true
  })
  return tokens
}

describe('the sync program against a model', () => {
  it('grants alike, in the same order, under unique rising tokens, and guards tell the truth, also over restarts', () => {
    let granted = 0
    let seen = 0
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), (steps) => {
        const trial = new Trial(new Box())
        const steady = new Trial(new Box())
        for (const one of steps) {
          play(trial, one)
          show(trial)
          if (one.kind === 'flush' || one.kind === 'restart') continue
          play(steady, one)
          show(steady)
          ask(trial)
          ask(steady)
          expect(trial.box.hash()).toBe(steady.box.hash())
        }
        const tokens = grantsOf(trial.box)
        expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b))
        for (const token of trial.tokens.keys()) expect(tokens).toContain(token)
        granted += tokens.length
        seen += trial.tokens.size
      }),
      { numRuns: 40 },
    )
    expect(granted).toBeGreaterThan(150)
    expect(seen).toBeGreaterThan(120)
  })

  it('loses no waiter and grants nothing twice when more is due than an entry may sweep', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), (steps) => {
        const box = new Box({ limits: { leaseExpiriesPerEntry: 1 } })
        let now = 0
        box.apply([grantLease(1, 2000), grantLease(2, 2000)], now)
        for (const one of steps) {
          if (one.kind === 'restart') {
            box.flush()
            box.restart()
          }
          if (one.kind === 'time') now += one.ms
          box.apply([...commandsOf(one, box)], now)
          for (const { at, capacity } of places) {
            const { holders, waiters } = inspect(box, at)
            const alone = holders.filter(({ mode }) => mode === 'exclusive').length
            expect(alone === 0 || holders.length === 1).toBe(true)
            expect(capacity === 0 || holders.length <= capacity).toBe(true)
            const guards = box.apply(
              holders.map(({ token }) => guard(at, token)),
              now,
            )
            expect(guards.every(holds)).toBe(true)
            const order = waiters.map(({ sequence }) => sequence)
            expect(order).toEqual([...order].sort((a, b) => a - b))
          }
        }
        for (let i = 0; i < 200 && (box.machine.nextDeadline ?? now + 1) <= now; i++) box.apply([], now)
        for (const { at, capacity } of places) {
          const { holders, waiters } = inspect(box, at)
          if (waiters.length === 0) continue
          const isFree =
            holders.length === 0 ||
            (waiters[0]?.mode === 'shared' &&
              holders[0]?.mode === 'shared' &&
              (capacity === 0 || holders.length < capacity))
          expect(isFree).toBe(false)
        }
        grantsOf(box)
      }),
      { numRuns: 40 },
    )
  })
})

/** The command of a step, whatever becomes of it. */
function commandsOf(step: Step, box: Box): Uint8Array[] {
  switch (step.kind) {
    case 'open':
      return [grantLease(step.lease, ttlMs)]
    case 'keepAlive':
      return [keepAlive(step.lease)]
    case 'revoke':
      return [revoke(step.lease)]
    case 'acquire': {
      const { at, capacity, modes } = places[step.place] as (typeof places)[0]
      const { n, wait, maxHoldMs } = step
      return [acquire(at, n, step.lease, { mode: modes[step.mode % modes.length] as Mode, capacity, wait, maxHoldMs })]
    }
    case 'release':
    case 'cancel': {
      const { at } = places[step.pick % places.length] as (typeof places)[0]
      const n = 1 + (step.pick % 30)
      return [step.kind === 'cancel' ? cancel(at, n, step.lease) : release(at, heldBy(box, at, n))]
    }
    default:
      return []
  }
}
