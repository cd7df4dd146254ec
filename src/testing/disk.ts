/**
 * The disk of a simulated process: it outlives the process, and forgets in a crash what was not synced.
 *
 * Every operation takes a drawn time, and its completion enters the process through its scheduler: a killed process never
 * hears of it, and an operation that had not come to an end has no effect.
 */
import { NitroError, below } from '../../base/index.ts'
import type { FileHandle, Files, Kv, KvFactory, KvRange, KvRecord, Random } from '../../base/index.ts'
import { MemoryFiles, MemoryKvFactory } from '../storage/index.ts'
import type { Life } from './process.ts'
import type { SeededRandom } from './random.ts'
import type { VirtualTime } from './virtual-time.ts'

/** Milliseconds that operations take. */
export interface DiskTiming {
  /** Uniform in [min, max) for everything but syncs. */
  readonly plainMs: readonly [min: number, max: number]
  readonly syncMs: readonly [min: number, max: number]
  /** How often a sync takes up to `stallMs`. */
  readonly stallRate: number
  readonly stallMs: number
}

/** What a decent SSD does, with a hiccup now and then. */
export const defaultDiskTiming: DiskTiming = { plainMs: [0.01, 0.1], syncMs: [0.2, 2], stallRate: 0.005, stallMs: 150 }

/** What a failed sync says. */
export const syncError = 'input/output error'

const syncs = new Set(['sync', 'syncDirectory', 'batch'])

/** Draws that make a crash lose nothing. */
const keepsAll: Random = { u32: () => 0xffff_ffff, bytes: (length) => new Uint8Array(length).fill(0xff) }

/** One disk. */
export class VirtualDisk {
  private readonly name: string
  private readonly time: VirtualTime
  private readonly random: SeededRandom
  private readonly timing: DiskTiming
  private readonly files: MemoryFiles
  private readonly kv: MemoryKvFactory
  private life: Life | undefined
  /** The next sync fails. */
  failing = false
  /** The next record read from the state has a wrong bit. */
  rotten = false

  constructor(name: string, time: VirtualTime, random: SeededRandom, timing: DiskTiming = defaultDiskTiming) {
    this.name = name
    this.time = time
    this.random = random
    this.timing = timing
    this.files = new MemoryFiles({ delay: (operation, bytes) => this.delay(operation, bytes) })
    this.kv = new MemoryKvFactory(this.files, (operation, bytes) => this.delay(operation, bytes))
  }

  /** The ports for one life of the process. */
  mount(life: Life): { readonly files: Files; readonly kv: KvFactory } {
    this.life = life
    return {
      files: this.traced(),
      kv: { open: async (path, options) => this.rotting(await this.kv.open(path, options)) },
    }
  }

  /** Loses power: a random part of what was not synced survives, sector by sector. */
  crash(): void {
    this.life = undefined
    this.files.crash(this.random)
  }

  /** Loses the process but not power: everything written so far survives, open files and locks do not. */
  release(): void {
    this.life = undefined
    this.files.crash(keepsAll)
  }

  private delay(kind: string, bytes: number): Promise<void> {
    const { random, timing, life } = this
    const sync = syncs.has(kind)
    const [min, max] = sync ? timing.syncMs : timing.plainMs
    let ms = random.between(min, max) + bytes / 200_000
    if (sync && random.chance(timing.stallRate)) ms += below(random, timing.stallMs)
    const fails = sync && this.failing
    if (fails) this.failing = false
    return new Promise((resolve, reject) =>
      life?.enter(kind, ms, () => {
        if (fails) reject(new NitroError('DiskFailed', `${kind}: ${syncError}`))
        else resolve()
      }),
    )
  }

  /** A store whose records rot when told to. */
  private rotting(kv: Kv): Kv {
    const read = (value: Uint8Array): Uint8Array => {
      if (!this.rotten || value.length === 0) return value
      this.rotten = false
      const wrong = value.slice()
      const at = below(this.random, wrong.length)
      wrong[at] = (wrong[at] as number) ^ (1 << below(this.random, 8))
      return wrong
    }
    const pages = async function* (range?: KvRange): AsyncGenerator<readonly KvRecord[]> {
      for await (const page of kv.pages(range)) yield page.map(([key, value]): KvRecord => [key, read(value)])
    }
    return {
      pages,
      batch: (changes, options) => kv.batch(changes, options),
      getSync: (key) => {
        const value = kv.getSync(key)
        return value === undefined ? undefined : read(value)
      },
      snapshot: () => kv.snapshot(),
      close: () => kv.close(),
    }
  }

  /** The files, with the bytes of every write in the trace. */
  private traced(): Files {
    const { files } = this
    const wrap = (handle: FileHandle): FileHandle => ({
      size: () => handle.size(),
      read: (offset, length) => handle.read(offset, length),
      write: (offset, data) => {
        this.time.trace.add(this.time.nowMs, this.name, 'write', data)
        return handle.write(offset, data)
      },
      sync: () => handle.sync(),
      truncate: (size) => handle.truncate(size),
      close: () => handle.close(),
    })
    return {
      open: async (path, options) => wrap(await files.open(path, options)),
      readFile: (path) => files.readFile(path),
      list: (directory) => files.list(directory),
      makeDirectory: (directory) => files.makeDirectory(directory),
      rename: (from, to) => files.rename(from, to),
      remove: (path) => files.remove(path),
      syncDirectory: (directory) => files.syncDirectory(directory),
    }
  }
}
