/** The sync program rule by rule: who gets what, in which order, under which token, and what ends a grant. */
import { describe, expect, it } from 'vitest'
import { text, utf8 } from '../../base/index.ts'
import { decodeSyncEntry, decodeSyncKey, syncKey, syncKinds } from '../../execution/index.ts'
import { codeOf, errorOf, numbered, open } from './harness.ts'
import {
  acquire,
  acquireId,
  book,
  door,
  sessions,
  shared,
  writer,
  answerOf,
  cancel,
  cancelOf,
  heldBy,
  inspect,
  keepAlive,
  proclaim,
  release,
  resource,
  revoke,
  standing,
  tokenOf,
} from './sync-box.ts'

describe('a lock', () => {
  it('is granted at once when it is free, with the revision of the grant as its token', () => {
    const box = sessions()
    const answer = answerOf(box.run(acquire(door, 1, 1)))
    expect(answer).toEqual({ outcome: 'granted', revision: 1, sequence: 1, token: 1 })
    expect(box.machine.revision).toBe(1)
  })

  it('is handed over in the order of arrival, each grant in a revision of its own', () => {
    const box = sessions()
    const answers = box.apply([1, 2, 3, 4].map((n) => acquire(door, n, n))).map(answerOf)
    expect(answers.slice(1)).toEqual([
      { outcome: 'queued', revision: 2, sequence: 2, ahead: 1 },
      { outcome: 'queued', revision: 3, sequence: 3, ahead: 2 },
      { outcome: 'queued', revision: 4, sequence: 4, ahead: 3 },
    ])
    const order: number[] = []
    let token = 1
    for (let holder = 1; holder <= 4; holder++) {
      expect(standing(box, door).holders).toEqual([holder])
      order.push(heldBy(box, door, holder))
      expect(codeOf(box.run(release(door, token)))).toBe('ok')
      token = heldBy(box, door, holder + 1)
    }
    expect(order).toEqual([1, 6, 8, 10])
    expect(standing(box, door)).toEqual({ holders: [], waiters: [] })
  })

  it('is never shared by two acquisitions of one session', () => {
    const box = sessions()
    box.apply([acquire(door, 1, 1), acquire(door, 2, 1)])
    expect(standing(box, door)).toEqual({ holders: [1], waiters: [2] })
  })

  it('is asked for again without queueing twice, and answers where it stands', () => {
    const box = sessions()
    box.apply([acquire(door, 1, 1), acquire(door, 2, 2)])
    const [holder, waiter] = box.apply([acquire(door, 1, 1), acquire(door, 2, 2)]).map(answerOf)
    expect(holder).toEqual({ outcome: 'granted', revision: 2, sequence: 1, token: 1 })
    expect(waiter).toEqual({ outcome: 'queued', revision: 2, sequence: 2, ahead: 1 })
    box.run(release(door, 1))
    expect(answerOf(box.run(acquire(door, 2, 2)))).toMatchObject({ outcome: 'granted', sequence: 2, token: 4 })
    expect(standing(box, door)).toEqual({ holders: [2], waiters: [] })
  })

  it('refuses an acquire id that is of another lease or resource', () => {
    const box = sessions()
    box.run(acquire(door, 1, 1))
    const results = box.apply([acquire(door, 1, 2), acquire(resource('gate'), 1, 1), cancel(door, 1, 2)])
    expect(results.map(codeOf)).toEqual(['InvalidArgument', 'InvalidArgument', 'InvalidArgument'])
    expect(box.machine.revision).toBe(1)
  })

  it('tells who holds it to those who do not wait, and leaves nothing of them', () => {
    const box = sessions()
    box.apply([acquire(door, 1, 1, { value: utf8('v') }), acquire(door, 2, 2)])
    const answer = answerOf(box.run(acquire(door, 3, 3, { wait: false })))
    expect(answer).toMatchObject({ outcome: 'held', revision: 2, waiting: 1, holding: 1 })
    expect(answer).toMatchObject({
      holders: [{ token: 1, lease: 1, label: utf8('label 1'), value: utf8('v'), acquireId: acquireId(1) }],
    })
    expect(standing(box, door)).toEqual({ holders: [1], waiters: [2] })
    box.apply([release(door, 1), release(door, 4)])
    expect(answerOf(box.run(acquire(door, 3, 3, { wait: false })))).toMatchObject({ outcome: 'granted' })
  })

  it('needs a session that is there', () => {
    const box = sessions()
    expect(codeOf(box.run(acquire(door, 1, 9)))).toBe('LeaseNotFound')
    expect(codeOf(box.apply([acquire(door, 1, 1)], 10_000)[0] as Uint8Array)).toBe('LeaseNotFound')
    expect(box.machine.revision).toBe(0)
  })

  it('is released by its token only, and once', () => {
    const box = sessions()
    box.apply([acquire(door, 1, 1), acquire(door, 2, 2)])
    const wrong = [release(door, 2), release(resource('gate'), 1), release(resource('door', 2), 1)]
    expect(box.apply(wrong).map(codeOf)).toEqual(['NotHeld', 'NotHeld', 'NotHeld'])
    expect(box.apply([release(door, 1), release(door, 1)]).map(codeOf)).toEqual(['ok', 'NotHeld'])
    expect(standing(box, door)).toEqual({ holders: [2], waiters: [] })
  })

  it('is another one in another namespace, and names may hold any bytes', () => {
    const box = sessions()
    const names = [resource('a', 1, 'b'), resource('', 1, 'ab'), resource('ab', 1, ''), resource('a/b\0', 1, 'b')]
    const answers = box.apply(names.map((at, n) => acquire(at, n, 1))).map(answerOf)
    expect(answers.map(({ outcome }) => outcome)).toEqual(['granted', 'granted', 'granted', 'granted'])
  })

  it('is acquired once by a numbered command, however late its copy comes', () => {
    const box = sessions()
    box.run(open(1))
    const command = acquire(door, 1, 1, {}, numbered(1, 1))
    const first = box.run(command)
    expect(tokenOf(first)).toBe(1)
    box.run(release(door, 1))
    expect(box.run(command)).toEqual(first)
    expect(standing(box, door)).toEqual({ holders: [], waiters: [] })
  })
})

