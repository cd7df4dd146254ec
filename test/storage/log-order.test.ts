import { describe, expect, it } from 'vitest'
import { AssertionError, NitroError } from '../../base/index.ts'
import { MemoryFiles } from '../../src/storage/index.ts'
import { ManualTime, contentOf, entriesFrom, entry, openOn, settled } from './harness.ts'

/** A disk that writes down what is done to it, and can be told to fail or to stop. */
class RecordingFiles {
  readonly inner = new MemoryFiles({ delay: (operation, bytes, path) => this.before(operation, bytes, path) })
  readonly calls: string[] = []
  fail: ((operation: string, path: string) => NitroError | undefined) | undefined
  private readonly gates = new Map<string, () => void>()
  private readonly held = new Set<string>()

  /** Lets operations of this kind wait until {@link release}. */
  hold(call: string): void {
    this.held.add(call)
  }

  release(call: string): void {
    this.held.delete(call)
    this.gates.get(call)?.()
  }

  private async before(operation: string, _bytes: number, path: string): Promise<void> {
    const call = `${operation} ${path.slice(path.lastIndexOf('/') + 1)}`
    this.calls.push(call)
    const error = this.fail?.(operation, path)
    if (error !== undefined) throw error
    if (this.held.has(call)) await new Promise<void>((resolve) => this.gates.set(call, resolve))
  }
}

const segment = 'wal-000000000001'
const failed = (): NitroError => new NitroError('DiskFailed', 'sync failed')

