/**
 * After a sync that failed, Linux takes what it could not write for written: it is read back from the cache, later syncs work,
 * and a loss of power shows that it never was on the disk. A log that is opened then must not rely on what it reads.
 */
import { describe, expect, test } from 'vitest'
import { MemoryFiles } from '../../src/storage/index.ts'
import { entriesFrom, openOn } from './harness.ts'

/** A disk whose `nth` sync of the file fails; later ones work. */
function failing(): { files: MemoryFiles; failNext: (path: string) => void } {
  let fails: string | undefined
  const files = new MemoryFiles({
    delay(operation, _bytes, path) {
      if (operation !== 'sync' || fails === undefined || !path.includes(fails)) return Promise.resolve()
      fails = undefined
      return Promise.reject(new Error('input/output error'))
    },
  })
  return { files, failNext: (path) => (fails = path) }
}

describe('a log that is opened after a sync failed', () => {
  test.each([
    ['of a segment', 'wal-', 1],
    ['of a segment that had just been begun', 'wal-', 200],
    ['of the witness', 'witness', 1],
  ])('holds what it read, whatever power is lost later: %s', async (_case, path, before) => {
    const { files, failNext } = failing()
    const log = await openOn(files, { create: true })
    for (let index = 1; index <= before; index++) {
      await log.write({ entries: entriesFrom(index, 1), hardState: { term: 1, vote: 1, commit: 0 } })
    }
    failNext(path)
    await expect(
      log.write({
        entries: entriesFrom(before + 1, 1, 1, 1200),
        hardState: { term: 1, vote: path === 'witness' ? 2 : 1, commit: 0 },
      }),
    ).rejects.toThrow('input/output error')
    await log.close().catch(() => undefined)

    const again = await openOn(files)
    const { lastIndex, hardState } = { lastIndex: again.lastIndex(), hardState: again.hardState }
    await again.write({ entries: entriesFrom(lastIndex + 1, 1), hardState: { term: 3, vote: 2, commit: 0 } })
    files.crash()

    const later = await openOn(files)
    expect(later.lastIndex()).toBe(lastIndex + 1)
    expect(later.hardState).toMatchObject({ term: 3, vote: 2 })
    expect(hardState.term).toBe(1)
    await later.close()
  })

  test('keeps a vote that it read, without writing another', async () => {
    const { files, failNext } = failing()
    const log = await openOn(files, { create: true })
    await log.write({ entries: [], hardState: { term: 1, vote: 1, commit: 0 } })
    failNext('witness')
    await expect(log.write({ entries: [], hardState: { term: 2, vote: 3, commit: 0 } })).rejects.toThrow(
      'input/output error',
    )
    await log.close().catch(() => undefined)
    const again = await openOn(files)
    const read = again.hardState
    files.crash()
    const later = await openOn(files)
    expect(later.hardState).toEqual(read)
    await later.close()
  })
})