describe('what ends', () => {
  it('a lease gives its grants to the next, whose token is higher, in the same entry', () => {
    const box = sessions()
    box.apply([acquire(door, 1, 1), acquire(door, 2, 2)])
    box.apply([keepAlive(2)], 5000)
    box.apply([], 10_000)
    expect(standing(box, door)).toEqual({ holders: [2], waiters: [] })
    expect(heldBy(box, door, 2)).toBe(4)
  })

  it('a revoked lease does so, too, and takes its waiters out', () => {
    const box = sessions()
    box.apply([acquire(door, 1, 1), acquire(door, 2, 2), acquire(door, 3, 1), acquire(door, 4, 4)])
    box.run(revoke(1))
    expect(standing(box, door)).toEqual({ holders: [2], waiters: [4] })
    box.run(revoke(2))
    expect(standing(box, door)).toEqual({ holders: [4], waiters: [] })
  })

  it('a waiter whose lease is due but not swept is passed over', () => {
    const box = sessions({ limits: { leaseExpiriesPerEntry: 1 } })
    box.apply([acquire(door, 1, 5), acquire(door, 2, 4), acquire(door, 3, 3)])
    box.apply([keepAlive(3)], 9000)
    // Leases 1, 2, 4 and 5 are due now; one of them is swept.
    box.apply([], 10_000)
    expect(box.machine.leaseCount).toBe(4)
    expect(standing(box, door)).toEqual({ holders: [], waiters: [3] })
    expect(answerOf(box.apply([acquire(door, 3, 3)], 9000)[0])).toMatchObject({ outcome: 'granted' })
  })

  it('a lock that is held by nobody who counts is free to one who does not wait', () => {
    const box = sessions({ limits: { leaseExpiriesPerEntry: 1 } })
    box.apply([acquire(door, 1, 5), acquire(door, 2, 4)])
    box.apply([keepAlive(3)], 9000)
    const [refused, granted] = box.apply([release(door, 1), acquire(door, 3, 3, { wait: false })], 10_000)
    expect([codeOf(refused as Uint8Array), answerOf(granted).outcome]).toEqual(['NotHeld', 'granted'])
    expect(standing(box, door)).toEqual({ holders: [3], waiters: [] })
  })

  it('a grant that was held for as long as it may be goes to the next', () => {
    const box = sessions()
    box.apply([acquire(door, 1, 1, { maxHoldMs: 3000 }), acquire(door, 2, 2, { maxHoldMs: 2000 })], 1000)
    expect(box.machine.nextDeadline).toBe(4000)
    expect(inspect(box, door, 0, 1500).holders[0]).toMatchObject({ maxHoldMs: 3000, deadline: 4000, remainingMs: 2500 })
    box.apply([], 3999)
    expect(standing(box, door)).toEqual({ holders: [1], waiters: [2] })
    box.apply([], 4500)
    expect(standing(box, door)).toEqual({ holders: [2], waiters: [] })
    // The time of the second begins with its grant.
    expect(box.machine.nextDeadline).toBe(6500)
    expect(codeOf(box.apply([release(door, 1)], 4500)[0] as Uint8Array)).toBe('NotHeld')
    box.apply([], 6500)
    expect(standing(box, door)).toEqual({ holders: [], waiters: [] })
    expect(box.machine.nextDeadline).toBe(10_000)
  })

  it('leases and grants end in the order of their deadlines, as many as one entry may', () => {
    const box = sessions({ limits: { leaseExpiriesPerEntry: 2 } })
    const gates = [1, 2, 3].map((n) => resource(`gate ${n}`))
    box.apply(gates.map((at, n) => acquire(at, n, 5, { maxHoldMs: 3000 - n * 1000 })))
    box.apply([], 9000)
    const left = gates.filter((at) => box.get(syncKey(at, gates.indexOf(at) + 1)) !== undefined)
    expect(left).toEqual([gates[0]])
    expect(inspect(box, gates[0] as (typeof gates)[0]).holding).toBe(0)
    box.apply([], 9000)
    expect(box.machine.keyCount).toBe(0)
  })
})

