/**
 * Files as a port: just what a write-ahead log needs.
 *
 * Contract (every adapter passes `test/compliance/files.ts`): data written is visible to later reads at once, but is
 * durable only after `sync` of the file; a created, renamed or removed name is durable only after `syncDirectory` of
 * its directory. Errors are NitroErrors: `NotFound`, `DiskFull`, `DirectoryUnusable`, `DiskFailed`.
 */

/** An open file. */
export interface FileHandle {
  /** Bytes in the file. */
  size(): Promise<number>
  /** Up to `length` bytes from `offset`; fewer only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>
  /** The same at once, for the few bytes that can't be waited for: it blocks the caller. */
  readSync(offset: number, length: number): Uint8Array
  /** Writes all of `data` at `offset`, growing the file if needed. The bytes must not change until it resolves. */
  write(offset: number, data: Uint8Array): Promise<void>
  /** Makes all earlier writes durable (fdatasync). After a failure the handle must not be used again. */
  sync(): Promise<void>
  /** Cuts or extends the file with zeros. */
  truncate(size: number): Promise<void>
  close(): Promise<void>
}

/** How to open a file. */
export interface OpenFileOptions {
  /** Create the file; fails if it exists. Without it a missing file is `NotFound`. */
  readonly create?: boolean
  /**
   * Every write is durable when it resolves, where the system can do that in one step; `sync` says it all the same, and then has
   * nothing left to do. For files of which each write is synced.
   */
  readonly durableWrites?: boolean
}

/** A file system. Paths use `/`. */
export interface Files {
  open(path: string, options?: OpenFileOptions): Promise<FileHandle>
  /** The whole file, or undefined when there is none. */
  readFile(path: string): Promise<Uint8Array | undefined>
  /** Names in a directory in byte order; empty when it does not exist. */
  list(directory: string): Promise<string[]>
  /** Creates a directory and its parents; nothing happens if it exists. */
  makeDirectory(directory: string): Promise<void>
  /** Replaces `to` atomically. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file or a directory with all in it; nothing happens if it does not exist. */
  remove(path: string): Promise<void>
  syncDirectory(directory: string): Promise<void>
}

/** Writes a small file so that after a crash either the old or the new content is there, whole. */
export async function replaceFile(files: Files, directory: string, name: string, data: Uint8Array): Promise<void> {
  const temporary = `${directory}/${name}.tmp`
  await files.remove(temporary)
  const file = await files.open(temporary, { create: true })
  try {
    await file.write(0, data)
    await file.sync()
  } finally {
    await file.close()
  }
  await files.rename(temporary, `${directory}/${name}`)
  await files.syncDirectory(directory)
}
