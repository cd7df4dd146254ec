/** Guards: a transaction or a program asks whether a grant is held at this point of the log. And the keys that are reserved. */
import { describe, expect, it } from 'vitest'
import { encodeValue, latin1, utf8 } from '../../base/index.ts'
import {
  decodeTxnResult,
  encodeHistoryArgs,
  encodeRemoveArgs,
  encodeTxnArgs,
  encodeWriteArgs,
  syncKey,
  syncRange,
} from '../../execution/index.ts'
import type { Condition, Operation, Program, Txn } from '../../execution/index.ts'
import { Box, call, codeOf, del, errorOf, payloadOf, put } from './harness.ts'
import { acquire, cancel, grantLease, guard, holds, release, resource, revoke, standing, tokenOf } from './sync-box.ts'

const door = resource('door')
const held = (token: number, at = door): Condition => ({ target: 'held', grant: { ...at, token } })
const putOp = (key: string | Uint8Array): Operation => ({
  kind: 'put',
  ...{ key: typeof key === 'string' ? utf8(key) : key, value: utf8('v'), lease: 0 },
  ...{ prevKv: false, ignoreValue: false, ignoreLease: false },
})
const txn = (request: Partial<Txn>) =>
  call('kv', 'txn', encodeTxnArgs({ conditions: [], success: [], failure: [], ...request }))
const everything = { start: utf8(''), fromKey: true }

function locked(options: ConstructorParameters<typeof Box>[0] = {}): Box {
  const box = new Box(options)
  box.apply([1, 2, 3].map((id) => grantLease(id)))
  box.apply([acquire(door, 1, 1, { maxHoldMs: 5000 })])
  return box
}

describe('a guard', () => {
  it('holds while exactly this grant is held', () => {
    const box = locked()
    const guards = [
      guard(door, 1),
      guard(door, 2),
      guard(door, 0),
      guard(resource('gate'), 1),
      guard(resource('door', 2), 1),
    ]
    expect(box.apply(guards).map(holds)).toEqual([true, false, false, false, false])
  })

  it('is false for one who waits, and true from the grant on', () => {
    const box = locked()
    box.run(acquire(door, 2, 2))
    expect(holds(box.run(guard(door, 2)))).toBe(false)
    const [, after] = box.apply([release(door, 1), guard(door, 4)])
    expect(holds(after)).toBe(true)
  })

  it('is false after a release, within the same entry, although nobody else was granted', () => {
    const box = locked()
    const [before, , after] = box.apply([guard(door, 1), release(door, 1), guard(door, 1)])
    expect([holds(before), holds(after)]).toEqual([true, false])
  })

  it('is false after a revoke, after a cancel, and once it was held too long', () => {
    const revoked = locked()
    expect(holds(revoked.apply([revoke(1), guard(door, 1)])[1])).toBe(false)
    const cancelled = locked()
    expect(holds(cancelled.apply([cancel(door, 1, 1), guard(door, 1)])[1])).toBe(false)
    const tooLong = locked()
    expect(holds(tooLong.apply([guard(door, 1)], 4999)[0])).toBe(true)
    expect(holds(tooLong.apply([guard(door, 1)], 5000)[0])).toBe(false)
  })

  it('is false once the lease is due, or the time is up, even while neither is swept', () => {
    const box = locked({ limits: { leaseExpiriesPerEntry: 1 } })
    const gate = resource('gate')
    const token = tokenOf(box.run(acquire(gate, 2, 3, { maxHoldMs: 5001 })))
    // The grant on the door is swept first, the one on the gate is due as well.
    expect(box.apply([guard(gate, token)], 5001).map(holds)).toEqual([false])
    expect(box.get(syncKey(gate, token))).toBeDefined()
    const other = locked({ limits: { leaseExpiriesPerEntry: 1 } })
    const late = tokenOf(other.run(acquire(gate, 2, 3)))
    expect(other.apply([guard(gate, late)], 10_000).map(holds)).toEqual([false])
    expect(other.get(syncKey(gate, late))).toBeDefined()
  })

  it('decides in nested transactions, and beside conditions on keys', () => {
    const box = locked()
    const inner = (token: number): Operation => ({
      kind: 'txn',
      txn: { conditions: [held(token)], success: [putOp(`won ${token}`)], failure: [putOp(`lost ${token}`)] },
    })
    const absent: Condition = { target: 'exists', range: { start: utf8('x') }, exists: false }
    box.run(txn({ conditions: [held(1), absent], success: [inner(1), inner(2)] }))
    expect(box.range(everything).records.map(({ key }) => latin1(key))).toEqual(['lost 2', 'won 1'])
    const answer = box.run(txn({ conditions: [absent, held(2)], failure: [putOp('x')] }))
    expect(decodeTxnResult(payloadOf(answer)).succeeded).toBe(false)
    expect(box.get('x')).toBe('v')
  })

  it('costs no revision', () => {
    const box = locked()
    box.run(guard(door, 1))
    expect(box.machine.revision).toBe(1)
  })
})