describe('a durable write', () => {
  it('is one write and one sync, and resolves only after the sync', async () => {
    const disk = new RecordingFiles()
    const log = await openOn(disk.inner, { create: true, segmentBytes: 1 << 20 })
    await log.write({ entries: entriesFrom(1, 1), hardState: { term: 1, vote: 0, commit: 0 } })
    disk.calls.length = 0
    disk.hold(`sync ${segment}`)
    let resolved = false
    const write = log.write({ entries: entriesFrom(2, 50) }).then(() => (resolved = true))
    await settled()
    expect(disk.calls).toEqual([`write ${segment}`, `sync ${segment}`])
    expect(resolved).toBe(false)
    expect(log.lastIndex()).toBe(1)
    disk.release(`sync ${segment}`)
    await write
    expect(log.lastIndex()).toBe(51)
  })

  it('has term and vote synced in the witness before it resolves, beside the entries', async () => {
    const disk = new RecordingFiles()
    const log = await openOn(disk.inner, { create: true, segmentBytes: 1 << 20 })
    disk.calls.length = 0
    disk.hold('sync witness')
    let resolved = false
    const write = log
      .write({ entries: entriesFrom(1, 1), hardState: { term: 1, vote: 3, commit: 0 } })
      .then(() => (resolved = true))
    await settled()
    expect(disk.calls.toSorted()).toEqual([`sync ${segment}`, 'sync witness', `write ${segment}`, 'write witness'])
    expect(resolved).toBe(false)
    expect(log.hardState.vote).toBe(0)
    disk.release('sync witness')
    await write
    expect(log.hardState).toEqual({ term: 1, vote: 3, commit: 0 })
    disk.inner.crash()
    expect((await openOn(disk.inner)).hardState).toEqual({ term: 1, vote: 3, commit: 0 })
  })

  it('touches only the witness for a vote alone, and nothing for a commit alone', async () => {
    const disk = new RecordingFiles()
    const log = await openOn(disk.inner, { create: true })
    await log.write({ entries: entriesFrom(1, 1), hardState: { term: 1, vote: 0, commit: 0 } })
    disk.calls.length = 0
    await log.write({ entries: [], hardState: { term: 1, vote: 2, commit: 0 } })
    expect(disk.calls).toEqual(['write witness', 'sync witness'])
    disk.calls.length = 0
    await log.write({ entries: [], hardState: { term: 1, vote: 2, commit: 1 } })
    expect(disk.calls).toEqual([])
    expect(log.hardState.commit).toBe(1)
  })

  it('is known to the witness after the interval, and after a close', async () => {
    const disk = new RecordingFiles()
    const time = new ManualTime()
    const log = await openOn(disk.inner, { create: true, scheduler: time, clock: time })
    await log.write({ entries: entriesFrom(1, 1), hardState: { term: 1, vote: 0, commit: 0 } })
    disk.calls.length = 0
    time.advance(19)
    expect(disk.calls).toEqual([])
    time.advance(1)
    await settled()
    expect(disk.calls).toEqual(['write witness', 'sync witness'])
    await log.write({ entries: entriesFrom(2, 1) })
    disk.calls.length = 0
    await log.close()
    expect(disk.calls.slice(0, 2)).toEqual(['write witness', 'sync witness'])
    expect(time.pending).toBe(0)
  })

  it('in a new segment gets its name only after the data is synced, and the name is durable before it resolves', async () => {
    const disk = new RecordingFiles()
    const log = await openOn(disk.inner, { create: true, segmentBytes: 4096 })
    await log.write({ entries: entriesFrom(1, 1, 1, 3000), hardState: { term: 1, vote: 0, commit: 0 } })
    await settled()
    disk.calls.length = 0
    await log.write({ entries: entriesFrom(2, 1, 1, 3000) })
    const relevant = disk.calls.filter((call) => !call.startsWith('open') && !call.startsWith('close'))
    expect(relevant.slice(0, 6)).toEqual([
      'write wal-next.tmp',
      'sync wal-next.tmp',
      'rename wal-next.tmp',
      'syncDirectory log',
      'write witness',
      'sync witness',
    ])
  })

  it('takes the file of a segment that is no longer needed, zeroed and synced, for the next one', async () => {
    const disk = new RecordingFiles()
    const log = await openOn(disk.inner, { create: true, segmentBytes: 4096 })
    await log.write({ entries: entriesFrom(1, 1, 1, 3000), hardState: { term: 1, vote: 0, commit: 0 } })
    await log.write({ entries: entriesFrom(2, 1, 1, 1000) })
    await log.compact(1)
    disk.calls.length = 0
    await log.write({ entries: entriesFrom(3, 1, 1, 1500) })
    await settled()
    const relevant = disk.calls.filter((call) => !call.startsWith('open') && !call.startsWith('size'))
    const own = (call: string): boolean => !call.includes('-000000000002') && !call.includes('witness')
    expect(relevant.filter(own)).toEqual([
      // the entry, in a file that was opened under this name
      'write wal-next.tmp',
      'sync wal-next.tmp',
      'remove wal-next.tmp',
      `rename ${segment}`,
      'write wal-next.tmp',
      'sync wal-next.tmp',
    ])
    await log.write({ entries: entriesFrom(4, 1, 1, 3000) })
    disk.inner.crash()
    const again = await openOn(disk.inner)
    expect([again.firstIndex(), again.lastIndex()]).toEqual([2, 4])
    expect(disk.inner.paths().filter((path) => path.includes('wal-')).length).toBe(2)
  })

  it('takes no file of another size for the next segment', async () => {
    const disk = new RecordingFiles()
    const before = await openOn(disk.inner, { create: true, segmentBytes: 8192 })
    await before.write({ entries: entriesFrom(1, 1, 1, 7000), hardState: { term: 1, vote: 0, commit: 0 } })
    await before.close()
    const log = await openOn(disk.inner, { segmentBytes: 4096 })
    await log.write({ entries: entriesFrom(2, 1, 1, 1000) })
    await log.compact(1)
    await log.write({ entries: entriesFrom(3, 1, 1, 1500) })
    await log.write({ entries: entriesFrom(4, 1, 1, 3000) })
    await log.close()
    const sizes = [...disk.inner.image()].filter(([path]) => path.includes('wal-')).map(([, { length }]) => length)
    expect(sizes.every((size) => size === 4096)).toBe(true)
    expect((await openOn(disk.inner)).lastIndex()).toBe(4)
  })

  it('is not taken while another is under way', async () => {
    const log = await openOn(new MemoryFiles(), { create: true })
    const first = log.write({ entries: entriesFrom(1, 1), hardState: { term: 1, vote: 0, commit: 0 } })
    await expect(log.write({ entries: entriesFrom(2, 1) })).rejects.toThrow(AssertionError)
    await first
  })

  it('asserts what consensus guarantees', async () => {
    const log = await openOn(new MemoryFiles(), { create: true })
    await expect(log.write({ entries: [entry(2, 0)] })).rejects.toThrow(AssertionError)
    await expect(log.write({ entries: [entry(1, 1)] })).rejects.toThrow(AssertionError)
    await log.write({ entries: entriesFrom(1, 3, 1), hardState: { term: 1, vote: 0, commit: 0 } })
    await expect(log.write({ entries: [entry(4, 1), entry(6, 1)] })).rejects.toThrow(AssertionError)
    await log.compact(2)
    await expect(log.write({ entries: [entry(2, 1)] })).rejects.toThrow(AssertionError)
    await expect(log.compact(9)).rejects.toThrow(AssertionError)
    expect(log.failure).toBeUndefined()
  })
})

