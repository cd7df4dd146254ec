/** Leases on the machine: what each operation answers, and what restarts, snapshots and damage leave of them. */
import { describe, expect, it } from 'vitest'
import { latin1, utf8 } from '../../base/index.ts'
import {
  decodeKeepAliveResult,
  decodeLeaseGrantResult,
  decodeLeaseListResult,
  decodeLeaseRevokeResult,
  decodeTimeToLiveResult,
  encodeKeepAliveArgs,
  encodeLeaseGrantArgs,
  encodeLeaseRevokeArgs,
  encodeTimeToLiveArgs,
  encodeWriteArgs,
} from '../../execution/index.ts'
import type { LeaseStatus } from '../../execution/index.ts'
import { leaseKey } from '../../execution/lease-record.ts'
import { Box, call, codeOf, del, errorOf, payloadOf, put } from './harness.ts'

const grant = (id: number, ttlMs: number) => call('lease', 'grant', encodeLeaseGrantArgs(id, ttlMs))
const revoke = (id: number) => call('lease', 'revoke', encodeLeaseRevokeArgs(id))
const keepAlive = (...ids: number[]) => call('lease', 'keepAlive', encodeKeepAliveArgs(ids))
const attach = (key: string, lease: number, value = 'v') =>
  call(
    'kv',
    'write',
    encodeWriteArgs({
      key: utf8(key),
      value: utf8(value),
      lease,
      prevKv: false,
      ignoreValue: false,
      ignoreLease: false,
    }),
  )

/** Runs commands in one entry at this log time; what they answered. */
const at = (box: Box, logTime: number, ...commands: Uint8Array[]): Uint8Array[] => box.apply(commands, logTime)
const ids = (box: Box): readonly number[] =>
  decodeLeaseListResult(payloadOf(box.machine.query('lease', 'list', new Uint8Array())))
const keys = (box: Box): string[] => box.range({ start: utf8(''), fromKey: true }).records.map(({ key }) => latin1(key))
const statusOf = (box: Box, id: number, withKeys = true): LeaseStatus | string => {
  const result = box.machine.query('lease', 'timeToLive', encodeTimeToLiveArgs(id, withKeys))
  return codeOf(result) === 'ok' ? decodeTimeToLiveResult(payloadOf(result)) : codeOf(result)
}
const granted = (result: Uint8Array | undefined) => decodeLeaseGrantResult(payloadOf(result as Uint8Array))
const kept = (result: Uint8Array | undefined) => decodeKeepAliveResult(payloadOf(result as Uint8Array))

