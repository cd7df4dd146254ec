/**
 * A cluster of whole Nodes and clients in one process, under virtual time.
 *
 * ```ts
 * const three = cluster(3, { seed: 7 })
 * three.startAll()
 * await three.run(2_000)
 * three.crash('n1')
 * ```
 * Nothing happens but inside {@link Cluster.run} and {@link Cluster.until}. One seed gives one run, event by event: see
 * {@link Cluster.trace}.
 */
import { assert, present } from '../../base/index.ts'
import type { Program } from '../../execution/index.ts'
import { MemoryNetwork } from '../../net/index.ts'
import type { PartitionMode } from '../../net/index.ts'
import { connect } from '../client/index.ts'
import type { Client } from '../client/index.ts'
import type { Node } from '../node/index.ts'
import type { ReplicaSizes } from '../replica/index.ts'
import { CommitChecker } from './checkers/commits.ts'
import { LeaderChecker } from './checkers/leaders.ts'
import { Violations } from './checkers/violations.ts'
import { Member, addressOf } from './member.ts'
import type { MemberEntry, MemberWorld } from './member.ts'
import { VirtualProcess } from './process.ts'
import type { Life } from './process.ts'
import { SeededRandom } from './random.ts'
import { socketTransport } from './socket.ts'
import { Trace } from './trace.ts'
import { VirtualTime } from './virtual-time.ts'

/** Options of {@link cluster}. */
export interface ClusterOptions {
  readonly seed: string | number
  readonly programs?: readonly Program[]
  readonly sizes?: Partial<ReplicaSizes>
  /** Takes the nodes' log lines. */
  readonly log?: (line: string) => void
}

/** Small sizes, so that short runs roll log files over, compact, and send snapshots. */
const smallSizes: Partial<ReplicaSizes> = {
  flushIntervalMs: 40,
  logRetainEntries: 12,
  logRetainBytes: 16 << 10,
  logSegmentBytes: 4 << 10,
}

/** A client with a process of its own. */
export interface ClusterClient {
  readonly name: string
  readonly life: Life
  /** Connects to all nodes; rejects as `connect` does. */
  connect(): Promise<Client>
}

/** Makes a cluster of `size` nodes, n1, n2 and so on; none runs yet. */
export function cluster(size: number, options: ClusterOptions): Cluster {
  return new Cluster(size, options)
}

/** A virtual cluster. */
export class Cluster {
  readonly random: SeededRandom
  readonly trace: Trace = new Trace()
  readonly time: VirtualTime
  readonly network: MemoryNetwork
  /** Nodes that are to be part of the cluster now. */
  names: readonly string[]
  readonly violations: Violations = new Violations()
  readonly leaders: LeaderChecker
  readonly commits: CommitChecker
  private readonly members = new Map<string, Member>()
  private readonly world: MemberWorld

  constructor(size: number, options: ClusterOptions) {
    this.random = new SeededRandom(options.seed)
    this.time = new VirtualTime(this.random.split('order'), this.trace)
    this.leaders = new LeaderChecker(this.violations)
    this.commits = new CommitChecker(this.violations)
    const { clock, scheduler } = new VirtualProcess('network', this.time).begin()
    this.network = new MemoryNetwork({
      ...{ clock, scheduler, random: this.random.split('network') },
      delayMs: { min: 0.2, max: 3 },
      keepaliveMs: 5_000,
    })
    this.names = Array.from({ length: size }, (_, i) => `n${i + 1}`)
    this.world = {
      time: this.time,
      network: this.network,
      programs: options.programs ?? [],
      sizes: { ...smallSizes, ...options.sizes },
      log: options.log,
      observer: (name) => ({
        leads: (term) => this.leaders.leads(name, term),
        loaded: (machine) => this.commits.loadedBy(name, machine),
        applied: (entry, machine) => this.commits.appliedBy(name, entry, machine),
      }),
      ended: (name, reason) => {
        if (!this.names.includes(name)) return
        this.violations.add(`at ${this.time.nowMs.toFixed(0)} ms ${name} ended: ${reason}`)
      },
    }
    const peers = Object.fromEntries(this.names.map((name) => [name, addressOf(name)]))
    for (const name of this.names) this.make(name, { peers })
  }

  private make(name: string, entry: MemberEntry): void {
    this.members.set(name, new Member(name, this.world, this.random.split(name), entry))
  }

  /** Adds a node that joins; it is not started. Its name must never have been used. */
  add(name: string): void {
    assert(!this.members.has(name), () => `${name} was used before`)
    this.make(name, { join: this.names.map(addressOf) })
    this.names = [...this.names, name]
  }

  /** From now on a node is no part of the cluster: it may end by itself, and whatever is done to it comes to nothing. */
  release(name: string): void {
    this.names = this.names.filter((one) => one !== name)
  }

  private member(name: string): Member {
    return present(this.members.get(name), name)
  }

