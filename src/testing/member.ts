/** A node of a virtual cluster: a process, a disk, and, while it runs, the Node itself. */
import { messageOf, silentLogger, silentMetrics } from '../../base/index.ts'
import type { LogFields, Logger } from '../../base/index.ts'
import type { Program } from '../../execution/index.ts'
import type { MemoryNetwork } from '../../net/index.ts'
import { openNode } from '../node/index.ts'
import type { Node } from '../node/index.ts'
import type { ReplicaObserver, ReplicaSizes } from '../replica/index.ts'
import { nodeCrypto } from '../storage/index.ts'
import { VirtualDisk, syncError } from './disk.ts'
import { VirtualProcess } from './process.ts'
import type { SeededRandom } from './random.ts'
import { socketTransport } from './socket.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What all members share. */
export interface MemberWorld {
  readonly time: VirtualTime
  readonly network: MemoryNetwork
  readonly programs: readonly Program[]
  readonly sizes: Partial<ReplicaSizes>
  /** Takes log lines; undefined drops them. */
  readonly log: ((line: string) => void) | undefined
  observer(name: string): ReplicaObserver
  /** A node could not be opened, or ended by itself. */
  ended(name: string, reason: string): void
}

/** How a node comes into a cluster: as a founder, or by joining. */
export type MemberEntry = { readonly peers: Readonly<Record<string, string>> } | { readonly join: readonly string[] }

/** Where a node listens. */
export const addressOf = (name: string): string => `${name}:7400`

const afterDiskFailureMs = 700

/** How far the clock of a node may be from true time, as a fraction. */
const skewMax = 0.005
const wallOffsetMaxMs = 5_000

/** One node. */
export class Member {
  readonly name: string
  readonly address: string
  readonly process: VirtualProcess
  /** The running node; undefined while it is down or opening. */
  node: Node | undefined
  running = false
  /** How often it lost power. */
  crashes = 0
  /** What it is started with next. */
  programs: readonly Program[]
  private readonly world: MemberWorld
  private readonly entry: MemberEntry
  private readonly random: SeededRandom
  private readonly disk: VirtualDisk
  private lives = 0
  private crashIn = 0
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
      rate: clocks.between(1 - skewMax, 1 + skewMax),
      wallOffsetMs: clocks.between(-wallOffsetMaxMs, wallOffsetMaxMs),
    }
    this.process = new VirtualProcess(name, world.time, skew)
    this.disk = new VirtualDisk(name, world.time, random.split('disk'))
  }

  /** Starts the process on its disk; one that is stopping starts again afterwards. */
  start(): void {
    this.startAfterStop = this.stopping
    if (this.running) return
    const { name, world, programs } = this
    const { time, network, sizes } = world
    const life = this.process.begin()
    const number = ++this.lives
    this.running = true
    time.trace.add(time.nowMs, name, 'start')
    const log = { name, trace: time.trace, nowMs: () => time.nowMs }
    openNode({
      name,
      dataDir: 'data',
      listen: this.address,
      ...this.entry,
      programs,
      sizes,
      ports: {
        ...this.disk.mount(life),
        clock: life.clock,
        scheduler: life.scheduler,
        random: this.random.split(`life ${number}`),
        crypto: nodeCrypto,
        transport: socketTransport(network.transport(name), life, log),
        logger: this.logger(),
        metrics: silentMetrics,
        observer: world.observer(name),
        hooks: (point) => this.passed(point, number),
      },
    }).then(
      (node) => {
        if (number !== this.lives || !this.running) return
        this.node = node
        void node.stopped.then((reason) => {
          if (this.node === node) this.endedBy(reason === undefined ? 'closed' : `${reason.code}: ${messageOf(reason)}`)
        })
      },
      (error: unknown) => {
        if (number === this.lives && this.running) this.endedBy(`could not be opened: ${messageOf(error)}`)
      },
    )
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
    const { time, network } = this.world
    time.trace.add(time.nowMs, this.name, 'stop')
    void node.close().then(() => {
      if (number !== this.lives || !this.running) return
      time.trace.add(time.nowMs, this.name, 'stopped')
      this.running = false
      this.stopping = false
      this.process.end()
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
    this.mendDisk()
    const { time, network } = this.world
    this.running = false
    this.stopping = false
    this.crashes++
    this.node = undefined
    this.process.end()
    time.trace.add(time.nowMs, this.name, how)
    network.killHost(this.name)
  }

  /** Loses power at the `count`-th durability point from now on; 0 takes that back. */
  crashAtPoint(count: number): void {
    this.crashIn = count
  }

  private passed(point: string, life: number): void {
    if (life !== this.lives || !this.running) throw new Error('there is no power')
    if (this.crashIn === 0 || --this.crashIn > 0) return
    this.world.time.trace.add(this.world.time.nowMs, this.name, point)
    this.crash()
    throw new Error(`power was lost at ${point}`)
  }

  /** Its next sync fails: it has to end by itself, and may be started again. */
  failDisk(): void {
    if (this.running) this.disk.failing = true
  }

  /** No sync is made to fail any more. */
  mendDisk(): void {
    this.disk.failing = false
  }

  /** The next record it reads from its state is wrong: it has to notice and get another. */
  rotState(): void {
    this.disk.rotten = true
  }

  /** A node that ended because its disk failed did what it should; it loses power, and is started again after a while. */
  private endedBy(reason: string): void {
    if (!reason.includes(syncError)) return this.world.ended(this.name, reason)
    this.crash()
    this.process.outside(afterDiskFailureMs, () => this.start())
  }

  /** Stops running until {@link resume}, as by SIGSTOP. */
  pause(): void {
    if (!this.running || this.process.paused) return
    this.process.pause()
    this.world.time.trace.add(this.world.time.nowMs, this.name, 'pause')
  }

  resume(): void {
    if (!this.process.paused) return
    this.world.time.trace.add(this.world.time.nowMs, this.name, 'resume')
    this.process.resume()
  }

  private logger(): Logger {
    const { log, time } = this.world
    if (log === undefined) return silentLogger
    const line = (level: string) => (fields: LogFields, message: string) =>
      log(`${time.nowMs.toFixed(3)} ${this.name} ${level} ${message} ${JSON.stringify(fields)}`)
    const logger: Logger = {
      debug: line('debug'),
      info: line('info'),
      warn: line('warn'),
      error: line('error'),
      child: () => logger,
    }
    return logger
  }
}