describe('a failing disk', () => {
  it.each(['sync', 'write'])(
    'poisons the log when a %s fails: it refuses everything from then on',
    async (operation) => {
      const disk = new RecordingFiles()
      const log = await openOn(disk.inner, { create: true })
      await log.write({ entries: entriesFrom(1, 1), hardState: { term: 1, vote: 0, commit: 0 } })
      disk.fail = (what, path) => (what === operation && path.endsWith(segment) ? failed() : undefined)
      await expect(log.write({ entries: entriesFrom(2, 1) })).rejects.toMatchObject({ code: 'DiskFailed' })
      disk.fail = undefined
      expect(log.lastIndex()).toBe(1)
      await expect(log.write({ entries: entriesFrom(2, 1) })).rejects.toMatchObject({ code: 'DiskFailed' })
      await expect(log.compact(1)).rejects.toMatchObject({ code: 'DiskFailed' })
      disk.calls.length = 0
      await log.close()
      expect(disk.calls.filter((call) => /^(write|sync)/.test(call))).toEqual([])
    },
  )

  it('poisons the log when the witness can not be synced in the background', async () => {
    const disk = new RecordingFiles()
    const time = new ManualTime()
    const log = await openOn(disk.inner, { create: true, scheduler: time, clock: time })
    await log.write({ entries: entriesFrom(1, 1), hardState: { term: 1, vote: 0, commit: 0 } })
    disk.fail = (what, path) => (what === 'sync' && path.endsWith('witness') ? failed() : undefined)
    time.advance(20)
    await settled()
    disk.fail = undefined
    expect(log.failure).toBeInstanceOf(NitroError)
    await expect(log.write({ entries: entriesFrom(2, 1) })).rejects.toMatchObject({ code: 'DiskFailed' })
  })

  it('that is full says so, and nothing acknowledged is missing when the log is opened again', async () => {
    const disk = new RecordingFiles()
    const full = (): NitroError => new NitroError('DiskFull', 'no space left')
    const log = await openOn(disk.inner, { create: true, segmentBytes: 4096 })
    disk.fail = (what, path) => (what === 'write' && path.endsWith('.tmp') ? full() : undefined)
    let acknowledged: unknown
    let error: unknown
    for (let index = 1; error === undefined; index++) {
      acknowledged = contentOf(log).entries
      error = await log
        .write({ entries: entriesFrom(index, 1, 1, 500), hardState: { term: 1, vote: 0, commit: 0 } })
        .catch((thrown: unknown) => thrown)
    }
    expect(error).toMatchObject({ code: 'DiskFull', executed: 'maybe' })
    await expect(log.write({ entries: [] })).rejects.toMatchObject({ code: 'DiskFull' })
    await log.close()
    disk.fail = undefined
    disk.inner.crash()
    const again = await openOn(disk.inner)
    expect(contentOf(again).entries).toEqual(acknowledged)
    await again.write({ entries: entriesFrom(again.lastIndex() + 1, 9, 1, 500) })
  })

  it('that was full while the next segment was prepared does no harm once there is space', async () => {
    const disk = new RecordingFiles()
    const log = await openOn(disk.inner, { create: true, segmentBytes: 4096 })
    disk.fail = (what, path) =>
      what === 'write' && path.endsWith('.tmp') ? new NitroError('DiskFull', 'full') : undefined
    await log.write({ entries: entriesFrom(1, 1, 1, 3000), hardState: { term: 1, vote: 0, commit: 0 } })
    await settled()
    expect(log.failure).toBeUndefined()
    disk.fail = undefined
    await log.write({ entries: entriesFrom(2, 1, 1, 3000) })
    expect(log.lastIndex()).toBe(2)
  })
})

