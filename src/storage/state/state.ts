/**
 * The directory of the state: numbered databases of which a small checksummed file names the current one.
 *
 *   current      u32 magic, u32 format, u64 number, u32 checksum of all before it
 *   opening      stands while the current database is opened and verified; counts starts that died over it
 *   db-000001/   the databases, with their long values (../values); all but the current one are leftovers and are removed at open
 *   lock/        an empty database that is open as long as the state is: LevelDB's file lock, one process at a time
 *
 * LevelDB can end the process on a damaged table. The marker turns that into an error, once several starts in a row have
 * died: most die for another reason, and a loss of power must not make all nodes give up their state at once. For the same
 * reason a database is not removed before another one has taken its place, however damaged it seems.
 */
import type { Crypto, Files, Kv, KvChange, KvFactory, KvRecord, KvSnapshot, Logger } from '../../../base/index.ts'
import {
  ByteReader,
  ByteWriter,
  NitroError,
  assert,
  isNitroError,
  messageOf,
  replaceFile,
  silentLogger,
} from '../../../base/index.ts'
import { lockDirectory } from '../lock.ts'
import { openSeparated } from '../values/separated.ts'
import type { SeparatedKv } from '../values/separated.ts'

const pointerName = 'current'
const markerName = 'opening'
const magic = 0x3144534e
/** 2 since long values lie in files of their own. */
const format = 2

/** Starts in a row that may die while they open a database before the database is suspected. */
const deathsMax = 3

function databaseName(number: number): string {
  return `db-${String(number).padStart(6, '0')}`
}

function databaseNumber(name: string): number | undefined {
  return /^db-\d{6,}$/.test(name) ? Number(name.slice(3)) : undefined
}

function damaged(directory: string, reason: string, cause?: unknown): NitroError {
  return new NitroError('StateDamaged', `the state in ${directory} can't be used: ${reason}`, {
    details: { directory, reason },
    cause,
  })
}

function encodePointer(crypto: Crypto, number: number): Uint8Array {
  const writer = new ByteWriter(24)
  writer.u32(magic)
  writer.u32(format)
  writer.u64(number)
  writer.u32(crypto.crc32(writer.view()))
  return writer.take()
}

function decodePointer(crypto: Crypto, bytes: Uint8Array): number | undefined {
  return formatOf(crypto, bytes) === format ? new ByteReader(bytes, 8).u64() : undefined
}

/** The format that an intact pointer names. */
function formatOf(crypto: Crypto, bytes: Uint8Array): number | undefined {
  if (bytes.length !== 20) return undefined
  const reader = new ByteReader(bytes)
  if (reader.u32() !== magic || new ByteReader(bytes, 16).u32() !== crypto.crc32(bytes.subarray(0, 16)))
    return undefined
  return reader.u32()
}

/** Options of {@link openState}. */
export interface StateOptions {
  readonly files: Files
  readonly kv: KvFactory
  readonly crypto: Crypto
  readonly logger?: Logger | undefined
  /** Stored values of this length or more lie in files of their own, each closed when it has reached `valueFileBytes`. */
  readonly longValueBytes: number
  readonly valueFileBytes: number
  /** The data directory; the state lives in `state/` in it. */
  readonly directory: string
  /** Whether the node's identity says that there must be a state. */
  readonly expected: boolean
  /** Open it even if an earlier open did not come to its end. For a node that has nobody to rebuild from. Default false. */
  readonly ignoreMarker?: boolean | undefined
  /** Called at every durability boundary. */
  readonly hooks?: ((point: string) => void) | undefined
}

/**
 * Opens the current database. Throws `StateDamaged` (details.reason) when the pointer is damaged, or missing though
 * expected; when the last three opens did not come to their ends; or when the database does. `UnsupportedFormat` for a state of
 * another release. `DirectoryLocked` when another process has it; `DiskFull`, `DirectoryUnusable`.
 */
export function openState(options: StateOptions): Promise<StateDirectory> {
  return withLock(options, openLocked)
}

/**
 * Opens an empty database beside the current one, which can't be used now. What is written to it is gone at the next open,
 * and the current one is opened again, unless a replacement was committed meanwhile. Throws as {@link openState} does.
 */
export function openAside(options: StateOptions): Promise<StateDirectory> {
  return withLock(options, async (own, lock) => {
    const { files, directory } = own
    const numbers = (await files.list(directory)).map((name) => databaseNumber(name) ?? 0)
    const number = Math.max(0, ...numbers) + 1
    const database = await openDatabase(own, `${directory}/${databaseName(number)}`, { create: true })
    return new StateDirectory(own, lock, number, database, 'new')
  })
}

