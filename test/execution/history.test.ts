import { describe, expect, it } from 'vitest'
import { latin1, text, utf8 } from '../../base/index.ts'
import {
  blockKey,
  decodeHistoryResult,
  decodeResult,
  encodeCompactArgs,
  encodeHistoryArgs,
  encodeRangeArgs,
} from '../../execution/index.ts'
import type { Machine } from '../../execution/index.ts'
import { Box, call, codeOf, del, errorOf, payloadOf, put, revisionOf } from './harness.ts'

const compact = (revision: number) => call('kv', 'compact', encodeCompactArgs(revision))
const all = { start: utf8('k'), fromKey: true }
const keysOf = (box: Box, revision: number) => box.range({ ...all, revision }).records.map((r) => latin1(r.key))
const sizeOf = (box: Box) => [...box.disk.values()].reduce((sum, { length }) => sum + length, 0)

const revisionsFrom = (machine: Machine, from: number): number[] => {
  const seen: number[] = []
  machine.visitEvents(from, (event) => seen.push(event.revision) > 0)
  return seen
}

const versionsOf = (box: Box, key: string) => {
  const answer = box.machine.query('kv', 'history', encodeHistoryArgs({ key: utf8(key) }))
  return decodeHistoryResult(payloadOf(answer)).versions.map((r) => [r.modRevision, r.deleted, text(r.value)])
}

/** `count` puts over ten keys, 100 an entry. */
const fill = (box: Box, count: number): void => {
  for (let done = 0; done < count; done += 100) {
    box.apply(Array.from({ length: 100 }, (_, i) => put(`k${(done + i) % 10}`, `${done + i}`)))
  }
}

describe('compaction', () => {
  it('moves the first readable revision, takes no revision, and refuses what is compacted or to come', () => {
    const box = new Box()
    box.apply([put('k', 'a'), put('k', 'b'), put('k', 'c')])
    expect(revisionOf(box.run(compact(2)))).toBe(3)
    expect(box.machine.compactRevision).toBe(2)
    expect(errorOf(box.run(compact(2)))).toMatchObject({ code: 'Compacted', details: { compactRevision: 2 } })
    expect(errorOf(box.run(compact(1))).code).toBe('Compacted')
    expect(errorOf(box.run(compact(4)))).toMatchObject({ code: 'FutureRevision', details: { revision: 3 } })
    expect(box.machine.revision).toBe(3)
  })

  it('may come while what it drops is moved to another block, and while what comes next takes its place', () => {
    const box = new Box({ garbageBytes: 0 })
    const values = new Map<string, string>()
    const fillSome = (count: number, from: number): void => {
      const keys = Array.from({ length: count }, (_, i) => [`k${(i * 7) % 10}`, `${from + i}`] as const)
      for (const [key, value] of keys) values.set(key, value)
      box.apply(keys.map(([key, value]) => put(key, value)))
    }
    box.apply(Array.from({ length: 100 }, (_, i) => put(`k${i % 10}`, 'x')))
    for (let round = 0; round < 20; round++) {
      fillSome(40, 100 * round)
      box.flush()
      // of what is kept now, a part goes while it is on its way
      box.run(compact(box.machine.revision - 45))
      fillSome(2, 100 * round + 40)
      expect(box.seal()).toBe(true)
      box.run(compact(box.machine.revision - 15))
      fillSome(15, 100 * round + 50)
      box.write()
      box.flushed()
      for (const [key, value] of values) expect(box.get(key)).toBe(value)
    }
    // half of the blocks that were written have been moved into others
    expect(box.disk.size).toBeLessThan(20)
    box.flush()
    const hash = box.hash()
    box.restart()
    expect(box.hash()).toBe(hash)
    for (const [key, value] of values) expect(box.get(key)).toBe(value)
  })

  it('keeps the events at its revision, a delete too, and tells nothing of what they replaced', () => {
    const box = new Box()
    box.apply([put('k', 'a'), del({ start: utf8('k') }), put('k', 'b'), compact(2)])
    const seen: unknown[] = []
    box.machine.visitEvents(2, ({ revision, kind }) => seen.push([revision, kind]) > 0)
    expect(seen).toEqual([
      [2, 'delete'],
      [3, 'put'],
    ])
    expect(versionsOf(box, 'k')).toEqual([
      [3, false, 'b'],
      [2, true, ''],
    ])
    expect(() => box.machine.visitEvents(1, () => true)).toThrow(
      expect.objectContaining({ code: 'Compacted', details: { compactRevision: 2 } }),
    )
    expect(box.machine.damage).toBeUndefined()
    expect(revisionsFrom(box.machine, 9)).toEqual([])
  })

  it('keeps historyRevisions of history by itself', () => {
    const box = new Box({ limits: { historyRevisions: 50 } })
    fill(box, 300)
    expect(box.machine.compactRevision).toBe(250)
    expect(keysOf(box, 250).length).toBe(10)
    expect(revisionsFrom(box.machine, 250)).toEqual(Array.from({ length: 51 }, (_, i) => 250 + i))
  })

  it('keeps what is younger than historyMs, and drops what is older by more than a small part of it', () => {
    const historyMs = 6400
    const box = new Box({ limits: { historyMs } })
    const at: number[] = []
    for (let now = 10; now < 40_000; now += 37) {
      at[box.machine.revision + 1] = now
      box.apply([put(`k${now % 7}`, 'v')], now)
      const { compactRevision } = box.machine
      expect(at[compactRevision] ?? 0).toBeLessThanOrEqual(now - historyMs < 0 ? 0 : now - historyMs)
      expect(at[compactRevision + 1] as number).toBeGreaterThan(now - historyMs - historyMs / 64 - 2 * 37)
    }
    box.flush()
    const copy = new Box(box.options, new Map(box.disk))
    for (const one of [box, copy]) one.apply([put('k', 'late')], 50_000)
    expect(copy.machine.compactRevision).toBe(box.machine.compactRevision)
    expect(copy.hash()).toBe(box.hash())
  })

  it('of a long history is seen at once and freed bit by bit, alike before and after a restart in between', () => {
    const box = new Box({ garbageBytes: 0 })
    const steady = new Box()
    for (const one of [box, steady]) fill(one, 20_000)
    box.flush()
    for (const one of [box, steady]) expect(codeOf(one.run(compact(19_990)))).toBe('ok')
    const expectAlike = (): void => {
      expect(box.hash()).toBe(steady.hash())
      expect(codeOf(box.machine.query('kv', 'range', encodeRangeArgs({ ...all, revision: 19_989 })))).toBe('Compacted')
      expect(revisionsFrom(box.machine, 19_990)).toEqual(revisionsFrom(steady.machine, 19_990))
      expect(box.range({ ...all, revision: 19_995 })).toEqual(steady.range({ ...all, revision: 19_995 }))
      expect(versionsOf(box, 'k3')).toEqual(versionsOf(steady, 'k3'))
    }
    const grown = sizeOf(box)
    for (let i = 0; i < 8; i++) {
      for (const one of [box, steady]) one.run(put('other', `${i}`))
      expectAlike()
      box.flush()
      if (i % 2 === 0) box.restart()
      expectAlike()
    }
    expect(sizeOf(box)).toBeLessThan(grown / 4)
  })

  it('lets the state after raising the revision begin anew: what came before can not be read', () => {
    const box = new Box()
    box.apply([put('k', 'a'), put('k', 'b'), del({ start: utf8('k') }), put('k1', 'c')])
    box.flush()
    box.restart()
    box.machine.raiseRevision(1_000_000_000)
    expect([box.machine.revision, box.machine.compactRevision]).toEqual([1_000_000_004, 1_000_000_004])
    expect(revisionsFrom(box.machine, 1_000_000_004)).toEqual([])
    expect(errorOf(box.machine.query('kv', 'range', encodeRangeArgs({ ...all, revision: 4 }))).code).toBe('Compacted')
    expect(keysOf(box, 1_000_000_004)).toEqual(['k1'])
    const before = box.hash()
    box.flush()
    box.restart()
    expect(box.hash()).toBe(before)
    expect(versionsOf(box, 'k')).toEqual([])
  })
})

