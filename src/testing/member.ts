/** A node of a virtual cluster: a process, a disk, and, while it runs, the Node itself. */
import { isNitroError, messageOf, silentMetrics } from '../../base/index.ts'
import type { Files, Logger } from '../../base/index.ts'
import type { MachineLimits, Program } from '../../execution/index.ts'
import type { MemoryNetwork } from '../../net/index.ts'
import { openNode } from '../node/index.ts'
import type { Node } from '../node/index.ts'
import type { ReplicaObserver, ReplicaSizes } from '../replica/index.ts'
import { nodeCrypto } from '../storage/index.ts'
import { simulatedSecrets } from './secrets.ts'
import { VirtualDisk, fullError, syncError } from './disk/disk.ts'
import type { DiskTiming } from './disk/disk.ts'
import { VirtualProcess } from './process.ts'
import type { Life } from './process.ts'
import type { SeededRandom } from './random.ts'
import { socketTransport } from './socket.ts'
import type { Mischief } from './socket.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What all members share. */
export interface MemberWorld {
  readonly time: VirtualTime
  readonly network: MemoryNetwork
  readonly programs: readonly Program[]
  readonly limits: Partial<MachineLimits>
  readonly sizes: Partial<ReplicaSizes>
  readonly tickMs: number
  readonly electionTimeoutMs: number
  readonly disk: DiskTiming
  /** How far clocks run from true time, as a fraction. */
  readonly skew: number
  logger(name: string): Logger
  observer(name: string): ReplicaObserver
  /** A node's process is gone. */
  down(name: string): void
  /** It came to a durability point; whether it loses power there. */
  point(name: string, point: string, powerLost: boolean): void
  /** A node could not be opened, or ended by itself, with this code. */
  failed(name: string, code: string): void
  /** A node could not be opened, or ended by itself, and should not have. */
  ended(name: string, reason: string): void
  /** A node ended as it should after its disk failed, was full, or was damaged beyond repair. */
  gaveUp(name: string, why: 'sync' | 'full' | 'log' | 'identity'): void
}

/** How a node comes into a cluster: as a founder, or by joining. */
export type MemberEntry = { readonly peers: Readonly<Record<string, string>> } | { readonly join: readonly string[] }

/** Whether a node may find its log or identity damaged, or has. */
export type Ruin = 'no' | 'maybe' | 'sure'

/** Where a node listens. */
export const addressOf = (name: string): string => `${name}:7400`

/** A node's data directory. */
export const dataDir = 'data'

const afterDiskFailureMs = 700
const wallOffsetMaxMs = 5_000

/** One node. */
export class Member {
  readonly name: string
  readonly address: string
  readonly process: VirtualProcess
  disk: VirtualDisk
  /** The running node; undefined while it is down or opening. */
  node: Node | undefined
  running = false
  /** How often it lost power. */
  crashes = 0
  /** How often its process was started. */
  lives = 0
  /** The last of its lives in which the node was opened: all on its disk at the start of that life was read. */
  openedIn = 0
  ruin: Ruin = 'no'
  /** What it does to frames of its peers on the way out. */
  mischief: Mischief | undefined
  /** What it is started with next. */
  programs: readonly Program[]
  private readonly world: MemberWorld
  private entry: MemberEntry
  private readonly random: SeededRandom
  private disks = 0
  private crashIn = 0
  private crashAt: string | undefined
  private stopping = false
  private startAfterStop = false

  constructor(name: string, world: MemberWorld, random: SeededRandom, entry: MemberEntry) {
    this.name = name
    this.entry = entry
    this.address = addressOf(name)
    this.world = world
    this.programs = world.programs
    this.random = random
    const clocks = random.split('clock')
    const skew = {
      rate: clocks.between(1 - world.skew, 1 + world.skew),
      wallOffsetMs: clocks.between(-wallOffsetMaxMs, wallOffsetMaxMs),
    }
    this.process = new VirtualProcess(name, world.time, skew)
    this.disk = this.newDisk()
  }

  private newDisk(): VirtualDisk {
    const { name, world, random } = this
    return new VirtualDisk(name, world.time, random.split(`disk ${++this.disks}`), world.disk)
  }

  private trace(what: string): void {
    this.world.time.trace.add(this.world.time.nowMs, this.name, what)
  }

  /** Starts the process on its disk; one that is stopping starts again afterwards. A ruined one stays down. */
  start(): void {
    this.startAfterStop = this.stopping
    if (this.running || this.ruin === 'sure') return
    const { name, world, programs } = this
    const { time, network, sizes, limits, tickMs, electionTimeoutMs } = world
    const life = this.process.begin()
    const number = ++this.lives
    this.running = true
    this.trace('start')
    const log = { name, trace: time.trace, nowMs: () => time.nowMs }
    openNode({
      name,
      dataDir,
      listen: this.address,
      ...this.entry,
      ...{ programs, sizes, limits, tickMs, electionTimeoutMs },
      ports: {
        ...this.disk.mount(life),
        clock: life.clock,
        scheduler: life.scheduler,
        random: this.random.split(`life ${number}`),
        crypto: nodeCrypto,
        secrets: simulatedSecrets,
        transport: socketTransport(network.transport(name), life, log, () => this.mischief),
        logger: world.logger(name),
        metrics: silentMetrics,
        observer: world.observer(name),
        hooks: (point) => this.passed(point, number),
      },
    }).then(
      (node) => {
        if (number !== this.lives || !this.running) return
        this.node = node
        this.openedIn = number
        void node.stopped.then((reason) => {
          if (this.node === node) this.endedBy(reason === undefined ? 'closed' : codeOf(reason))
        })
      },
      (error: unknown) => {
        if (number === this.lives && this.running) this.endedBy(`could not be opened: ${codeOf(error)}`)
      },
    )
  }

