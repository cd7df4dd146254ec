import { describe, expect, it } from 'vitest'
import { latin1, utf8 } from '../../base/index.ts'
import { EntryBuilder, encodePutArgs } from '../../execution/index.ts'
import { Box, call, codeOf, del, deletedOf, errorOf, numbered, open, put, revisionOf } from './harness.ts'

const blocksOf = (box: Box): string[] => [...box.disk.keys()].filter((key) => key.startsWith('b')).sort()
const sizeOf = (box: Box): number =>
  blocksOf(box).reduce((sum, key) => sum + (box.disk.get(key) as Uint8Array).length, 0)

describe('entries', () => {
  it('are applied command by command, and count as a whole', () => {
    const box = new Box()
    const builder = new EntryBuilder()
    for (const name of ['a', 'b']) builder.add(put(name, 'v'))
    box.machine.startEntry(1, 3, builder.finish(50, 60))
    const seen: number[] = []
    expect(box.machine.step((position) => seen.push(position))).toBe(true)
    expect(box.get('a')).toBe('v')
    expect(box.get('b')).toBeUndefined()
    expect(box.machine.appliedIndex).toBe(0)
    expect(() => box.machine.seal()).toThrow(/whole entries/)
    expect(() => box.machine.finishEntry()).toThrow(/every command/)
    expect(box.machine.step((position) => seen.push(position))).toBe(true)
    expect(box.machine.step((position) => seen.push(position))).toBe(false)
    box.machine.finishEntry()
    expect(seen).toEqual([0, 1])
    expect(box.machine).toMatchObject({ appliedIndex: 1, appliedTerm: 3, revision: 2, logTime: 50, wallTime: 60 })
  })

  it('never turn log time back, but wall time as the leader says', () => {
    const box = new Box()
    box.apply([], 50, 60)
    box.apply([], 40, 30)
    expect(box.machine).toMatchObject({ logTime: 50, wallTime: 30 })
  })

  it('must follow each other without a gap, in terms that do not fall', () => {
    const box = new Box()
    const entry = new EntryBuilder().finish(0, 0)
    expect(() => box.machine.startEntry(2, 1, entry)).toThrow(/entry 2 after 0/)
    box.machine.skipEntry(1, 5)
    expect(() => box.machine.startEntry(2, 4, entry)).toThrow(/term 4 after 5/)
    expect(() => box.machine.startEntry(1, 5, entry)).toThrow(/entry 1 after 1/)
  })

  it('of another version stop the node before any of their commands has an effect', () => {
    for (const last of [Uint8Array.of(4, 1, 1), Uint8Array.of(0, 9, 1), Uint8Array.of(0, 1, 9)]) {
      const box = new Box()
      const builder = new EntryBuilder()
      builder.add(put('k', 'v'))
      builder.add(last)
      expect(() => box.applyEntry(builder.finish(9, 9))).toThrow(expect.objectContaining({ code: 'UnsupportedFormat' }))
      expect(box.machine).toMatchObject({ revision: 0, keyCount: 0, logTime: 0 })
    }
  })

  it('with a malformed command answer it with an error, the same on every node', () => {
    const box = new Box()
    const results = box.apply([
      Uint8Array.of(1, 2),
      call('kv', 'put', Uint8Array.of(5)),
      call('kv', 'put', new Uint8Array()),
      put('k', 'v'),
    ])
    expect(results.map(codeOf)).toEqual(['MalformedFrame', 'MalformedFrame', 'MalformedFrame', 'ok'])
  })

  it('count on from a raised revision, also after a restart', () => {
    const box = new Box()
    box.run(put('a', '1'))
    const hash = box.hash()
    box.machine.raiseRevision(1e9)
    expect(box.hash()).not.toBe(hash)
    box.flush()
    box.restart()
    expect(revisionOf(box.run(put('a', '2')))).toBe(1e9 + 2)
  })

  it('of every kind are part of the hash', () => {
    const applied = (work: (box: Box) => void): string => {
      const box = new Box()
      work(box)
      return box.hash()
    }
    const hashes = [
      applied(() => {}),
      applied((box) => box.machine.skipEntry(1, 1)),
      applied((box) => box.machine.skipEntry(1, 2)),
      applied((box) => box.machine.applyConfiguration(1, 1, utf8('a'))),
      applied((box) => box.machine.applyConfiguration(1, 1, utf8('b'))),
      applied((box) => void box.apply([])),
      applied((box) => void box.apply([], 1)),
      applied((box) => void box.apply([put('a', 'b')])),
      applied((box) => void box.apply([put('a', 'c')])),
      applied((box) => void box.apply([put('b', 'b')])),
      applied((box) => void box.apply([open(1)])),
      applied((box) => void box.apply([open(2)])),
      applied((box) => void box.apply([put('a', 'b'), del({ start: utf8('a') })])),
    ]
    expect(new Set(hashes).size).toBe(hashes.length)
  })
})

