/**
 * A store that keeps long values out of its database: they are appended to files, and the database holds where (WiscKey, Lu et
 * al., FAST 2016, section 3). A database rewrites what it holds again and again; a block of events is written once, read
 * rarely, and given up in the order in which it came.
 *
 *   values-000001   long values, one behind the other, until the file is long enough
 *   values-000002   ...
 *
 * Order is what makes it safe: a value is durable before the database names it, and a file goes when the database has durably
 * forgotten all that lies in it. So what is in a file beyond that is of no account, and a file is never written to again after
 * an open. Which values a file holds is learnt from the records as they are read; only when all of them have been, and were
 * accepted, does a file that nobody named go ({@link SeparatedKv.tidy}), because a database may forget in silence.
 */
import type {
  Crypto,
  FileHandle,
  Files,
  Kv,
  KvChange,
  KvFactory,
  KvRange,
  KvRecord,
  KvSnapshot,
} from '../../../base/index.ts'
import { NitroError, isNitroError, latin1 } from '../../../base/index.ts'
import { decodeStored, encodeInline, encodePointer } from './pointer.ts'
import type { Pointer } from './pointer.ts'

/** What is read for one page of records, about. */
const pageBytes = 1 << 20

interface ValueFile {
  readonly number: number
  readonly handle: FileHandle
  /** Where the next value goes; nothing beyond it was ever named. */
  end: number
  /** How many values in it are in use. */
  used: number
  isSynced: boolean
}

/** Where the value of a key lies. */
interface Place {
  readonly file: ValueFile
  readonly offset: number
  readonly length: number
}

/** What such a store stands on, and its sizes. */
export interface SeparatedPorts {
  readonly files: Files
  readonly kv: KvFactory
  readonly crypto: Crypto
  /** Values of this length or more go to files. */
  readonly longValueBytes: number
  /** A file that has reached this length gets no more values. */
  readonly valueFileBytes: number
  /** Called between the two steps of a write. */
  readonly hook: (point: string) => void
}

/** Opens a store, with {@link KvFactory.open}'s conditions and errors. The files lie in the database's own directory. */
export async function openSeparated(
  ports: SeparatedPorts,
  path: string,
  options: { readonly create: boolean },
): Promise<SeparatedKv> {
  const kv = await ports.kv.open(path, options)
  try {
    const numbers = (await ports.files.list(path)).map((name) => fileNumber(name) ?? 0)
    return new SeparatedKv(ports, path, kv, Math.max(0, ...numbers) + 1)
  } catch (error) {
    await kv.close()
    throw error
  }
}

function fileNumber(name: string): number | undefined {
  return /^values-\d{6,}$/.test(name) ? Number(name.slice(7)) : undefined
}

/** An open store. Reads throw `StateDamaged` where a value is not what was written. */
export class SeparatedKv implements Kv {
  private readonly ports: SeparatedPorts
  private readonly path: string
  private readonly kv: Kv
  private readonly files = new Map<number, ValueFile>()
  /** By key, for all values that lie in a file. */
  private readonly places = new Map<string, Place>()
  /** The file that is written to. */
  private current: ValueFile | undefined
  private nextNumber: number
  /** Views that may still read what is gone. */
  private views = 0
  private writing: Promise<void> = Promise.resolve()
  private isClosed = false

  constructor(ports: SeparatedPorts, path: string, kv: Kv, nextNumber: number) {
    this.ports = ports
    this.path = path
    this.kv = kv
    this.nextNumber = nextNumber
  }

  batch(changes: readonly KvChange[], options: { readonly sync: boolean }): Promise<void> {
    return this.inTurn(() => this.write(changes, options))
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    this.checkOpen()
    const stored = this.kv.getSync(key)
    if (stored === undefined) return undefined
    const found = this.decode(stored)
    if (found instanceof Uint8Array) return found
    const file = this.files.get(found.file)
    if (file === undefined) throw this.damaged(`file ${found.file} of its values is not there`)
    this.checkPlace(file, found)
    return this.checkValue(found, file.handle.readSync(found.offset, found.length))
  }

  /**
   * `length` bytes of a value from `offset` on, fewer where it ends; undefined when there is no value. Nothing checks them: whoever
   * asks for a part knows what it must be.
   */
  getPartSync(key: Uint8Array, offset: number, length: number): Uint8Array | undefined {
    this.checkOpen()
    const place = this.places.get(latin1(key))
    if (place === undefined) return this.getSync(key)?.subarray(offset, offset + length)
    const rest = Math.max(0, place.length - offset)
    return place.file.handle.readSync(place.offset + offset, Math.min(length, rest))
  }

  pages(range?: KvRange): AsyncIterable<readonly KvRecord[]> {
    return this.resolved(this.kv.pages(range), true)
  }

  snapshot(): KvSnapshot {
    const view = this.kv.snapshot()
    this.views++
    let isOpen = true
    return {
      pages: (range) => this.resolved(view.pages(range), false),
      close: async () => {
        if (!isOpen) return
        isOpen = false
        this.views--
        await view.close()
        await this.inTurn(() => this.removeUnused())
      },
    }
  }

  /** All records have been read, and are accepted: what none of them named goes. */
  tidy(): Promise<void> {
    return this.inTurn(async () => {
      for (const name of await this.ports.files.list(this.path)) {
        const number = fileNumber(name)
        if (number !== undefined && !this.files.has(number)) await this.ports.files.remove(`${this.path}/${name}`)
      }
    })
  }

  async close(): Promise<void> {
    await this.inTurn(async () => {
      if (this.isClosed) return
      this.isClosed = true
      for (const { handle } of this.files.values()) await handle.close()
    })
    await this.kv.close()
  }