  /** The node of this name, while it runs and is open. */
  node(name: string): Node | undefined {
    return this.member(name).node
  }

  /** Whether a node's process is there. */
  isRunning(name: string): boolean {
    return this.member(name).running
  }

  /** How often nodes lost power so far. */
  get crashes(): number {
    let sum = 0
    for (const member of this.members.values()) sum += member.crashes
    return sum
  }

  isPaused(name: string): boolean {
    return this.member(name).process.paused
  }

  /** What a node will run when it is started next. */
  install(name: string, programs: readonly Program[]): void {
    this.member(name).programs = programs
  }

  /** Starts a node, on what its disk holds. */
  start(name: string): void {
    this.member(name).start()
  }

  startAll(): void {
    for (const name of this.names) this.start(name)
  }

  /** Kills a node at once; its un-synced data is lost or torn, its connections break. */
  crash(name: string): void {
    this.member(name).crash()
  }

  /** Kills a node's process; what it wrote survives, synced or not. */
  kill(name: string): void {
    this.member(name).kill()
  }

  /** Asks a node to stop in order; it is not there any more when that is done. */
  stop(name: string, patienceMs = 10_000): void {
    this.member(name).stop(patienceMs)
  }

  /** The next sync of a running node fails; it has to end by itself. */
  failDisk(name: string): void {
    this.member(name).failDisk()
  }

  /** The next record that a node reads from its state is wrong. */
  rotState(name: string): void {
    this.member(name).rotState()
  }

  /** Crashes a node at the `count`-th durability point that it passes from now on (see `hooks`); 0 takes that back. */
  crashAtPoint(name: string, count: number): void {
    this.member(name).crashAtPoint(count)
  }

  /** Crashes a node if it runs, and starts it. */
  restart(name: string): void {
    this.crash(name)
    this.start(name)
  }

  /** Freezes a node; the world goes on. */
  pause(name: string): void {
    this.member(name).pause()
  }

  resume(name: string): void {
    this.member(name).resume()
  }

  /** Cuts a node off from everyone, clients included, in the direction given. */
  isolate(name: string, mode: PartitionMode, direction: 'in' | 'out' | 'both' = 'both'): void {
    for (const other of this.hosts()) {
      if (other === name) continue
      if (direction !== 'in') this.network.block(name, other, mode)
      if (direction !== 'out') this.network.block(other, name, mode)
    }
  }

  /** Undoes {@link isolate}. */
  rejoin(name: string): void {
    for (const other of this.hosts()) if (other !== name) this.network.heal(name, other)
  }

  /** Heals the network and disks, resumes and starts everybody. */
  healAll(): void {
    this.network.healAll()
    for (const from of this.hosts())
      for (const to of this.hosts()) if (from !== to) this.network.delay(from, to, 0.2, 3)
    for (const name of this.names) {
      this.member(name).mendDisk()
      this.resume(name)
      this.start(name)
    }
  }

  private readonly clients: string[] = []

  private hosts(): string[] {
    return [...this.members.keys(), ...this.clients]
  }

  /** A client process; it also knows the addresses of nodes `extra`, which may come later. */
  client(name: string, extra: readonly string[] = []): ClusterClient {
    assert(!this.hosts().includes(name), () => `${name} is taken`)
    this.clients.push(name)
    const { time, trace, network } = this
    const life = new VirtualProcess(name, time).begin()
    const transport = socketTransport(network.transport(name), life, { name, trace, nowMs: () => time.nowMs })
    const random = this.random.split(name)
    const endpoints = [...new Set([...this.names, ...extra])].map(addressOf)
    const { clock, scheduler } = life
    return {
      name,
      life,
      connect: () => connect({ endpoints, name, ports: { clock, scheduler, random, transport } }),
    }
  }

  /** The name of a node that leads, in the highest term if several think they do. */
  leader(): string | undefined {
    let best: { readonly name: string; readonly term: number } | undefined
    for (const [name, { node }] of this.members) {
      const status = node?.status()
      if (status?.role === 'leader' && status.term > (best?.term ?? 0)) best = { name, term: status.term }
    }
    return best?.name
  }

  /** Whether all nodes run and stand at the same place with the same state. */
  converged(): boolean {
    const seen = new Set<string>()
    for (const name of this.names) {
      const node = this.node(name)
      if (node === undefined) return false
      const { ready, appliedIndex, stateHash, commitIndex } = node.status()
      if (!ready || appliedIndex !== commitIndex) return false
      seen.add(`${appliedIndex} ${stateHash}`)
    }
    return seen.size === 1
  }

  /** Lets `durationMs` of virtual time pass. */
  async run(durationMs: number): Promise<void> {
    await this.time.run(this.time.nowMs + durationMs)
  }

  /** Lets time pass until `enough` holds, at most `limitMs`; whether it came to hold. */
  until(enough: () => boolean, limitMs: number): Promise<boolean> {
    return this.time.run(this.time.nowMs + limitMs, enough)
  }
}
