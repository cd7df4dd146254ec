/**
 * The Kv port over classic-level (LevelDB).
 *
 * LevelDB here verifies nothing on reads and may drop damaged records in silence; whoever uses it checks every record
 * (see the port). `createIfMissing` is only set for a first start: with it, a lost CURRENT file would become an empty
 * database without a word.
 */
import { realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import type { Kv, KvChange, KvFactory, KvRange, KvRecord, KvSnapshot } from '../../../base/index.ts'
import { NitroError, messageOf } from '../../../base/index.ts'
import { diskError } from './node-files.ts'

type Level = ClassicLevel<Uint8Array, Uint8Array>
type LevelSnapshot = ReturnType<Level['snapshot']>

const pageRecords = 1000
const pageBytes = 1 << 20

async function* pagesOf(level: Level, range: KvRange = {}, snapshot?: LevelSnapshot): AsyncIterable<KvRecord[]> {
  const iterator = level.iterator({
    ...(range.gte === undefined ? {} : { gte: range.gte }),
    ...(range.lt === undefined ? {} : { lt: range.lt }),
    ...(snapshot === undefined ? {} : { snapshot }),
    highWaterMarkBytes: pageBytes,
  })
  try {
    for (;;) {
      const page = await iterator.nextv(pageRecords)
      if (page.length === 0) return
      yield page
    }
  } catch (error) {
    throw levelError(error, level.location)
  } finally {
    await iterator.close()
  }
}

class LevelKv implements Kv {
  private readonly level: Level

  constructor(level: Level) {
    this.level = level
  }

  async batch(changes: readonly KvChange[], options: { readonly sync: boolean }): Promise<void> {
    try {
      // A batch given as a list costs six times as much: each operation is copied and takes on its options one by one.
      const batch = this.level.batch()
      for (const { key, value } of changes) {
        if (value === undefined) batch.del(key)
        else batch.put(key, value)
      }
      await batch.write(options)
    } catch (error) {
      throw levelError(error, this.level.location)
    }
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.level.getSync(key)
    } catch (error) {
      throw levelError(error, this.level.location)
    }
  }

  pages(range?: KvRange): AsyncIterable<readonly KvRecord[]> {
    return pagesOf(this.level, range)
  }

  snapshot(): KvSnapshot {
    const snapshot = this.level.snapshot()
    return {
      pages: (range) => pagesOf(this.level, range, snapshot),
      close: () => snapshot.close(),
    }
  }

  close(): Promise<void> {
    return this.level.close()
  }
}

/** Opens LevelDB directories. */
export const levelFactory: KvFactory = {
  async open(path, { create }) {
    const level: Level = new ClassicLevel(await onePathOf(path), { keyEncoding: 'view', valueEncoding: 'view' })
    try {
      await level.open({ createIfMissing: create, errorIfExists: create })
    } catch (error) {
      await level.close().catch(() => undefined)
      throw levelError(error, path)
    }
    return new LevelKv(level)
  },
}

/**
 * LevelDB keeps two openers in one process apart by the text of the path, and only processes by the file's lock. So every
 * spelling of a directory must come to the same text, or two nodes in one process would write one log.
 */
async function onePathOf(path: string): Promise<string> {
  try {
    return join(await realpath(dirname(path)), basename(path))
  } catch {
    return path
  }
}

/** The innermost cause tells what LevelDB met; its texts carry the system's error in words only. */
function levelError(thrown: unknown, path: string): NitroError {
  if (thrown instanceof NitroError) return thrown
  let cause = thrown
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause
  const said = messageOf(cause)
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const details = { path, errno: code }
  const fail = (known: 'DirectoryLocked' | 'DiskFull' | 'DirectoryUnusable' | 'StateDamaged'): NitroError =>
    new NitroError(known, `state database ${path}: ${said}`, { details, cause: thrown })
  if (code === 'LEVEL_LOCKED') return fail('DirectoryLocked')
  if (/No space left|File too large|quota exceeded/i.test(said)) return fail('DiskFull')
  if (/Permission denied|Read-only file system|Not a directory/i.test(said)) return fail('DirectoryUnusable')
  if (code.startsWith('E')) return diskError(cause, 'open', path)
  return fail('StateDamaged')
}