describe('a program', () => {
  const grantOf = (token: number) => ({ kind: door.kind, namespace: 'app', name: utf8('door'), token })
  const watchman: Program = {
    name: 'watchman',
    version: 1,
    methods: {
      asks: (tx, token) => tx.holds(grantOf(Number(token))),
      revokes: (tx, token) => {
        tx.leases.revoke(1)
        return tx.holds(grantOf(Number(token)))
      },
      regrants: (tx, token) => {
        tx.leases.revoke(1)
        tx.leases.grant(20_000, 1)
        return tx.holds(grantOf(Number(token)))
      },
      writes: (tx, key) => tx.put(key as Uint8Array, 'v'),
      emits: (tx, key) => tx.emit(key as Uint8Array, 'v'),
      deletes: (tx, key) => tx.delete(key as Uint8Array),
      counts: (tx) => tx.range({ start: '' }).length,
    },
    queries: { looks: (view, token) => view.holds(grantOf(Number(token))) },
  }
  const ask = (method: string, arg: number | Uint8Array) => call('watchman', method, encodeValue(arg))
  const said = (result: Uint8Array | undefined) =>
    codeOf(result as Uint8Array) === 'ok' && payloadOf(result as Uint8Array)

  it.each([false, true])('asks, in methods and queries (each method run twice: %s)', (checkPrograms) => {
    const box = locked({ programs: [watchman], checkPrograms })
    const yes = encodeValue(true)
    const no = encodeValue(false)
    expect(box.apply([ask('asks', 1), ask('asks', 2)]).map(said)).toEqual([yes, no])
    expect(said(box.machine.query('watchman', 'looks', encodeValue(1)))).toEqual(yes)
  })

  it.each(['revokes', 'regrants'])('that %s the lease no longer sees the grant, and the next one gets it', (method) => {
    const box = locked({ programs: [watchman] })
    box.run(acquire(door, 2, 2))
    expect(said(box.run(ask(method, 1)))).toEqual(encodeValue(false))
    expect(standing(box, door)).toEqual({ holders: [2], waiters: [] })
    expect(box.apply([guard(door, 1), guard(door, 4)]).map(holds)).toEqual([false, true])
  })

  it('cannot change reserved keys, and does not meet them', () => {
    const box = locked({ programs: [watchman] })
    const key = syncKey(door, 1)
    for (const method of ['writes', 'emits', 'deletes']) {
      const error = errorOf(box.run(ask(method, key)))
      expect([method, error.code, error.details['code']]).toEqual([method, 'ProgramError', 'InvalidArgument'])
    }
    expect(said(box.run(ask('counts', 0)))).toEqual(encodeValue(0))
    expect(standing(box, door).holders).toEqual([1])
  })
})

describe('reserved keys', () => {
  const own = syncKey(door, 1)
  const write = { value: utf8('v'), lease: 0, prevKv: false, ignoreValue: false, ignoreLease: false }

  it('are changed by nobody else', () => {
    const box = locked()
    const range = { start: Uint8Array.of(0), end: Uint8Array.of(1) }
    const commands = [
      put(own, 'v'),
      put('\0', 'v'),
      del({ start: own }),
      del(range),
      del({ start: utf8(''), end: Uint8Array.of(0, 5) }),
      call('kv', 'write', encodeWriteArgs({ key: own, ...write })),
      call('kv', 'remove', encodeRemoveArgs({ range, prevKv: false })),
      txn({ success: [putOp(own)] }),
      txn({ failure: [{ kind: 'delete', range, prevKv: false }] }),
      txn({ success: [{ kind: 'txn', txn: { conditions: [], success: [putOp(own)], failure: [] } }] }),
    ]
    for (const [i, result] of box.apply(commands).entries()) {
      const { code, details } = errorOf(result)
      expect([i, code, details['reason']]).toEqual([i, 'InvalidArgument', 'reserved'])
    }
    expect(box.machine.revision).toBe(1)
  })

  it('are not in ranges that go beyond them, and survive deletes of everything', () => {
    const box = locked()
    box.apply([put('a', '1'), put('b', '1')])
    expect(box.range(everything)).toMatchObject({ count: 2, more: false })
    expect(box.range({ start: Uint8Array.of(0), fromKey: true }).count).toBe(2)
    expect(box.range({ ...everything, revision: 1 }).count).toBe(0)
    expect(box.range({ start: utf8(''), end: utf8('b') }).records.map(({ key }) => latin1(key))).toEqual(['a'])
    box.run(del(everything))
    expect(box.range(everything).count).toBe(0)
    expect(standing(box, door).holders).toEqual([1])
    expect(box.machine.keyCount).toBe(1)
  })

  it('are read by those who ask for nothing else, with their history', () => {
    const box = locked()
    box.run(release(door, 1))
    expect(box.range({ ...syncRange(door), revision: 1 }).records.map(({ key }) => key)).toEqual([own])
    expect(codeOf(box.machine.query('kv', 'history', encodeHistoryArgs({ key: own, revision: 0, limit: 0 })))).toBe(
      'ok',
    )
    expect(box.range(syncRange(door)).count).toBe(0)
  })
})
