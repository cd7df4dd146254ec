/**
 * The disk of a simulated process: it outlives the process, and forgets in a crash what was not synced.
 *
 * Every operation takes a drawn time, and its completion enters the process through its scheduler: a killed process never
 * hears of it, and an operation that had not come to an end has no effect.
 */
import { NitroError, below } from '../../../base/index.ts'
import type { Files, KvFactory, Random } from '../../../base/index.ts'
import { MemoryFiles, MemoryKvFactory } from '../../storage/index.ts'
import type { Life } from '../process.ts'
import type { SeededRandom } from '../random.ts'
import type { VirtualTime } from '../virtual-time.ts'
import { LogAge } from './age.ts'
import { damageFile } from './damage.ts'
import type { Damage } from './damage.ts'
import { FaultyKvFactory } from './faulty-kv.ts'
import type { KvDamage } from './faulty-kv.ts'

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

/** What a full disk says. */
export const fullError = 'no space left on device'

const syncs = new Set(['sync', 'syncDirectory', 'batch'])
const growing = new Set(['write', 'batch', 'makeDirectory', 'truncate'])

/** Draws that make a crash lose nothing. */
const keepsAll: Random = { u32: () => 0xffff_ffff, bytes: (length) => new Uint8Array(length).fill(0xff) }

/** One disk. */
export class VirtualDisk {
  private readonly name: string
  private readonly time: VirtualTime
  private readonly random: SeededRandom
  private readonly timing: DiskTiming
  private readonly files: MemoryFiles
  private readonly kv: FaultyKvFactory
  private readonly age = new LogAge()
  private life: Life | undefined
  /** The next sync fails. */
  failing = false
  /** There is no room for anything new. */
  full = false

  constructor(name: string, time: VirtualTime, random: SeededRandom, timing: DiskTiming = defaultDiskTiming) {
    this.name = name
    this.time = time
    this.random = random
    this.timing = timing
    this.files = new MemoryFiles({ delay: (operation, bytes) => this.delay(operation, bytes) })
    this.kv = new FaultyKvFactory(
      new MemoryKvFactory(this.files, (operation, bytes) => this.delay(operation, bytes)),
      random.split('state'),
    )
  }

  /** The ports for one life of the process. */
  mount(life: Life): { readonly files: Files; readonly kv: KvFactory } {
    this.life = life
    return { files: this.watched(), kv: this.kv }
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

  /** The next record that is read from the state is wrong. */
  rotState(): void {
    this.kv.rotten = true
  }

  /** The state is found damaged when it is opened next. */
  damageState(damage: KvDamage): void {
    this.kv.ordered = damage
  }

  /** Damages one of the files that `choose` takes now; its path, or undefined when there was nothing to damage. */
  damageFile(damage: Damage, random: SeededRandom, choose: (path: string) => boolean): string | undefined {
    return damageFile(this.files, random, damage, choose, (path, sector) => this.age.aged(path, sector))
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
        else if (this.full && growing.has(kind)) reject(new NitroError('DiskFull', `${kind}: ${fullError}`))
        else resolve()
      }),
    )
  }

  /** The files, with the bytes of every write in the trace, and their age noted. */
  private watched(): Files {
    const { files, age } = this
    return {
      open: async (path, options) => {
        const handle = age.watch(path, await files.open(path, options), options?.create === true)
        return {
          size: () => handle.size(),
          read: (offset, length) => handle.read(offset, length),
          readSync: (offset, length) => this.kv.read(handle.readSync(offset, length)),
          write: (offset, data) => {
            this.time.trace.add(this.time.nowMs, this.name, 'write', data)
            return handle.write(offset, data)
          },
          sync: () => handle.sync(),
          truncate: (size) => handle.truncate(size),
          close: () => handle.close(),
        }
      },
      readFile: (path) => files.readFile(path),
      list: (directory) => files.list(directory),
      makeDirectory: (directory) => files.makeDirectory(directory),
      rename: async (from, to) => {
        await files.rename(from, to)
        age.renamed(from, to)
      },
      remove: (path) => files.remove(path),
      syncDirectory: (directory) => files.syncDirectory(directory),
    }
  }
}