describe('history', () => {
  it('pages over one revision while keys come, change and go', () => {
    const box = new Box()
    box.apply(Array.from({ length: 1000 }, (_, i) => put(`k${String(i).padStart(4, '0')}`, 'old')))
    const { revision } = box.machine
    const seen: string[] = []
    let start = 'k'
    for (let page = 0; ; page++) {
      const answer = box.range({ start: utf8(start), fromKey: true, revision, limit: 64 })
      seen.push(...answer.records.map((r) => latin1(r.key)))
      expect(answer.records.every((r) => text(r.value) === 'old')).toBe(true)
      expect(answer.count).toBe(1000 - 64 * page)
      if (!answer.more) break
      start = `${seen.at(-1)}\0`
      const name = (n: number) => `k${String((page * 64 + n) % 1000).padStart(4, '0')}`
      box.apply([put(name(70), 'new'), del({ start: utf8(name(90)) }), put(`${name(80)}x`, 'new')])
    }
    expect(seen).toEqual(Array.from({ length: 1000 }, (_, i) => `k${String(i).padStart(4, '0')}`))
  })

  it('is bounded in what a range may look at, and says so before anything else', () => {
    const box = new Box({ limits: { rangeScanKeys: 20, rangeBytes: 4000 } })
    box.apply(Array.from({ length: 21 }, (_, i) => put(`k${i}`, 'x'.repeat(300))))
    const refused = (request: object) =>
      errorOf(box.machine.query('kv', 'range', encodeRangeArgs({ ...all, ...request })))
    expect(refused({ sort: 'mod', limit: 1 })).toMatchObject({
      code: 'LimitExceeded',
      details: { name: 'rangeScanKeys' },
    })
    expect(refused({ minModRevision: 3 })).toMatchObject({ code: 'LimitExceeded', details: { name: 'rangeScanKeys' } })
    expect(box.range({ ...all, sort: 'mod', countOnly: true }).count).toBe(21)
    expect(box.range({ start: utf8('k1'), end: utf8('k2'), sort: 'mod', reverse: true, limit: 1 }).records.length).toBe(
      1,
    )
    expect(
      errorOf(box.machine.query('kv', 'range', encodeRangeArgs({ start: utf8('k'), end: utf8('k3'), sort: 'value' }))),
    ).toMatchObject({ code: 'LimitExceeded', details: { name: 'rangeBytes' } })
  })

  it('gives the versions of a key newest first, in pages', () => {
    const box = new Box({ limits: { rangeBytes: 240 } })
    box.apply([
      put('k', '1'),
      put('k', '2'),
      del({ start: utf8('k') }),
      put('k', '4'),
      put('other', 'x'),
      put('k', '6'),
    ])
    const page = (revision: number, limit: number) =>
      decodeHistoryResult(
        payloadOf(box.machine.query('kv', 'history', encodeHistoryArgs({ key: utf8('k'), revision, limit }))),
      )
    expect(page(0, 2)).toMatchObject({ revision: 6, compactRevision: 0, more: true })
    expect(page(0, 2).versions.map((r) => [r.modRevision, r.version, r.deleted])).toEqual([
      [6, 2, false],
      [4, 1, false],
    ])
    expect(page(3, 9).versions.map((r) => [r.modRevision, r.version, r.deleted])).toEqual([
      [3, 0, true],
      [2, 2, false],
      [1, 1, false],
    ])
    expect(page(0, 0)).toMatchObject({ more: true, versions: [{}, {}, {}, {}] })
    expect(versionsOf(box, 'nothing')).toEqual([])
  })

  it('that is damaged on disk ends the machine when a read of the past meets it', () => {
    const box = new Box({ cacheBytes: 0 })
    box.apply([put('k', 'old'), put('k', 'new')])
    box.flush()
    const stored = box.disk.get(latin1(blockKey(1))) as Uint8Array
    stored[16 + 56 + 1]! ^= 1
    expect(box.get('k')).toBe('new')
    expect(() => box.machine.visitEvents(1, (event) => event.value().length > 0)).toThrow(
      expect.objectContaining({ code: 'StateDamaged' }),
    )
    expect(decodeResult(box.machine.query('kv', 'get', utf8('k')))).toMatchObject({ error: { code: 'StateDamaged' } })
    expect(() => box.machine.visitEvents(1, () => true)).toThrow(expect.objectContaining({ code: 'StateDamaged' }))
  })

  it('of keys that rested long is moved on, so that their block gives its room back, and what is dead stays so', () => {
    const box = new Box({ garbageBytes: 0, cacheBytes: 0, limits: { historyRevisions: 60 } })
    for (let i = 0; i < 30; i++) box.run(put(`k-cold${i}`, `old${i}`))
    for (let i = 0; i < 600; i++) {
      const cold = `k-cold${(i / 20) | 0}`
      if (i % 20 !== 19) box.run(put(`k-hot${i % 3}`, 'new'.repeat(20)))
      else if (i % 40 === 19) box.run(del({ start: utf8(cold) }))
      else box.run(put(cold, 'new'))
      box.flush()
      box.restart()
      const { compactRevision } = box.machine
      const { records } = box.range({ ...all, revision: Math.max(1, compactRevision) })
      const values = records.filter((r) => latin1(r.key).startsWith('k-cold')).map((r) => text(r.value))
      const changes = Math.max(0, Math.floor((compactRevision - 30) / 20))
      const put0 = Math.min(30, Math.max(1, compactRevision))
      expect(values.length).toBe(put0 - Math.ceil(changes / 2))
      expect(values.filter((value) => value === 'new').length).toBe(Math.floor(changes / 2))
    }
    expect(box.disk.has('b\0\0\0\0\0\0\0\x01')).toBe(false)
    expect(sizeOf(box)).toBeLessThan(2 * (33 + 60) * 150 + 4096)
  })

  it('takes its room on disk while it is kept, and gives it back', () => {
    const box = new Box({ garbageBytes: 4096, cacheBytes: 0, limits: { historyRevisions: 100 } })
    for (let i = 0; i < 600; i++) {
      box.run(put(`k${i % 5}`, 'x'.repeat(500)))
      if (i % 5 === 0) box.run(del({ start: utf8(`k${(i + 2) % 5}`) }))
      box.flush()
      expect(sizeOf(box)).toBeLessThan(2 * 110 * 600 + 32 * 1024)
      let values = 0
      box.machine.visitEvents(Math.max(1, box.machine.compactRevision), (event) => {
        values += event.value().length + (event.previous()?.value.length ?? 0)
        return true
      })
      expect(values).toBeGreaterThanOrEqual(500)
    }
    const hash = box.hash()
    box.restart()
    expect(box.hash()).toBe(hash)
    expect(box.machine.compactRevision).toBe(box.machine.revision - 100)
  })
})
