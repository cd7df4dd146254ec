import { describe, expect, it } from 'vitest'
import { MemoryFiles } from '../../src/storage/index.ts'
import { contentOf, entriesFrom, entry, openOn } from './harness.ts'

const state = (term: number, vote = 0, commit = 0) => ({ term, vote, commit })

describe('a durable log', () => {
  it('begins empty and is still there after a close', async () => {
    const files = new MemoryFiles()
    const log = await openOn(files, { create: true })
    expect([log.firstIndex(), log.lastIndex(), log.term(0)]).toEqual([1, 0, 0])
    expect(log.hardState).toEqual(state(0))
    await log.close()
    const again = await openOn(files)
    expect([again.firstIndex(), again.lastIndex()]).toEqual([1, 0])
  })

  it('has every acknowledged entry and vote after a crash, over many segments', async () => {
    const files = new MemoryFiles()
    const log = await openOn(files, { create: true })
    await log.write({ entries: [], hardState: state(3, 2) })
    for (let index = 1; index <= 100; index += 4) {
      await log.write({ entries: entriesFrom(index, 4, 3, index * 5), hardState: state(3, 2, index - 1) })
    }
    const before = contentOf(log)
    files.crash()
    const again = await openOn(files)
    expect(contentOf(again).entries).toEqual(before.entries)
    expect(again.hardState).toEqual(before.hardState)
    expect((await files.list('data/log')).length).toBeGreaterThan(3)
  })

  it('replaces a suffix by writing lower indexes', async () => {
    const files = new MemoryFiles()
    const log = await openOn(files, { create: true })
    await log.write({ entries: entriesFrom(1, 10, 1), hardState: state(1) })
    await log.write({ entries: entriesFrom(4, 2, 2), hardState: state(2) })
    expect(log.lastIndex()).toBe(5)
    await log.close()
    const again = await openOn(files)
    expect(contentOf(again).entries).toEqual(
      [...entriesFrom(1, 3, 1), ...entriesFrom(4, 2, 2)].map((e) => ({ ...e, data: [...e.data] })),
    )
  })

  it('starts after a snapshot that it does not contain', async () => {
    const files = new MemoryFiles()
    const log = await openOn(files, { create: true })
    await log.write({ entries: entriesFrom(1, 5, 1), hardState: state(1) })
    await log.write({ entries: [entry(21, 3)], hardState: state(3, 0, 20), snapshot: { index: 20, term: 3 } })
    expect([log.firstIndex(), log.lastIndex(), log.term(20), log.term(19)]).toEqual([21, 21, 3, 'compacted'])
    files.crash()
    const again = await openOn(files)
    expect([again.firstIndex(), again.lastIndex(), again.term(20)]).toEqual([21, 21, 3])
  })

  it('keeps what follows a snapshot that it contains', async () => {
    const files = new MemoryFiles()
    const log = await openOn(files, { create: true })
    await log.write({ entries: entriesFrom(1, 5, 1), hardState: state(1) })
    await log.write({ entries: [], snapshot: { index: 3, term: 1 } })
    expect([log.firstIndex(), log.lastIndex()]).toEqual([4, 5])
  })

  it('removes segments once everything in them is compacted, and reopens without them', async () => {
    const files = new MemoryFiles()
    const log = await openOn(files, { create: true })
    for (let index = 1; index <= 60; index++) await log.write({ entries: [entry(index, 1, 300)], hardState: state(1) })
    const before = (await files.list('data/log')).length
    await log.compact(50)
    expect((await files.list('data/log')).length).toBeLessThan(before)
    expect([log.firstIndex(), log.term(50), log.term(49)]).toEqual([51, 1, 'compacted'])
    files.crash()
    const again = await openOn(files)
    expect([again.firstIndex(), again.lastIndex()]).toEqual([51, 60])
  })
})
