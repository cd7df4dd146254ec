/** A client's process: it has a clock of its own, can stand still, and can be killed and started again. */
import type { MemoryNetwork } from '../../net/index.ts'
import { connect } from '../client/index.ts'
import type { Client } from '../client/index.ts'
import type { ClusterClient, Login } from './cluster-options.ts'
import { VirtualProcess } from './process.ts'
import type { Life, Skew } from './process.ts'
import type { SeededRandom } from './random.ts'
import { socketTransport } from './socket.ts'
import type { Trace } from './trace.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What clients live in. */
export interface ClientWorld {
  readonly time: VirtualTime
  readonly trace: Trace
  readonly network: MemoryNetwork
}

/** What a client is like. */
export interface ClientTraits {
  readonly endpoints: readonly string[]
  readonly followLeader: boolean
  /** Default: its clock is right. */
  readonly skew?: Skew | undefined
  /** How much of a time of the cluster has surely not passed by its clock. Default: that of the product. */
  readonly holderMs?: ((ms: number) => number) | undefined
}

/** One client. */
export class ClientProcess implements ClusterClient {
  readonly name: string
  life: Life
  running = true
  /** Called when it was started again. */
  onStart: (() => void) | undefined
  private readonly process: VirtualProcess
  private readonly world: ClientWorld
  private readonly source: SeededRandom
  private readonly traits: ClientTraits
  private random: SeededRandom
  private lives = 1

  constructor(name: string, world: ClientWorld, random: SeededRandom, traits: ClientTraits) {
    this.name = name
    this.world = world
    this.source = random
    this.random = random
    this.traits = traits
    this.process = new VirtualProcess(name, world.time, traits.skew)
    this.life = this.process.begin()
  }

  /** Counts its lives from 1. */
  get number(): number {
    return this.lives
  }

  get paused(): boolean {
    return this.process.paused
  }

  connect(login?: Login): Promise<Client> {
    const { name, life, random, world } = this
    const { endpoints, followLeader, holderMs } = this.traits
    const { time, trace, network } = world
    const log = { name, trace, nowMs: () => time.nowMs }
    const transport = socketTransport(network.transport(name), life, log)
    const ports = { clock: life.clock, scheduler: life.scheduler, random, transport }
    return connect({
      ...{ ...login, endpoints, name, followLeader },
      ports: holderMs === undefined ? ports : { ...ports, holderMs },
    })
  }

  /** Stands still until {@link resume}, as by SIGSTOP; its clock goes on. */
  pause(): void {
    if (!this.running || this.paused) return
    this.process.pause()
    this.note('pause')
  }

  resume(): void {
    if (!this.paused) return
    this.note('resume')
    this.process.resume()
  }

  /** Stands still for a time, whatever else happens. */
  pauseFor(ms: number): void {
    const { lives } = this
    this.pause()
    this.process.outside(ms, () => {
      if (this.lives === lives) this.resume()
    })
  }

  /** Never runs another line of this life. */
  kill(): void {
    if (!this.running) return
    this.running = false
    this.process.end()
    this.note('kill')
    this.world.network.killHost(this.name)
  }

  /** Comes back as a stranger, if it was killed. */
  start(): void {
    if (this.running) return
    this.running = true
    this.random = this.source.split(`life ${++this.lives}`)
    this.life = this.process.begin()
    this.note('start')
    this.onStart?.()
  }

  private note(what: string): void {
    const { trace, time } = this.world
    trace.add(time.nowMs, this.name, what)
  }
}