describe('the kv program', () => {
  it('counts revisions, creations and versions', () => {
    const box = new Box()
    box.apply([put('a', '1'), put('b', '2'), put('a', '3')])
    expect(box.getRecord('a')).toMatchObject({ createRevision: 1, modRevision: 3, version: 2, lease: 0 })
    expect(deletedOf(box.run(del({ start: utf8('a') })))).toBe(1)
    expect(revisionOf(box.run(put('a', '4')))).toBe(5)
    expect(box.getRecord('a')).toMatchObject({ createRevision: 5, modRevision: 5, version: 1 })
  })

  it('takes one revision for a range delete and none for deleting nothing', () => {
    const box = new Box()
    box.apply(['a', 'b', 'c'].map((name) => put(name, 'v')))
    expect(deletedOf(box.run(del({ start: utf8('b'), fromKey: true })))).toBe(2)
    expect(deletedOf(box.run(del({ start: utf8('b'), fromKey: true })))).toBe(0)
    expect(deletedOf(box.run(del({ start: utf8('z'), end: utf8('a') })))).toBe(0)
    expect(box.machine.revision).toBe(4)
  })

  it('keeps empty values apart from missing ones', () => {
    const box = new Box()
    box.run(put('k', ''))
    box.flush()
    expect(box.get('k')).toBe('')
    expect(box.get('j')).toBeUndefined()
  })

  it('orders keys by their bytes', () => {
    const box = new Box()
    const keys = [
      Uint8Array.of(0xff),
      Uint8Array.of(0x80),
      Uint8Array.of(0x7f, 0xff),
      Uint8Array.of(1),
      Uint8Array.of(0x7f),
    ]
    box.apply(keys.map((key) => put(key, 'v')))
    const answer = box.range({ start: new Uint8Array(), fromKey: true })
    expect(answer.records.map(({ key }) => latin1(key))).toEqual(['\x01', '\x7f', '\x7f\xff', '\x80', '\xff'])
  })

  it('answers keys or counts alone when asked', () => {
    const box = new Box()
    box.apply([put('a', 'value'), put('b', 'value')])
    expect(box.range({ start: utf8('a'), fromKey: true, keysOnly: true }).records[0]?.value.length).toBe(0)
    expect(box.range({ start: utf8('a'), fromKey: true, countOnly: true })).toMatchObject({
      count: 2,
      records: [],
      more: false,
    })
  })

  it('has a limit with a typed error for everything', () => {
    const box = new Box({ limits: { keyBytes: 4, valueBytes: 8, transactionKeys: 2, rangeRecords: 2 } })
    expect(errorOf(box.run(put('', 'v')))).toMatchObject({ code: 'KeyTooLarge', details: { bytes: 0, limit: 4 } })
    expect(codeOf(box.run(put('abcde', 'v')))).toBe('KeyTooLarge')
    expect(errorOf(box.run(put('a', '123456789')))).toMatchObject({ code: 'ValueTooLarge', executed: 'no' })
    expect(codeOf(box.machine.query('kv', 'get', utf8('abcde')))).toBe('KeyTooLarge')
    expect(box.apply(['a', 'b', 'abcd'].map((name) => put(name, '12345678'))).map(codeOf)).toEqual(['ok', 'ok', 'ok'])
    expect(errorOf(box.run(del({ start: utf8('a'), fromKey: true })))).toMatchObject({
      code: 'LimitExceeded',
      details: { name: 'transactionKeys', limit: 2 },
    })
    expect(box.range({ start: utf8('a'), fromKey: true, limit: 9 })).toMatchObject({ count: 3, more: true })
    expect(box.machine.keyCount).toBe(3)
  })

  it('cuts a long answer after at least one record', () => {
    const box = new Box({ limits: { rangeBytes: 500 } })
    box.apply(['a', 'b', 'c', 'd'].map((name) => put(name, 'x'.repeat(200))))
    expect(box.range({ start: utf8('a'), fromKey: true }).records.length).toBe(1)
    box.run(put('a', 'x'.repeat(2000)))
    expect(box.range({ start: utf8('a'), fromKey: true }).records.length).toBe(1)
    expect(box.range({ start: utf8('a'), fromKey: true, keysOnly: true }).records.length).toBe(4)
  })

  it('takes keys longer than a byte can count', () => {
    const box = new Box()
    const key = 'k'.repeat(4096)
    expect(codeOf(box.run(call('kv', 'put', encodePutArgs(utf8(key), utf8('v')))))).toBe('ok')
    expect(box.get(key)).toBe('v')
  })
})