describe('a lease', () => {
  it('gets its id from the caller, or from a counter that passes over taken ones', () => {
    const box = new Box()
    const results = at(box, 0, grant(0, 5000), grant(2, 5000), grant(0, 5000), grant(2, 5000), grant(3, 5000))
    expect(results.slice(0, 3).map((result) => granted(result).id)).toEqual([1, 2, 3])
    expect(errorOf(results[3] as Uint8Array)).toMatchObject({ code: 'LeaseExists', details: { lease: 2 } })
    expect(codeOf(results[4] as Uint8Array)).toBe('LeaseExists')
    expect(ids(box)).toEqual([1, 2, 3])
  })

  it('lives at least the shortest time, and not longer than the longest', () => {
    const box = new Box({ limits: { leaseTtlMsMin: 500, leaseTtlMsMax: 9000 } })
    const [short, longest, long, none] = at(box, 0, grant(0, 1), grant(0, 9000), grant(0, 9001), grant(0, 0))
    expect([granted(short), granted(longest)]).toEqual([
      { id: 1, ttlMs: 500 },
      { id: 2, ttlMs: 9000 },
    ])
    expect([long, none].map((result) => codeOf(result as Uint8Array))).toEqual(['InvalidArgument', 'InvalidArgument'])
  })

  it('takes no revision by itself', () => {
    const box = new Box()
    at(box, 0, grant(1, 5000), keepAlive(1), revoke(1), grant(1, 5000))
    at(box, 5000)
    expect(box.machine.revision).toBe(0)
    expect(box.machine.leaseCount).toBe(0)
  })

  it('ends at its deadline, with all its keys in one revision, sorted', () => {
    const box = new Box()
    at(box, 100, grant(1, 5000), attach('b', 1), attach('a', 1), put('c', 'stays'))
    expect(box.machine.nextDeadline).toBe(5100)
    at(box, 5099)
    expect(keys(box)).toEqual(['a', 'b', 'c'])
    at(box, 5100)
    expect(keys(box)).toEqual(['c'])
    expect(box.machine.revision).toBe(4)
    const events: [number, number, string, string][] = []
    box.machine.visitEvents(4, (event) => events.push([event.revision, event.position, event.kind, event.key]) > 0)
    expect(events).toEqual([
      [4, 0, 'delete', 'a'],
      [4, 1, 'delete', 'b'],
    ])
    expect(box.machine.nextDeadline).toBeUndefined()
    expect(ids(box)).toEqual([])
  })

  it('ends before the commands of the entry that brings the time', () => {
    const box = new Box()
    at(box, 0, grant(1, 5000), attach('a', 1))
    const [alive, write] = at(box, 5000, keepAlive(1), attach('a', 1))
    expect(kept(alive)).toEqual([0])
    expect(codeOf(write as Uint8Array)).toBe('LeaseNotFound')
    expect(keys(box)).toEqual([])
  })

  it('starts anew when it is kept alive, many in one command', () => {
    const box = new Box()
    at(box, 0, grant(1, 5000), grant(2, 6000), grant(3, 5000))
    expect(kept(at(box, 4000, keepAlive(1, 7, 2, 1))[0])).toEqual([5000, 0, 6000, 5000])
    at(box, 8999)
    expect(ids(box)).toEqual([1, 2])
    at(box, 9000)
    expect(ids(box)).toEqual([2])
    expect(box.machine.nextDeadline).toBe(10_000)
  })

  it('does not end by an entry whose time runs behind', () => {
    const box = new Box()
    at(box, 4000, grant(1, 5000))
    expect(kept(at(box, 100, keepAlive(1))[0])).toEqual([5000])
    expect(statusOf(box, 1)).toMatchObject({ remainingMs: 5000 })
    expect(box.machine.nextDeadline).toBe(9000)
  })

  it('tells what is left of it, and its keys in order', () => {
    const box = new Box()
    at(box, 0, grant(5, 5000), attach('b', 5), attach('a', 5))
    at(box, 1500)
    const expected = { id: 5, grantedMs: 5000, remainingMs: 3500, keyCount: 2, more: false }
    expect(statusOf(box, 5)).toEqual({ ...expected, keys: [utf8('a'), utf8('b')] })
    expect(statusOf(box, 5, false)).toEqual({ ...expected, keys: [] })
    expect(statusOf(box, 6)).toBe('LeaseNotFound')
  })

  it('tells what is left by a later time, too, when the newest entry is old', () => {
    const box = new Box()
    at(box, 1000, grant(5, 5000))
    const left = (nowMs: number) => {
      const result = box.machine.query('lease', 'timeToLive', encodeTimeToLiveArgs(5, false), nowMs)
      return decodeTimeToLiveResult(payloadOf(result)).remainingMs
    }
    expect([0, 1000, 4000, 6000, 9000].map(left)).toEqual([5000, 5000, 2000, 0, 0])
  })

  it('tells as many of its keys as one answer holds', () => {
    const box = new Box({ limits: { rangeBytes: 3 } })
    at(box, 0, grant(5, 5000), attach('a', 5), attach('bb', 5), attach('c', 5))
    expect(statusOf(box, 5)).toMatchObject({ keyCount: 3, keys: [utf8('a'), utf8('bb')], more: true })
  })

  it('is revoked with its keys, once', () => {
    const box = new Box()
    const results = at(box, 0, grant(1, 5000), attach('a', 1), attach('b', 1), revoke(1), revoke(1), grant(1, 5000))
    expect(decodeLeaseRevokeResult(payloadOf(results[3] as Uint8Array))).toEqual({ revision: 3, deleted: 2 })
    expect(codeOf(results[4] as Uint8Array)).toBe('LeaseNotFound')
    expect(granted(results[5])).toEqual({ id: 1, ttlMs: 5000 })
    expect(statusOf(box, 1)).toMatchObject({ keyCount: 0 })
  })
})