async function withLock(
  options: StateOptions,
  open: (options: StateOptions, lock: Kv) => Promise<StateDirectory>,
): Promise<StateDirectory> {
  const { files, kv } = options
  const directory = `${options.directory}/state`
  await files.makeDirectory(directory)
  const lock = await lockDirectory(files, kv, directory)
  try {
    return await open({ ...options, directory }, lock)
  } catch (error) {
    await lock.close()
    throw error
  }
}

async function openLocked(options: StateOptions, lock: Kv): Promise<StateDirectory> {
  const { files, crypto, directory, expected, logger = silentLogger, hooks: hook = nothing } = options
  const names = await files.list(directory)
  const marker = await files.readFile(`${directory}/${markerName}`)
  // One that can't be read is counted as the first: it stands, so a start has died.
  const deaths = marker === undefined ? 0 : (decodePointer(crypto, marker) ?? 1)
  if (deaths >= deathsMax && options.ignoreMarker !== true) {
    // If nobody has another, the next start tries this one again.
    await removeMarker(files, directory)
    throw damaged(directory, `${deaths} starts in a row died while opening it`)
  }
  const pointer = await files.readFile(`${directory}/${pointerName}`)
  if (pointer === undefined && expected) throw damaged(directory, 'the pointer to the database is missing')
  const madeFor = pointer === undefined ? format : (formatOf(crypto, pointer) ?? format)
  if (madeFor !== format) {
    const message = `the state in ${directory} has format ${madeFor}, and this release reads format ${format} only`
    throw new NitroError('UnsupportedFormat', message, { details: { directory, format: madeFor } })
  }
  const number = pointer === undefined ? 1 : decodePointer(crypto, pointer)
  if (number === undefined) throw damaged(directory, 'the pointer to the database is damaged')
  for (const name of names) {
    const found = databaseNumber(name)
    if (found === undefined || (found === number && pointer !== undefined)) continue
    logger.info({ database: name }, 'removing a database that never came into use')
    await files.remove(`${directory}/${name}`)
  }
  const path = `${directory}/${databaseName(number)}`
  if (pointer === undefined) {
    const database = await openDatabase(options, path, { create: true })
    hook('state:before-pointer')
    await replaceFile(files, directory, pointerName, encodePointer(crypto, number))
    hook('state:after-pointer')
    return new StateDirectory(options, lock, number, database, 'new')
  }
  await replaceFile(files, directory, markerName, encodePointer(crypto, deaths + 1))
  hook('state:after-marker')
  try {
    const database = await openDatabase(options, path, { create: false })
    return new StateDirectory(options, lock, number, database, 'existing')
  } catch (error) {
    // the database is not to blame for these
    if (!isNitroError(error, 'StateDamaged')) await removeMarker(files, directory)
    throw error
  }
}

function openDatabase(
  { files, kv, crypto, longValueBytes, valueFileBytes, hooks: hook = nothing }: StateOptions,
  path: string,
  options: { readonly create: boolean },
): Promise<SeparatedKv> {
  return openSeparated({ files, kv, crypto, longValueBytes, valueFileBytes, hook }, path, options)
}

const nothing = (): void => undefined

const closed = (): NitroError => new NitroError('Closed', 'the state was closed')

/** Removes all state of a data directory, so that the next open makes a new one. */
export async function discardState(files: Files, dataDirectory: string): Promise<void> {
  const directory = `${dataDirectory}/state`
  await files.makeDirectory(directory)
  await files.remove(`${directory}/${pointerName}`)
  await files.syncDirectory(directory)
  for (const name of await files.list(directory)) await files.remove(`${directory}/${name}`)
  await files.syncDirectory(directory)
}

async function removeMarker(files: Files, directory: string): Promise<void> {
  await files.remove(`${directory}/${markerName}`)
  await files.syncDirectory(directory)
}

/** The open state of one node. */
export class StateDirectory {
  /** Whether this open made the database. */
  readonly status: 'new' | 'existing'
  private readonly options: StateOptions
  private readonly hook: (point: string) => void
  private readonly lock: Kv
  private number: number
  private current: SeparatedKv
  private marked: boolean
  /** The replacement that was begun and has not ended. */
  private replacement: Promise<Replacement> | undefined
  private closing = false

  constructor(options: StateOptions, lock: Kv, number: number, current: SeparatedKv, status: 'new' | 'existing') {
    this.options = options
    this.hook = options.hooks ?? nothing
    this.lock = lock
    this.number = number
    this.current = current
    this.status = status
    this.marked = status === 'existing'
  }

