/** A node of a virtual cluster: a process, a disk, and, while it runs, the Node itself. */
import { messageOf, silentLogger, silentMetrics } from '../../base/index.ts'
import type { LogFields, Logger } from '../../base/index.ts'
import type { Program } from '../../execution/index.ts'
import type { MemoryNetwork } from '../../net/index.ts'
import { openNode } from '../node/index.ts'
import type { Node } from '../node/index.ts'
import type { ReplicaObserver, ReplicaSizes } from '../replica/index.ts'
import { nodeCrypto } from '../storage/index.ts'
import { VirtualDisk } from './disk.ts'
import { VirtualProcess } from './process.ts'
import type { SeededRandom } from './random.ts'
import { socketTransport } from './socket.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What all members share. */
export interface MemberWorld {
  readonly time: VirtualTime
  readonly network: MemoryNetwork
  readonly peers: Readonly<Record<string, string>>
  readonly programs: readonly Program[]
  readonly sizes: Partial<ReplicaSizes>
  /** Takes log lines; undefined drops them. */
  readonly log: ((line: string) => void) | undefined
  observer(name: string): ReplicaObserver
  /** A node could not be opened, or ended by itself. */
  ended(name: string, reason: string): void
}

/** How far the clock of a node may be from true time, as a fraction. */
const skewMax = 0.005
const wallOffsetMaxMs = 5_000

/** One node. */
export class Member {
  readonly name: string
  readonly process: VirtualProcess
  /** The running node; undefined while it is down or opening. */
  node: Node | undefined
  running = false
  /** How often it lost power. */
  crashes = 0
  private readonly world: MemberWorld
  private readonly random: SeededRandom
  private readonly disk: VirtualDisk
  private lives = 0
  private crashIn = 0

  constructor(name: string, world: MemberWorld, random: SeededRandom) {
    this.name = name
    this.world = world
    this.random = random
    const clocks = random.split('clock')
    const skew = {
      rate: clocks.between(1 - skewMax, 1 + skewMax),
      wallOffsetMs: clocks.between(-wallOffsetMaxMs, wallOffsetMaxMs),
    }
    this.process = new VirtualProcess(name, world.time, skew)
    this.disk = new VirtualDisk(name, world.time, random.split('disk'))
  }

  /** Starts the process on its disk. */
  start(): void {
    if (this.running) return
    const { name, world } = this
    const { time, network, peers, programs, sizes } = world
    const life = this.process.begin()
    const number = ++this.lives
    this.running = true
    time.trace.add(time.nowMs, name, 'start')
    const log = { name, trace: time.trace, nowMs: () => time.nowMs }
    openNode({
      name,
      dataDir: 'data',
      listen: peers[name],
      peers,
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
          if (this.node === node)
            world.ended(name, reason === undefined ? 'closed' : `${reason.code}: ${messageOf(reason)}`)
        })
      },
      (error: unknown) => {
        if (number === this.lives && this.running) world.ended(name, `could not be opened: ${messageOf(error)}`)
      },
    )
  }

  /** Loses power. */
  crash(): void {
    if (!this.running) return
    const { time, network } = this.world
    this.running = false
    this.crashes++
    this.node = undefined
    this.process.end()
    time.trace.add(time.nowMs, this.name, 'crash')
    this.disk.crash()
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
