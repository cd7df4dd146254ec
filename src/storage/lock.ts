/** One process at a time: an empty database that is held open, for the file lock that LevelDB takes on it. */
import type { Files, Kv, KvFactory } from '../../base/index.ts'
import { NitroError, isNitroError } from '../../base/index.ts'

const lockName = 'lock'

/**
 * Locks a directory until the result is closed or the process ends. There is nothing in `lock/` to lose, so a damaged one is
 * made anew. Throws `DirectoryLocked` when another process has it; `DiskFull`, `DirectoryUnusable`.
 */
export async function lockDirectory(files: Files, kv: KvFactory, directory: string): Promise<Kv> {
  const path = `${directory}/${lockName}`
  try {
    return await kv.open(path, { create: false })
  } catch (error) {
    if (isNitroError(error, 'DirectoryLocked')) {
      throw new NitroError('DirectoryLocked', `another process uses ${directory}`, { details: { path }, cause: error })
    }
    if (!isNitroError(error, 'StateDamaged')) throw error
  }
  await files.remove(path)
  return kv.open(path, { create: true })
}