describe('a log', () => {
  it('gives a batch larger than a segment a segment of its own', async () => {
    const files = new MemoryFiles()
    const log = await openOn(files, { create: true, segmentBytes: 1024 })
    await log.write({ entries: entriesFrom(1, 3, 1, 5000), hardState: { term: 1, vote: 0, commit: 0 } })
    await log.write({ entries: entriesFrom(4, 1, 1, 10) })
    files.crash()
    expect((await openOn(files, { segmentBytes: 1024 })).lastIndex()).toBe(4)
  })

  it('starts a term without a vote when the last record is of a term it has not answered in', async () => {
    const disk = new RecordingFiles()
    const log = await openOn(disk.inner, { create: true })
    await log.write({ entries: entriesFrom(1, 1, 1), hardState: { term: 1, vote: 2, commit: 0 } })
    disk.fail = (what, path) => (what === 'write' && path.endsWith('witness') ? failed() : undefined)
    const write = log.write({ entries: entriesFrom(2, 1, 5), hardState: { term: 5, vote: 3, commit: 0 } })
    await expect(write).rejects.toMatchObject({ code: 'DiskFailed' })
    disk.fail = undefined
    await settled()
    disk.inner.crash()
    expect((await openOn(disk.inner)).hardState).toEqual({ term: 5, vote: 0, commit: 0 })
  })

  it('makes what it finds durable before anyone relies on it', async () => {
    const disk = new RecordingFiles()
    const log = await openOn(disk.inner, { create: true })
    await log.write({ entries: entriesFrom(1, 1), hardState: { term: 1, vote: 0, commit: 0 } })
    disk.fail = (what, path) => (what === 'sync' && path.endsWith(segment) ? failed() : undefined)
    await expect(log.write({ entries: entriesFrom(2, 1) })).rejects.toMatchObject({ code: 'DiskFailed' })
    disk.fail = undefined
    // only the process died: the record is in the cache, not on the disk
    const again = await openOn(disk.inner)
    expect(again.lastIndex()).toBe(2)
    disk.inner.crash()
    expect((await openOn(disk.inner)).lastIndex()).toBe(2)
  })

  it('bounds reads by size, but gives one entry at least', async () => {
    const log = await openOn(new MemoryFiles(), { create: true })
    await log.write({ entries: entriesFrom(1, 5, 1, 100), hardState: { term: 1, vote: 0, commit: 0 } })
    expect(log.entries(1, 6, 1)).toHaveLength(1)
    expect(log.entries(1, 6, 250)).toHaveLength(2)
    expect(log.entries(2, 4, Number.MAX_SAFE_INTEGER)).toEqual(entriesFrom(2, 2, 1, 100))
    expect(log.entries(1, 7, 1)).toBe('unavailable')
    expect([log.retainedEntries, log.retainedBytes > 500]).toEqual([5, true])
    await log.compact(3)
    expect(log.entries(3, 5, 1)).toBe('compacted')
    expect([log.retainedEntries, log.firstIndex()]).toEqual([2, 4])
  })

  it('finishes a removal of segments that a crash interrupted', async () => {
    const disk = new RecordingFiles()
    const log = await openOn(disk.inner, { create: true, segmentBytes: 1024 })
    for (let index = 1; index <= 9; index++) {
      await log.write({ entries: entriesFrom(index, 1, 1, 400), hardState: { term: 1, vote: 0, commit: 0 } })
    }
    disk.fail = (what, path) => (what === 'remove' && path.endsWith('2') ? failed() : undefined)
    await expect(log.compact(8)).rejects.toMatchObject({ code: 'DiskFailed' })
    disk.fail = undefined
    disk.inner.crash()
    const again = await openOn(disk.inner, { segmentBytes: 1024 })
    expect([again.firstIndex(), again.lastIndex()]).toEqual([9, 9])
    expect((await disk.inner.list('data/log')).filter((name) => /\d$/.test(name))).toHaveLength(1)
  })
})