  /** Runs something on the disk of a node that is down, as an operator at its console would. */
  prepare(run: (files: Files, life: Life) => Promise<void>): Promise<void> {
    const life = this.process.begin()
    return run(this.disk.mount(life).files, life).finally(() => this.disk.release())
  }

  /** Loses power. */
  crash(): void {
    if (!this.running) return
    this.die('crash')
    this.disk.crash()
  }

  /** Loses the process only, as by SIGKILL: what was written survives, synced or not. */
  kill(): void {
    if (!this.running) return
    this.die('kill')
    this.disk.release()
  }

  /** Stops in order, as by SIGTERM; without an end after `patienceMs` that is a violation, and the process is killed. */
  stop(patienceMs: number): void {
    const { node } = this
    if (node === undefined || this.process.paused) return
    const number = this.lives
    this.node = undefined
    this.stopping = true
    const { network } = this.world
    this.trace('stop')
    void node.close().then(() => {
      if (number !== this.lives || !this.running) return
      this.trace('stopped')
      this.running = false
      this.stopping = false
      this.process.end()
      this.world.down(this.name)
      network.killHost(this.name)
      if (this.startAfterStop) this.start()
    })
    this.process.outside(patienceMs, () => {
      if (number !== this.lives || !this.running) return
      if (!this.process.paused) this.world.ended(this.name, `did not stop within ${patienceMs} ms`)
      this.kill()
    })
  }

  private die(how: string): void {
    this.disk.failing = false
    this.running = false
    this.stopping = false
    this.crashes++
    this.node = undefined
    this.process.end()
    this.trace(how)
    this.world.down(this.name)
    this.world.network.killHost(this.name)
  }

  /** Loses power at the `count`-th durability point from now on, or at the `count`-th of this name; 0 takes that back. */
  crashAtPoint(count: number, point?: string): void {
    this.crashIn = count
    this.crashAt = point
  }

  private passed(point: string, life: number): void {
    if (life !== this.lives || !this.running) throw new Error('there is no power')
    const counts = this.crashIn > 0 && (this.crashAt === undefined || this.crashAt === point)
    const powerLost = counts && --this.crashIn === 0
    this.world.point(this.name, point, powerLost)
    if (!powerLost) return
    this.trace(point)
    this.crash()
    throw new Error(`power was lost at ${point}`)
  }

  /** Its next sync fails: it has to end by itself, and may be started again. */
  failDisk(): void {
    if (this.running) this.disk.failing = true
  }

  /** No sync is made to fail any more, and there is room again. */
  mendDisk(): void {
    this.disk.failing = false
    this.disk.full = false
  }

  /** Its disk is lost: what comes back under its name knows nothing, and was told nothing. */
  wipe(): void {
    if (this.running) this.kill()
    this.disk = this.newDisk()
    this.ruin = 'maybe'
    this.trace('wiped')
  }

  /** Comes back as another process under the old name, which asks to be let in. */
  replace(join: readonly string[]): void {
    if (this.running) this.kill()
    this.disk = this.newDisk()
    this.entry = { join }
    this.ruin = 'no'
    this.start()
  }

  /** A node that ended because its disk failed it did what it should. */
  private endedBy(reason: string): void {
    const damaged = /\b(LogDamaged|IdentityLost)\b/.exec(reason)?.[1]
    if (damaged !== undefined) this.world.failed(this.name, damaged)
    // There may be room again by the time it has closed; only this disk says that it is full.
    if (reason.includes(syncError) || reason.includes(fullError)) {
      this.world.gaveUp(this.name, reason.includes(syncError) ? 'sync' : 'full')
      this.crash()
      this.process.outside(afterDiskFailureMs, () => this.start())
    } else if (damaged !== undefined && this.ruin !== 'no') {
      this.ruin = 'sure'
      this.kill()
      this.world.gaveUp(this.name, damaged === 'LogDamaged' ? 'log' : 'identity')
    } else {
      this.world.ended(this.name, reason)
    }
  }

  /** Stops running until {@link resume}, as by SIGSTOP. */
  pause(): void {
    if (!this.running || this.process.paused) return
    this.process.pause()
    this.trace('pause')
  }

  resume(): void {
    if (!this.process.paused) return
    this.trace('resume')
    this.process.resume()
  }
}

function codeOf(error: unknown): string {
  return isNitroError(error) ? `${error.code}: ${error.message}` : messageOf(error)
}
