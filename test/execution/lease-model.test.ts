/** The life of leases against an obvious model: random grants, renewals, keys, and log time that moves by jumps. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { latin1, utf8 } from '../../base/index.ts'
import {
  decodeKeepAliveResult,
  decodeLeaseGrantResult,
  decodeLeaseListResult,
  encodeKeepAliveArgs,
  encodeLeaseGrantArgs,
  encodeLeaseRevokeArgs,
  encodeWriteArgs,
} from '../../execution/index.ts'
import { DeadlineHeap } from '../../execution/deadline-heap.ts'
import { Lease } from '../../execution/lease.ts'
import { Box, call, codeOf, payloadOf, put } from './harness.ts'

const sweepMax = 2

interface ModelLease {
  readonly id: number
  readonly ttlMs: number
  deadline: number
}

/** Leases as the documentation tells of them: a list, looked through from the start each time. */
class Model {
  leases: ModelLease[] = []
  readonly keys = new Map<string, number>()
  logTime = 0
  revision = 0
  counter = 0

  advance(logTime: number): void {
    this.logTime = Math.max(this.logTime, logTime)
    const due = this.leases.filter(({ deadline }) => deadline <= this.logTime)
    due.sort((a, b) => a.deadline - b.deadline || a.id - b.id)
    for (const lease of due.slice(0, sweepMax)) this.end(lease.id)
  }

  alive(id: number): ModelLease | undefined {
    return this.leases.find((lease) => lease.id === id && lease.deadline > this.logTime)
  }

  grant(wish: number, ttlMs: number): number | 'LeaseExists' {
    let id = wish
    if (id === 0) {
      do this.counter++
      while (this.leases.some((lease) => lease.id === this.counter))
      id = this.counter
    }
    if (this.alive(id) !== undefined) return 'LeaseExists'
    this.end(id)
    this.leases.push({ id, ttlMs, deadline: this.logTime + ttlMs })
    return id
  }

  end(id: number): void {
    const attached = [...this.keys].filter(([, lease]) => lease === id)
    if (attached.length > 0) this.revision++
    for (const [key] of attached) this.keys.delete(key)
    this.leases = this.leases.filter((lease) => lease.id !== id)
  }
}

type Step =
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'grant'; readonly id: number; readonly ttlMs: number }
  | { readonly kind: 'keepAlive'; readonly ids: readonly number[] }
  | { readonly kind: 'revoke'; readonly id: number }
  | { readonly kind: 'attach'; readonly key: string; readonly lease: number }
  | { readonly kind: 'flush' }
  | { readonly kind: 'restart' }

const id = fc.integer({ min: 1, max: 5 })
const key = fc.constantFrom('a', 'b', 'c', 'd')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: -500, max: 3000 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('grant' as const),
      id: fc.oneof(fc.constant(0), id),
      ttlMs: fc.integer({ min: 1000, max: 4000 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('keepAlive' as const), ids: fc.array(id, { maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('revoke' as const), id }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('attach' as const), key, lease: fc.oneof(fc.constant(0), id) }),
  },
  { weight: 1, arbitrary: fc.constantFrom({ kind: 'flush' as const }, { kind: 'restart' as const }) },
)

const write = (key: string, lease: number): Uint8Array =>
  lease === 0
    ? put(key, 'v')
    : call(
        'kv',
        'write',
        encodeWriteArgs({
          ...{ key: utf8(key), value: utf8('v'), lease },
          ...{ prevKv: false, ignoreValue: false, ignoreLease: false },
        }),
      )

