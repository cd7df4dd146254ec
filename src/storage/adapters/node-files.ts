/** The Files port over node:fs. Callback functions are used on hot paths: they cost less CPU than fs.promises. */
import * as fs from 'node:fs'
import { dirname, resolve as absolute } from 'node:path'
import type { ErrorCode, FileHandle, Files, OpenFileOptions } from '../../../base/index.ts'
import { NitroError, messageOf } from '../../../base/index.ts'

const codeOf: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'NotFound',
  ENOSPC: 'DiskFull',
  EFBIG: 'DiskFull',
  EDQUOT: 'DiskFull',
  EACCES: 'DirectoryUnusable',
  EPERM: 'DirectoryUnusable',
  EROFS: 'DirectoryUnusable',
  ENOTDIR: 'DirectoryUnusable',
}

/** A system error as a NitroError: `NotFound`, `DiskFull`, `DirectoryUnusable`, and `DiskFailed` for all others. */
export function diskError(thrown: unknown, operation: string, path: string): NitroError {
  if (thrown instanceof NitroError) return thrown
  const errno = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown'
  return new NitroError(codeOf[errno] ?? 'DiskFailed', `${operation} ${path}: ${messageOf(thrown)}`, {
    details: { operation, path, errno },
    cause: thrown,
  })
}

type Settle<T> = (error: NodeJS.ErrnoException | null, value: T) => void

function call<T>(operation: string, path: string, start: (settle: Settle<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error === null) resolve(value)
      else reject(diskError(error, operation, path))
    })
  })
}

class NodeFileHandle implements FileHandle {
  private readonly descriptor: number
  private readonly path: string
  /** The system syncs each write itself: one way to the thread pool and back instead of two. */
  private readonly writesAreDurable: boolean
  private isTruncated = false

  constructor(descriptor: number, path: string, writesAreDurable: boolean) {
    this.descriptor = descriptor
    this.path = path
    this.writesAreDurable = writesAreDurable
  }

  async size(): Promise<number> {
    const stats = await call<fs.Stats>('stat', this.path, (settle) => fs.fstat(this.descriptor, settle))
    return stats.size
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    let done = 0
    while (done < length) {
      const count = await call<number>('read', this.path, (settle) =>
        fs.read(this.descriptor, bytes, done, length - done, offset + done, settle),
      )
      if (count === 0) break
      done += count
    }
    return bytes.subarray(0, done)
  }

  readSync(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    let done = 0
    try {
      while (done < length) {
        const count = fs.readSync(this.descriptor, bytes, done, length - done, offset + done)
        if (count === 0) break
        done += count
      }
    } catch (error) {
      throw diskError(error, 'read', this.path)
    }
    return bytes.subarray(0, done)
  }

  write(offset: number, data: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const from = (done: number): void => {
        fs.write(this.descriptor, data, done, data.length - done, offset + done, (error, count) => {
          if (error !== null) reject(diskError(error, 'write', this.path))
          else if (done + count === data.length) resolve()
          else from(done + count)
        })
      }
      from(0)
    })
  }

  async sync(): Promise<void> {
    if (this.writesAreDurable && !this.isTruncated) return
    this.isTruncated = false
    await call('sync', this.path, (settle: Settle<void>) => fs.fdatasync(this.descriptor, (error) => settle(error)))
  }

  truncate(size: number): Promise<void> {
    this.isTruncated = true
    return call('truncate', this.path, (settle: Settle<void>) =>
      fs.ftruncate(this.descriptor, size, (error) => settle(error)),
    )
  }

  close(): Promise<void> {
    return call('close', this.path, (settle: Settle<void>) =>
      fs.close(this.descriptor, (error) => settle(error ?? null)),
    )
  }
}

async function attempt<T>(operation: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw diskError(error, operation, path)
  }
}

/** O_DSYNC where there is such a flag: not on Windows, whatever the types say. */
const synchronous = (fs.constants as { readonly O_DSYNC?: number }).O_DSYNC ?? 0

/** The machine's file system. Relative paths are relative to the working directory. */
export const nodeFiles: Files = {
  async open(path: string, options: OpenFileOptions = {}): Promise<FileHandle> {
    const { O_RDWR, O_CREAT, O_EXCL } = fs.constants
    const durably = options.durableWrites === true ? synchronous : 0
    const flags = O_RDWR | durably | (options.create === true ? O_CREAT | O_EXCL : 0)
    const descriptor = await call<number>('open', path, (settle) => fs.open(path, flags, 0o600, settle))
    return new NodeFileHandle(descriptor, path, durably !== 0)
  },

  async readFile(path: string): Promise<Uint8Array | undefined> {
    try {
      return await fs.promises.readFile(path)
    } catch (thrown) {
      const error = diskError(thrown, 'read', path)
      if (error.code === 'NotFound') return undefined
      throw error
    }
  },

  async list(directory: string): Promise<string[]> {
    try {
      const names = await fs.promises.readdir(directory)
      return names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    } catch (thrown) {
      const error = diskError(thrown, 'list', directory)
      if (error.code === 'NotFound') return []
      throw error
    }
  },

  async makeDirectory(directory: string): Promise<void> {
    await attempt('make directory', directory, async () => {
      const path = absolute(directory)
      const found = await fs.promises.stat(path).catch(() => undefined)
      if (found?.isDirectory() === false) {
        throw new NitroError('DirectoryUnusable', `${directory} is not a directory`, { details: { path: directory } })
      }
      const first = await fs.promises.mkdir(path, { recursive: true, mode: 0o700 })
      if (first === undefined) return
      // a new directory is durable once its parent is synced; `first` is the outermost new one
      for (let at = path; at.length >= first.length; at = dirname(at)) await syncDirectory(dirname(at))
    })
  },

  rename: (from, to) => attempt('rename', from, () => fs.promises.rename(from, to)),

  remove: (path) => attempt('remove', path, () => fs.promises.rm(path, { recursive: true, force: true })),

  syncDirectory,
}

async function syncDirectory(directory: string): Promise<void> {
  // Windows has no way to sync a directory; its renames are journaled
  if (process.platform === 'win32') return
  await attempt('sync directory', directory, async () => {
    const handle = await fs.promises.open(directory, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  })
}
