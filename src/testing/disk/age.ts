/**
 * Which parts of a node's log have been on disk for a while: synced, and known to the witness, twice over. Only these may be
 * damaged, since what nobody has noted yet can be lost without a trace.
 */
import type { FileHandle } from '../../../base/index.ts'
import { isLogFile } from './damage.ts'

const sectorBytes = 512
const savesNeeded = 2

const isWitness = (path: string): boolean => path.endsWith('/log/witness')

/** Keeps the age of every sector of the log's files. */
export class LogAge {
  /** Sectors by path: how many saves of the witness had begun when they were synced; infinite before that. */
  private readonly files = new Map<string, Map<number, number>>()
  private savesBegun = 0
  private savesDone = 0

  /** Whether a sector may be damaged. */
  aged(path: string, sector: number): boolean {
    if (!isLogFile(path) || isWitness(path)) return true
    const at = this.files.get(path)?.get(sector)
    return at !== undefined && at + savesNeeded <= this.savesDone
  }

  /** A file of the log got another name. */
  renamed(from: string, to: string): void {
    const sectors = this.files.get(from)
    this.files.delete(from)
    if (sectors !== undefined) this.files.set(to, sectors)
  }

  /** A handle that tells what is written and synced through it. */
  watch(path: string, handle: FileHandle, created: boolean): FileHandle {
    if (!isLogFile(path)) return handle
    if (isWitness(path)) return this.watchWitness(handle)
    const known = created ? undefined : this.files.get(path)
    const sectors = known ?? new Map<number, number>()
    this.files.set(path, sectors)
    return {
      ...bound(handle),
      write: (offset, data) => {
        const last = Math.floor((offset + data.length - 1) / sectorBytes)
        for (let at = Math.floor(offset / sectorBytes); at <= last; at++) sectors.set(at, Infinity)
        return handle.write(offset, data)
      },
      sync: async () => {
        await handle.sync()
        for (const [sector, at] of sectors) if (at === Infinity) sectors.set(sector, this.savesBegun)
      },
    }
  }

  private watchWitness(handle: FileHandle): FileHandle {
    return {
      ...bound(handle),
      write: (offset, data) => {
        this.savesBegun++
        return handle.write(offset, data)
      },
      sync: async () => {
        const begun = this.savesBegun
        await handle.sync()
        this.savesDone = begun
      },
    }
  }
}

/** All methods of a handle, to override some. */
function bound(handle: FileHandle): FileHandle {
  return {
    size: () => handle.size(),
    read: (offset, length) => handle.read(offset, length),
    readSync: (offset, length) => handle.readSync(offset, length),
    write: (offset, data) => handle.write(offset, data),
    sync: () => handle.sync(),
    truncate: (size) => handle.truncate(size),
    close: () => handle.close(),
  }
}