/** One command as an entry of its own, on the machine and on the model; both must say the same. */
function play(step: Step, box: Box, model: Model): void {
  if (step.kind === 'flush' || step.kind === 'restart') {
    box.flush()
    if (step.kind === 'restart') box.restart()
    return
  }
  const stamp = step.kind === 'time' ? Math.max(0, model.logTime + step.ms) : model.logTime
  const run = (command?: Uint8Array): Uint8Array =>
    box.apply(command === undefined ? [] : [command], stamp)[0] ?? new Uint8Array()
  model.advance(stamp)
  if (step.kind === 'time') run()
  else if (step.kind === 'grant') {
    const result = run(call('lease', 'grant', encodeLeaseGrantArgs(step.id, step.ttlMs)))
    const expected = model.grant(step.id, step.ttlMs)
    expect(codeOf(result) === 'ok' ? decodeLeaseGrantResult(payloadOf(result)).id : codeOf(result)).toBe(expected)
  } else if (step.kind === 'keepAlive') {
    const result = run(call('lease', 'keepAlive', encodeKeepAliveArgs(step.ids)))
    const expected = step.ids.map((one) => {
      const lease = model.alive(one)
      if (lease !== undefined) lease.deadline = model.logTime + lease.ttlMs
      return lease?.ttlMs ?? 0
    })
    expect(decodeKeepAliveResult(payloadOf(result))).toEqual(expected)
  } else if (step.kind === 'revoke') {
    const result = run(call('lease', 'revoke', encodeLeaseRevokeArgs(step.id)))
    const known = model.alive(step.id) !== undefined
    if (known) model.end(step.id)
    expect(codeOf(result)).toBe(known ? 'ok' : 'LeaseNotFound')
  } else {
    const result = run(write(step.key, step.lease))
    const refused = step.lease !== 0 && model.alive(step.lease) === undefined
    expect(codeOf(result)).toBe(refused ? 'LeaseNotFound' : 'ok')
    if (refused) return
    model.revision++
    model.keys.set(step.key, step.lease)
  }
}

function check(box: Box, model: Model): void {
  const { records } = box.range({ start: utf8(''), fromKey: true })
  expect(new Map(records.map((record) => [latin1(record.key), record.lease]))).toEqual(model.keys)
  expect(box.machine.revision).toBe(model.revision)
  expect(box.machine.leaseCount).toBe(model.leases.length)
  const listed = decodeLeaseListResult(payloadOf(box.machine.query('lease', 'list', new Uint8Array())))
  const alive = model.leases.filter((lease) => model.alive(lease.id) === lease).map((lease) => lease.id)
  expect(listed).toEqual(alive.sort((a, b) => a - b))
  const first = Math.min(...model.leases.map(({ deadline }) => deadline))
  expect(box.machine.nextDeadline).toBe(model.leases.length === 0 ? undefined : first)
}

describe('leases against a model', () => {
  it('answer alike, hold the same keys and end at the same moment, also over restarts', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        const model = new Model()
        const box = new Box({ limits: { leaseExpiriesPerEntry: sweepMax } })
        const steady = new Box({ limits: { leaseExpiriesPerEntry: sweepMax } })
        const shadow = new Model()
        for (const one of steps) {
          play(one, box, model)
          check(box, model)
          if (one.kind === 'flush' || one.kind === 'restart') continue
          play(one, steady, shadow)
          expect(box.hash()).toBe(steady.hash())
        }
      }),
      { numRuns: 300 },
    )
  })

  it('never end before their time to live has passed since the last renewal', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1000, max: 5000 }),
        fc.array(fc.record({ ms: fc.integer({ min: 0, max: 6000 }), renew: fc.boolean() }), { maxLength: 30 }),
        (ttlMs, entries) => {
          const box = new Box()
          box.apply([call('lease', 'grant', encodeLeaseGrantArgs(1, ttlMs)), write('k', 1)], 0)
          let now = 0
          let renewed = 0
          for (const { ms, renew } of entries) {
            now += ms
            const isOver = now >= renewed + ttlMs
            const command = call('lease', 'keepAlive', encodeKeepAliveArgs([1]))
            const [result] = box.apply(renew ? [command] : [], now)
            expect(box.get('k')).toBe(isOver ? undefined : 'v')
            if (isOver) return
            if (result !== undefined) renewed = now
          }
        },
      ),
    )
  })
})

describe('the heap of deadlines', () => {
  it('always knows the first, however leases are added, renewed and taken out', () => {
    const action = fc.record({ at: fc.nat(), what: fc.constantFrom('add', 'add', 'move', 'remove'), ms: fc.nat(20) })
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60, size: 'max' }), (actions) => {
        const heap = new DeadlineHeap<Lease>()
        const all: Lease[] = []
        for (const { at, what, ms } of actions) {
          const chosen = all[at % Math.max(1, all.length)]
          if (what === 'add' || chosen === undefined) {
            const lease = new Lease(all.length + at * 100, 1, ms)
            all.push(lease)
            heap.add(lease)
          } else if (what === 'move') {
            chosen.deadline += ms
            heap.moved(chosen)
          } else {
            heap.remove(chosen)
            all.splice(all.indexOf(chosen), 1)
          }
          const first = [...all].sort((a, b) => a.deadline - b.deadline || a.id - b.id)[0]
          expect(heap.first === first || heap.first?.id === first?.id).toBe(true)
          expect(all.every((lease) => lease.isOpen)).toBe(true)
        }
      }),
    )
  })
})