  /** The current database; another one after a replacement. */
  get kv(): SeparatedKv {
    return this.current
  }

  /** All records in key order. */
  pages(): AsyncIterable<readonly KvRecord[]> {
    return this.current.pages()
  }

  /** The machine has accepted every record: a crash from now on is not the database's fault, and what no record named goes. */
  async verified(): Promise<void> {
    if (!this.marked) return
    await this.unmark()
    await this.current.tidy()
  }

  private async unmark(): Promise<void> {
    if (!this.marked) return
    await removeMarker(this.options.files, this.options.directory)
    this.marked = false
  }

  /** Applies all changes in one durable batch. */
  async write(changes: readonly KvChange[]): Promise<void> {
    this.hook('state:before-write')
    await this.current.batch(changes, { sync: true })
    this.hook('state:after-write')
  }

  /** The value now, or undefined. */
  getSync(key: Uint8Array): Uint8Array | undefined {
    return this.current.getSync(key)
  }

  /** A view that later writes do not change; must be closed. A replacement ends it. */
  snapshot(): KvSnapshot {
    return this.current.snapshot()
  }

  /** Starts a new database beside the current one; one at a time. Throws `Closed` after {@link close}. */
  async beginReplacement(): Promise<Replacement> {
    assert(this.replacement === undefined, 'one replacement at a time')
    if (this.closing) throw closed()
    this.replacement = this.makeReplacement()
    try {
      return await this.replacement
    } catch (error) {
      this.replacement = undefined
      throw error
    }
  }

  private async makeReplacement(): Promise<Replacement> {
    const { files, directory } = this.options
    const number = this.number + 1
    const path = `${directory}/${databaseName(number)}`
    await files.remove(path)
    const database = await openDatabase(this.options, path, { create: true })
    return new Replacement(database, this.hook, (chosen) => this.endReplacement(database, number, chosen))
  }

  /**
   * Closes the database, after a replacement that is taking its place; one that is not yet is dropped. A state that was not verified
   * is not held against the database, since this is no crash.
   */
  async close(): Promise<void> {
    this.closing = true
    try {
      await (await this.replacement)?.settle()
    } catch (error) {
      const { logger = silentLogger } = this.options
      logger.warn({ reason: messageOf(error) }, 'a replacement of the state did not end well')
    }
    await this.current.close()
    await this.unmark()
    await this.lock.close()
  }

  private async endReplacement(database: SeparatedKv, number: number, chosen: boolean): Promise<void> {
    const { files, crypto, directory } = this.options
    try {
      if (!chosen) {
        await database.close()
        await files.remove(`${directory}/${databaseName(number)}`)
        return
      }
      this.hook('state:before-pointer')
      await replaceFile(files, directory, pointerName, encodePointer(crypto, number))
      this.hook('state:after-pointer')
      const old = this.current
      this.current = database
      this.number = number
      await this.unmark()
      await old.close()
      for (const name of await files.list(directory)) {
        const found = databaseNumber(name)
        if (found !== undefined && found !== number) await files.remove(`${directory}/${name}`)
      }
    } finally {
      this.replacement = undefined
    }
  }
}

/** A database that is being filled to become the current one. */
export class Replacement {
  readonly kv: SeparatedKv
  private readonly hook: (point: string) => void
  private readonly end: (chosen: boolean) => Promise<void>
  private ending: Promise<void> | undefined

  constructor(kv: SeparatedKv, hook: (point: string) => void, end: (chosen: boolean) => Promise<void>) {
    this.kv = kv
    this.hook = hook
    this.end = end
  }

  /** Adds records. Each call is durable when it resolves: LevelDB's sync covers only its newest log file. */
  write(changes: readonly KvChange[]): Promise<void> {
    this.hook('state:before-replacement-write')
    return this.kv.batch(changes, { sync: true })
  }

  /** Makes this the current database by one durable write; the old one is closed and removed. Throws `Closed` when it was dropped. */
  async commit(): Promise<void> {
    if (this.ending !== undefined) throw closed()
    this.ending = this.end(true)
    await this.ending
  }

  /** Drops it. Nothing happens after {@link commit}. */
  async abort(): Promise<void> {
    if (this.ending === undefined) await this.settle()
  }

  /** Drops it, or waits for the end that it is coming to. */
  async settle(): Promise<void> {
    this.ending ??= this.end(false)
    await this.ending
  }
}