describe('a cancel', () => {
  it('takes a waiter out, and gives back what was granted meanwhile', () => {
    const box = sessions()
    box.apply([acquire(door, 1, 1), acquire(door, 2, 2), acquire(door, 3, 3)])
    expect(cancelOf(box.run(cancel(door, 2, 2)))).toBe('removed')
    expect(cancelOf(box.run(cancel(door, 1, 1)))).toBe('released')
    expect(standing(box, door)).toEqual({ holders: [3], waiters: [] })
  })

  it('that comes before its acquire wins, as long as the lease lives', () => {
    const box = sessions()
    expect(box.apply([cancel(door, 1, 1), cancel(door, 1, 1)]).map(cancelOf)).toEqual(['remembered', 'remembered'])
    expect(box.machine.revision).toBe(1)
    box.flush()
    box.restart()
    const refused = errorOf(box.run(acquire(door, 1, 1)))
    expect([refused.code, refused.executed]).toEqual(['Cancelled', 'no'])
    expect(answerOf(box.run(acquire(door, 2, 1))).outcome).toBe('granted')
    box.run(revoke(1))
    expect(box.machine.keyCount).toBe(0)
  })

  it('for a lease that is gone leaves nothing', () => {
    const box = sessions()
    expect(cancelOf(box.run(cancel(door, 1, 9)))).toBe('remembered')
    expect(box.machine.revision).toBe(0)
  })

  it('of a writer at the head lets the readers behind it in', () => {
    const box = sessions()
    box.apply([acquire(book, 1, 1, shared), acquire(book, 2, 2, writer), acquire(book, 3, 3, shared)])
    expect(standing(box, book)).toEqual({ holders: [1], waiters: [2, 3] })
    box.run(cancel(book, 2, 2))
    expect(standing(box, book)).toEqual({ holders: [1, 3], waiters: [] })
  })
})