describe('a key', () => {
  it('moves to the lease of its last write, and leaves it with a write without one', () => {
    const box = new Box()
    at(box, 0, grant(1, 5000), grant(2, 6000), attach('a', 1), attach('b', 1), attach('a', 2), put('b', 'free'))
    expect(statusOf(box, 1)).toMatchObject({ keyCount: 0 })
    at(box, 5000)
    expect(keys(box)).toEqual(['a', 'b'])
    expect(box.getRecord('a')?.lease).toBe(2)
    expect(box.getRecord('b')?.lease).toBe(0)
    at(box, 6000)
    expect(keys(box)).toEqual(['b'])
  })

  it('leaves its lease when it is deleted, and is not deleted again when it was made anew', () => {
    const box = new Box()
    at(box, 0, grant(1, 5000), attach('a', 1), del({ start: utf8('a') }), put('a', 'new'))
    at(box, 5000)
    expect(keys(box)).toEqual(['a'])
    expect(box.machine.revision).toBe(3)
  })

  it('keeps its lease or its value when a write says so', () => {
    const box = new Box()
    at(box, 0, grant(1, 5000), grant(2, 5000), attach('a', 1, 'one'))
    const change = (options: { value?: string; lease?: number; ignoreValue?: boolean; ignoreLease?: boolean }) => {
      const { value = '', lease = 0, ignoreValue = false, ignoreLease = false } = options
      const args = { key: utf8('a'), value: utf8(value), lease, prevKv: false, ignoreValue, ignoreLease }
      return codeOf(box.run(call('kv', 'write', encodeWriteArgs(args))))
    }
    expect(change({ value: 'two', ignoreLease: true })).toBe('ok')
    expect([box.get('a'), box.getRecord('a')?.lease]).toEqual(['two', 1])
    expect(change({ lease: 2, ignoreValue: true })).toBe('ok')
    expect([box.get('a'), box.getRecord('a')?.lease, box.getRecord('a')?.version]).toEqual(['two', 2, 3])
    expect(change({ value: 'x', lease: 9 })).toBe('LeaseNotFound')
    expect(box.get('a')).toBe('two')
  })
})

describe('many leases', () => {
  it('are swept in bounded steps, in order of deadline and id, and count as ended at once', () => {
    const box = new Box({ limits: { leaseExpiriesPerEntry: 2 } })
    at(box, 0, grant(3, 5000), grant(1, 5000), grant(2, 4000), grant(4, 5000), grant(9, 9000))
    at(box, 0, attach('three', 3), attach('one', 1), attach('two', 2), attach('four', 4))
    const [alive, write, gone] = at(box, 5000, keepAlive(3, 4, 9), attach('x', 4), revoke(3))
    expect(kept(alive)).toEqual([0, 0, 9000])
    expect([write, gone].map((result) => codeOf(result as Uint8Array))).toEqual(['LeaseNotFound', 'LeaseNotFound'])
    expect(ids(box)).toEqual([9])
    expect(statusOf(box, 4)).toBe('LeaseNotFound')
    expect(box.machine.leaseCount).toBe(3)
    expect(keys(box)).toEqual(['four', 'three'])
    expect(box.machine.nextDeadline).toBe(5000)
    at(box, 5000)
    expect(keys(box)).toEqual([])
    const order: string[] = []
    box.machine.visitEvents(5, (event) => order.push(`${event.revision} ${event.key}`) > 0)
    expect(order).toEqual(['5 two', '6 one', '7 three', '8 four'])
  })

  it('are swept until as many keys as one transaction may change are deleted', () => {
    const box = new Box({ limits: { transactionKeys: 2, leaseKeys: 2 } })
    at(box, 0, grant(1, 5000), grant(2, 5000), grant(3, 5000))
    at(box, 0, attach('a', 1), attach('b', 1), attach('c', 2), attach('d', 3))
    at(box, 5000)
    expect(keys(box)).toEqual(['c', 'd'])
    at(box, 5000)
    expect(keys(box)).toEqual([])
  })

  it('whose id is granted anew before the sweep lose their keys first', () => {
    const box = new Box({ limits: { leaseExpiriesPerEntry: 1 } })
    at(box, 0, grant(1, 5000), grant(2, 5000), attach('a', 2))
    const [again] = at(box, 5000, grant(2, 7000))
    expect(granted(again)).toEqual({ id: 2, ttlMs: 7000 })
    expect(keys(box)).toEqual([])
    expect(statusOf(box, 2)).toMatchObject({ remainingMs: 7000, keyCount: 0 })
  })

  it('are bounded in number, in keys and in one keep-alive', () => {
    const box = new Box({ limits: { leases: 2, leaseKeys: 1, leaseBatch: 2 } })
    const results = at(box, 0, grant(1, 5000), grant(2, 5000), grant(3, 5000))
    expect(errorOf(results[2] as Uint8Array)).toMatchObject({ code: 'LimitExceeded', details: { name: 'leases' } })
    const writes = at(box, 0, attach('a', 1), attach('b', 1), attach('a', 1))
    expect(writes.map(codeOf)).toEqual(['ok', 'LimitExceeded', 'ok'])
    expect(codeOf(at(box, 0, keepAlive(1, 2, 1))[0] as Uint8Array)).toBe('LimitExceeded')
  })
})