describe('lazy flush', () => {
  it('has nothing to write when nothing was applied', () => {
    const box = new Box()
    expect(box.seal()).toBe(false)
    box.run(put('a', 'b'))
    expect(box.machine.overlayBytes).toBeGreaterThan(0)
    box.flush()
    expect(box.machine.overlayBytes).toBe(0)
    expect(box.seal()).toBe(false)
    box.machine.skipEntry(2, 1)
    expect(box.seal()).toBe(true)
  })

  it('has one batch under way, and takes its end only for that one', () => {
    const box = new Box()
    box.run(put('a', 'b'))
    const flush = box.machine.seal()
    box.run(put('a', 'c'))
    expect(() => box.machine.seal()).toThrow(/one flush/)
    expect(flush).toMatchObject({ appliedIndex: 1, appliedTerm: 1 })
    expect(() => box.machine.flushed({ appliedIndex: 1, appliedTerm: 1, changes: [] })).toThrow(/under way/)
  })

  it('packs records into blocks, and gives a large value its own', () => {
    const box = new Box()
    box.apply([
      ...Array.from({ length: 300 }, (_, i) => put(`k${i}`, 'x'.repeat(1000))),
      put('large', 'y'.repeat(300_000)),
    ])
    box.flush()
    const sizes = blocksOf(box).map((key) => (box.disk.get(key) as Uint8Array).length)
    expect(sizes.length).toBe(4)
    expect(sizes.slice(0, 3).every((size) => size <= 128 * 1024)).toBe(true)
    expect(sizes[3]).toBeGreaterThan(300_000)
    box.restart()
    expect(box.get('large')).toBe('y'.repeat(300_000))
  })

  it('keeps stored bytes near twice the live ones under endless overwriting', () => {
    const box = new Box({ garbageBytes: 4096, limits: { historyRevisions: 1 } })
    const live = 20 * (1000 + 60)
    for (let i = 0; i < 20; i++) box.run(put(`cold${i}`, 'x'.repeat(1000)))
    for (let i = 0; i < 300; i++) {
      box.run(put(`hot${i % 3}`, 'y'.repeat(1000)))
      box.flush()
      expect(sizeOf(box)).toBeLessThan(2 * live + 16 * 1024)
    }
    box.restart()
    expect(box.machine.keyCount).toBe(23)
    expect(box.get('cold7')).toBe('x'.repeat(1000))
  })

  it('forgets tombstones in the end', () => {
    const box = new Box({ garbageBytes: 1, limits: { historyRevisions: 1 } })
    box.apply(Array.from({ length: 50 }, (_, i) => put(`k${i}`, 'v')))
    box.flush()
    box.run(del({ start: utf8('k'), fromKey: true }))
    for (let i = 0; i < 20; i++) {
      box.run(put('other', 'v'))
      box.flush()
    }
    expect(sizeOf(box)).toBeLessThan(1000)
    box.restart()
    expect(box.machine.keyCount).toBe(1)
  })

  it('reads what is being moved while the batch is on its way and after it is written', () => {
    const box = new Box({ garbageBytes: 0, cacheBytes: 0, limits: { historyRevisions: 1 } })
    box.run(put('cold', 'value'))
    box.flush()
    box.run(put('hot', 'x'.repeat(300)))
    box.flush()
    for (let i = 0; i < 20; i++) {
      box.run(put('hot', 'x'.repeat(300)))
      box.seal()
      expect(box.get('cold')).toBe('value')
      box.write()
      expect(box.get('cold')).toBe('value')
      box.flushed()
      expect(box.get('cold')).toBe('value')
    }
    expect(box.disk.has('b\0\0\0\0\0\0\0\x01')).toBe(false)
  })

  it('writes a session once, however often it was used', () => {
    const box = new Box()
    box.apply([open(1), ...Array.from({ length: 100 }, (_, i) => put('k', 'v', numbered(1, i + 1, i)))])
    const flush = box.machine.seal()
    expect(flush?.changes.filter(({ key }) => key[0] === 's'.charCodeAt(0)).length).toBe(1)
    expect(flush?.changes.length).toBe(3)
  })
})