describe('what is shared', () => {
  it('has readers together, each under a token of its own, and a writer alone', () => {
    const box = sessions()
    box.apply([acquire(book, 1, 1, writer), acquire(book, 2, 2, shared), acquire(book, 3, 3, shared)])
    box.run(release(book, 1))
    expect(standing(box, book)).toEqual({ holders: [2, 3], waiters: [] })
    const tokens = inspect(box, book).holders.map(({ token }) => token)
    expect(tokens).toEqual([5, 6])
    expect(answerOf(box.run(acquire(book, 4, 4, writer)))).toMatchObject({ outcome: 'queued', ahead: 2 })
    box.run(release(book, 6))
    expect(standing(box, book)).toEqual({ holders: [2], waiters: [4] })
    box.run(release(book, 5))
    expect(standing(box, book)).toEqual({ holders: [4], waiters: [] })
  })

  it('is fair: readers that come after a waiting writer wait behind it, those without patience are refused', () => {
    const box = sessions()
    box.apply([acquire(book, 1, 1, shared), acquire(book, 2, 2, writer)])
    const [patient, hasty] = box
      .apply([acquire(book, 3, 3, shared), acquire(book, 4, 4, { ...shared, wait: false })])
      .map(answerOf)
    expect([patient?.outcome, hasty?.outcome]).toEqual(['queued', 'held'])
    box.run(release(book, 1))
    expect(standing(box, book)).toEqual({ holders: [2], waiters: [3] })
  })

  it('has as many holders as its capacity, and all must agree about it', () => {
    const box = sessions()
    const pool = resource('pool', syncKinds.semaphore)
    const permit = { mode: 'shared', capacity: 2 } as const
    box.apply([acquire(pool, 1, 1, permit), acquire(pool, 2, 2, permit), acquire(pool, 3, 3, permit)])
    expect(standing(box, pool)).toEqual({ holders: [1, 2], waiters: [3] })
    const refused = errorOf(box.run(acquire(pool, 4, 4, { ...permit, capacity: 3 })))
    expect(refused).toMatchObject({ code: 'CapacityMismatch', details: { capacity: 2 } })
    box.run(release(pool, 2))
    expect(standing(box, pool)).toEqual({ holders: [1, 3], waiters: [] })
    box.apply([revoke(1), revoke(3)])
    expect(answerOf(box.run(acquire(pool, 4, 4, { ...permit, capacity: 3 }))).outcome).toBe('granted')
  })
})

describe('a proclamation', () => {
  it('replaces the value of a holder, keeps its token, and is seen at its key', () => {
    const box = sessions()
    const seat = resource('seat', syncKinds.leader)
    box.apply([acquire(seat, 1, 1, { value: utf8('a'), maxHoldMs: 5000 }), acquire(seat, 2, 2)], 100)
    expect(box.apply([proclaim(seat, 1, 'b'), proclaim(seat, 2, 'c')], 200).map(codeOf)).toEqual(['ok', 'NotHeld'])
    const key = syncKey(seat, 1)
    const record = box.getRecord(key)
    expect(record).toMatchObject({ modRevision: 3, version: 2, lease: 1 })
    const entry = decodeSyncEntry(record?.value as Uint8Array)
    expect({ ...entry, value: text(entry.value), label: text(entry.label) }).toEqual({
      ...{ acquireId: acquireId(1), mode: 'exclusive', capacity: 1, token: 1, sinceMs: 100 },
      ...{ maxHoldMs: 5000, deadline: 5100, label: 'label 1', value: 'b' },
    })
    expect(decodeSyncKey(key)).toEqual({ ...seat, sequence: 1 })
    box.apply([], 5100)
    expect(codeOf(box.run(proclaim(seat, 1, 'd')))).toBe('NotHeld')
  })
})