describe('leases on disk', () => {
  const scene = (box: Box): void => {
    at(box, 0, grant(0, 5000), grant(0, 6000), grant(7, 7000), attach('a', 1), attach('b', 2), attach('c', 7))
    box.flush()
    at(box, 3000, keepAlive(1), revoke(7), grant(0, 9000), attach('b', 3))
  }

  it('are the same after a restart, and go on as without one', () => {
    const box = new Box()
    const steady = new Box()
    scene(box)
    scene(steady)
    box.flush()
    const hash = box.hash()
    box.restart()
    expect(box.hash()).toBe(hash)
    expect(box.hash()).toBe(steady.hash())
    expect(ids(box)).toEqual([1, 2, 3])
    for (const one of [box, steady]) {
      at(one, 6000)
      expect(keys(one)).toEqual(['a', 'b'])
      at(one, 8000, grant(0, 5000))
      expect(keys(one)).toEqual(['b'])
      expect(ids(one)).toEqual([3, 4])
      at(one, 12_000)
      expect(keys(one)).toEqual([])
    }
    expect(box.hash()).toBe(steady.hash())
    box.flush()
    expect(new Box({}, new Map(box.disk)).hash()).toBe(steady.hash())
  })

  it('are written when a keep-alive is all that happened', () => {
    const box = new Box()
    at(box, 0, grant(1, 5000))
    box.flush()
    at(box, 4000, keepAlive(1))
    box.flush()
    box.restart()
    expect(box.machine.nextDeadline).toBe(9000)
  })

  it('change the hash by every part of them', () => {
    const hashes = [
      [grant(1, 5000)],
      [grant(2, 5000)],
      [grant(1, 6000)],
      [grant(0, 5000)],
      [grant(1, 5000), grant(2, 5000)],
      [],
    ].map((commands) => {
      const box = new Box()
      at(box, 0, ...commands)
      return box.hash()
    })
    expect(new Set(hashes).size).toBe(hashes.length)
  })

  it('are missed when their record is gone, and refused when it is changed', () => {
    const box = new Box()
    scene(box)
    box.flush()
    const name = latin1(leaseKey(3))
    const record = box.disk.get(name) as Uint8Array
    const load = () => new Box({}, new Map(box.disk)).machine
    box.disk.delete(name)
    expect(load).toThrow(expect.objectContaining({ code: 'StateDamaged' }))
    for (let i = 0; i < record.length; i++) {
      box.disk.set(name, record.slice().fill((record[i] as number) ^ 1, i, i + 1))
      expect(load).toThrow(expect.objectContaining({ code: 'StateDamaged' }))
    }
    box.disk.set(name, record)
    expect(load().leaseCount).toBe(3)
  })

  it('give no id out again after the state was restored from a backup', () => {
    const box = new Box()
    at(box, 0, grant(0, 5000))
    box.machine.raiseRevision(1000)
    expect(granted(at(box, 0, grant(0, 5000))[0]).id).toBe(1002)
  })
})

describe('lease commands', () => {
  it('that are no commands are answered so and change nothing', () => {
    const box = new Box()
    const bad = [grant(1, 5000), revoke(1), keepAlive(1)].flatMap((command) => [
      command.subarray(0, command.length - 1),
      Uint8Array.from([...command, 0]),
    ])
    expect(at(box, 0, ...bad).map(codeOf)).toEqual(bad.map(() => 'MalformedFrame'))
    expect(box.machine.leaseCount).toBe(0)
    expect(codeOf(box.machine.query('lease', 'list', Uint8Array.of(1)))).toBe('MalformedFrame')
    expect(codeOf(box.machine.query('lease', 'grant', new Uint8Array()))).toBe('UnknownMethod')
  })
})