  /** One after the other: a file's end is where the last write has left it. */
  private inTurn(run: () => Promise<void>): Promise<void> {
    const done = this.writing.then(run)
    this.writing = done.catch(() => undefined)
    return done
  }

  private async write(changes: readonly KvChange[], options: { readonly sync: boolean }): Promise<void> {
    this.checkOpen()
    const stored: KvChange[] = []
    const places: (Place | undefined)[] = []
    for (const { key, value } of changes) {
      const file =
        value !== undefined && value.length >= this.ports.longValueBytes ? await this.fileForMore() : undefined
      if (value === undefined || file === undefined) {
        places.push(undefined)
        stored.push({ key, value: value === undefined ? undefined : encodeInline(value) })
      } else {
        const pointer = await this.append(file, value)
        places.push({ file, offset: pointer.offset, length: pointer.length })
        stored.push({ key, value: encodePointer(pointer) })
      }
    }
    if (options.sync && this.current?.isSynced === false) {
      await this.sync(this.current)
      this.ports.hook('state:after-values')
    }
    await this.kv.batch(stored, options)
    for (const [at, { key }] of changes.entries()) this.place(latin1(key), places[at])
    await this.removeUnused()
  }

  /** The file that the next value goes to. One that is full is durable before another is begun. */
  private async fileForMore(): Promise<ValueFile> {
    const { current } = this
    if (current !== undefined && current.end < this.ports.valueFileBytes) return current
    if (current?.isSynced === false) await this.sync(current)
    const number = this.nextNumber++
    const handle = await this.ports.files.open(this.pathOf(number), { create: true })
    await this.ports.files.syncDirectory(this.path)
    const file = { number, handle, end: 0, used: 0, isSynced: true }
    this.files.set(number, file)
    this.current = file
    return file
  }

  private async append(file: ValueFile, value: Uint8Array): Promise<Pointer> {
    const offset = file.end
    file.isSynced = false
    await file.handle.write(offset, value)
    file.end += value.length
    return { file: file.number, offset, length: value.length, checksum: this.ports.crypto.crc32(value) }
  }

  private async sync(file: ValueFile): Promise<void> {
    await file.handle.sync()
    file.isSynced = true
  }

  /** The value of a key lies here from now on, or in no file. */
  private place(key: string, place: Place | undefined): void {
    const before = this.places.get(key)
    if (before !== undefined) before.file.used--
    if (place === undefined) this.places.delete(key)
    else {
      this.places.set(key, place)
      place.file.used++
    }
  }

  private async removeUnused(): Promise<void> {
    if (this.views > 0 || this.isClosed) return
    for (const file of this.files.values()) {
      if (file.used > 0 || file === this.current) continue
      this.files.delete(file.number)
      await file.handle.close()
      await this.ports.files.remove(this.pathOf(file.number))
    }
  }

  private async *resolved(
    pages: AsyncIterable<readonly KvRecord[]>,
    isNow: boolean,
  ): AsyncGenerator<readonly KvRecord[]> {
    for await (const page of pages) {
      let out: KvRecord[] = []
      let bytes = 0
      for (const [key, stored] of page) {
        const found = this.decode(stored)
        const value = found instanceof Uint8Array ? found : await this.readPointer(key, found, isNow)
        out.push([key, value])
        bytes += value.length
        if (bytes < pageBytes) continue
        yield out
        out = []
        bytes = 0
      }
      if (out.length > 0) yield out
    }
  }

  private async readPointer(key: Uint8Array, pointer: Pointer, isNow: boolean): Promise<Uint8Array> {
    this.checkOpen()
    const file = this.files.get(pointer.file) ?? (await this.openFile(pointer.file))
    this.checkPlace(file, pointer)
    const name = latin1(key)
    if (isNow && !this.places.has(name)) this.place(name, { file, offset: pointer.offset, length: pointer.length })
    return this.checkValue(pointer, await file.handle.read(pointer.offset, pointer.length))
  }

  /** A file from before this open, which a record names. */
  private async openFile(number: number): Promise<ValueFile> {
    let handle: FileHandle
    try {
      handle = await this.ports.files.open(this.pathOf(number))
    } catch (error) {
      if (isNitroError(error, 'NotFound')) throw this.damaged(`file ${number} of its values is not there`, error)
      throw error
    }
    const end = await handle.size()
    const other = this.files.get(number)
    if (other !== undefined || this.isClosed) await handle.close()
    this.checkOpen()
    const file = other ?? { number, handle, end, used: 0, isSynced: true }
    this.files.set(number, file)
    return file
  }

  private decode(stored: Uint8Array): Uint8Array | Pointer {
    const found = decodeStored(stored)
    if (found === undefined) throw this.damaged('a record is neither a value nor a place')
    return found
  }

  private checkPlace(file: ValueFile, { offset, length }: Pointer): void {
    if (offset + length > file.end) throw this.damaged(`a value lies beyond the end of file ${file.number}`)
  }

  private checkValue({ file, offset, length, checksum }: Pointer, value: Uint8Array): Uint8Array {
    if (value.length === length && this.ports.crypto.crc32(value) === checksum) return value
    throw this.damaged(`the value at ${offset} in file ${file} is not what was written`)
  }

  private checkOpen(): void {
    if (this.isClosed) throw new NitroError('Closed', 'the store is closed')
  }

  private damaged(reason: string, cause?: unknown): NitroError {
    const { path } = this
    return new NitroError('StateDamaged', `state database ${path}: ${reason}`, { details: { path, reason }, cause })
  }

  private pathOf(number: number): string {
    return `${this.path}/values-${String(number).padStart(6, '0')}`
  }
}
