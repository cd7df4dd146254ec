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
import { NitroError, assert, present } from '../../base/index.ts'
import type { Program } from '../../execution/index.ts'
import type { Files } from '../../base/index.ts'
import { MemoryNetwork } from '../../net/index.ts'
import type { PartitionMode } from '../../net/index.ts'
import type { Node } from '../node/index.ts'
import { Checkers } from './checkers/checker.ts'
import { addStandardCheckers } from './checkers/standard.ts'
import { History } from './checkers/history.ts'
import { ClientProcess } from './client-process.ts'
import type { ClientTraits } from './client-process.ts'
import type { StandardCheckers } from './checkers/standard.ts'
import { Violations } from './checkers/violations.ts'
import type { ClusterClient, ClusterOptions } from './cluster-options.ts'
import type { Damage } from './disk/damage.ts'
import type { KvDamage } from './disk/faulty-kv.ts'
import { Member, addressOf } from './member.ts'
import type { MemberEntry, MemberWorld } from './member.ts'
import { defaultElectionTimeoutMs, defaultSkew, defaultTickMs, memberWorld } from './member-world.ts'
import { VirtualProcess } from './process.ts'
import type { Life } from './process.ts'
import { SeededRandom } from './random.ts'
import { Coverage } from './reached/coverage.ts'
import { CoveragePicture } from './reached/picture.ts'
import type { DurabilityPoint } from './reached/rows.ts'
import { SyncPicture } from './reached/sync-picture.ts'
import { Trace } from './trace.ts'
import { VirtualTime } from './virtual-time.ts'

/** Share of the time of ticks that is surely over when a node has counted them: its clock may run fast. */
const clockShare = 0.9

const defaultDelayMs = [0.2, 3] as const

/** Makes a cluster of `size` nodes, n1, n2 and so on; none runs yet. */
export function cluster(size: number, options: ClusterOptions): Cluster {
  return new Cluster(size, options)
}

/** A virtual cluster. */
export class Cluster {
  readonly random: SeededRandom
  readonly trace: Trace
  readonly time: VirtualTime
  readonly network: MemoryNetwork
  /** Nodes that are to be part of the cluster now. */
  names: readonly string[]
  readonly violations: Violations = new Violations()
  readonly checkers: Checkers = new Checkers(this.violations)
  /** Checkers that count on the side. */
  readonly watched: StandardCheckers
  readonly coverage: Coverage = new Coverage()
  /** What clients do, if it is recorded (see `recordStore`). */
  readonly history: History = new History(this.checkers)
  /** Takes the lines of the timeline. */
  onNote: ((line: string) => void) | undefined
  /** Names of nodes whose log or identity is lost for good; they stay down until they are replaced. */
  readonly ruined: Set<string> = new Set()
  /** Time of a frame on its way when all is well. */
  readonly delayMs: readonly [min: number, max: number]
  /** Clients that faults strike at. */
  readonly mortals: ClientProcess[] = []
  private readonly members = new Map<string, Member>()
  private readonly clients: string[] = []
  private readonly world: MemberWorld

  constructor(size: number, options: ClusterOptions) {
    const { delayMs = defaultDelayMs, electionTimeoutMs = defaultElectionTimeoutMs, tickMs = defaultTickMs } = options
    // The first of the ticks that are counted may come at once.
    const skew = options.skew ?? defaultSkew
    const recentMs = Math.min(clockShare, 0.98 / (1 + skew)) * (electionTimeoutMs - tickMs)
    this.random = new SeededRandom(options.seed)
    this.trace = new Trace(options.keepEvents)
    this.delayMs = delayMs
    this.time = new VirtualTime(this.random.split('order'), this.trace)
    const nowMs = (): number => this.time.nowMs
    this.watched = addStandardCheckers(this.checkers, { nowMs, recentMs, skew, violations: this.violations })
    this.checkers.add(new CoveragePicture(this.coverage))
    const { log } = this.watched.sync
    this.checkers.add(log.add(new SyncPicture(log, this.coverage)))
    const { clock, scheduler } = new VirtualProcess('network', this.time).begin()
    this.network = new MemoryNetwork({
      ...{ clock, scheduler, random: this.random.split('network') },
      delayMs: { min: delayMs[0], max: delayMs[1] },
      keepaliveMs: 5_000,
    })
    this.names = Array.from({ length: size }, (_, i) => `n${i + 1}`)
    this.world = memberWorld(this, options)
    const peers = Object.fromEntries(this.names.map((name) => [name, addressOf(name)]))
    for (const name of this.names) this.make(name, { peers })
  }

  /** Notes something that a reader of the run should see, in the trace and for the timeline. */
  note(name: string, what: string): void {
    this.trace.add(this.time.nowMs, name, 'note', undefined, what)
    this.onNote?.(`${this.time.nowMs.toFixed(1).padStart(9)} ms  ${name.padEnd(8)} ${what}`)
  }

  /** Takes a node's directory away: whatever its process does, the member that it was must not come back. */
  wipe(name: string): void {
    this.member(name).wipe()
    this.ruined.add(name)
    this.checkers.damaged(name)
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

  /** A node as the simulator sees it: process, disk, what happened to it. */
  member(name: string): Member {
    return present(this.members.get(name), name)
  }

  /** Runs something on the disk of a node that is down, as an operator at its console would. Lets time pass. */
  async prepare(name: string, run: (files: Files, life: Life) => Promise<void>): Promise<void> {
    await this.answer(this.member(name).prepare(run))
  }

  /** A lost or damaged node comes back as another process of its name, which the leader has been told to let in. */
  replace(name: string): void {
    this.ruined.delete(name)
    this.member(name).replace(this.names.filter((one) => one !== name).map(addressOf))
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

  /** The next record that a node reads from its state is wrong: it has to notice and get another. */
  rotState(name: string): void {
    this.member(name).disk.rotState()
    this.checkers.damaged(name)
  }

  /** The state of a node is found damaged when it is opened next. */
  damageState(name: string, damage: KvDamage): void {
    this.member(name).disk.damageState(damage)
    this.checkers.damaged(name)
  }

  /** Damages one of the files of a node that `choose` takes; its path, or undefined when there was nothing to damage. */
  damageFile(
    name: string,
    damage: Damage,
    choose: (path: string) => boolean,
    random = this.random,
  ): string | undefined {
    const path = this.member(name).disk.damageFile(damage, random, choose)
    if (path !== undefined) this.checkers.damaged(name)
    return path
  }

  /** Crashes a node at the `count`-th durability point that it passes from now on, or at one of a name; 0 takes it back. */
  crashAtPoint(name: string, count: number, point?: DurabilityPoint): void {
    this.member(name).crashAtPoint(count, point)
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

  /** Stops traffic between two groups of hosts, both directions. `cut` breaks connections, `blackhole` lets them hang. */
  partition(some: string | readonly string[], others: string | readonly string[], mode: PartitionMode = 'cut'): void {
    for (const one of listOf(some)) for (const other of listOf(others)) this.network.partition(one, other, mode)
  }

  /** Heals the whole network, or between two groups of hosts. */
  heal(some?: string | readonly string[], others: string | readonly string[] = this.hosts()): void {
    if (some === undefined) this.network.healAll()
    else
      for (const one of listOf(some))
        for (const other of listOf(others)) if (one !== other) this.network.heal(one, other)
  }

  /** Undoes {@link isolate}. */
  rejoin(name: string): void {
    for (const other of this.hosts()) if (other !== name) this.network.heal(name, other)
  }

  /** Heals the network and disks; resumes and starts all clients, and all nodes or those named. */
  healAll(names: readonly string[] = this.names): void {
    this.network.healAll()
    for (const from of this.hosts())
      for (const to of this.hosts()) if (from !== to) this.network.delay(from, to, ...this.delayMs)
    for (const name of this.names) {
      this.member(name).mendDisk()
      this.member(name).mischief = undefined
    }
    for (const name of names) {
      this.resume(name)
      this.start(name)
    }
    for (const client of this.mortals) {
      client.resume()
      client.start()
    }
  }

  private hosts(): string[] {
    return [...this.members.keys(), ...this.clients]
  }

  /**
   * A client process; it also knows the addresses of nodes `extra`, which may come later. One that does not follow the leader
   * stays with the node that answers it.
   */
  client(name: string, extra: readonly string[] = [], followLeader = true): ClusterClient {
    return this.makeClient(name, extra, { followLeader })
  }

  /** A client that faults strike at as they do at nodes. */
  mortalClient(name: string, extra: readonly string[], traits: Omit<ClientTraits, 'endpoints'>): ClientProcess {
    const client = this.makeClient(name, extra, traits)
    this.mortals.push(client)
    return client
  }

  private makeClient(name: string, extra: readonly string[], traits: Omit<ClientTraits, 'endpoints'>): ClientProcess {
    assert(!this.hosts().includes(name), () => `${name} is taken`)
    this.clients.push(name)
    const endpoints = [...new Set([...this.names, ...extra])].map(addressOf)
    return new ClientProcess(name, this, this.random.split(name), { endpoints, ...traits })
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

  /** Virtual time, in milliseconds since the run began. */
  readonly clock = {
    nowMs: (): number => this.time.nowMs,
    /** Lets time pass. */
    advance: (durationMs: number): Promise<void> => this.run(durationMs),
  }

  /**
   * Lets time pass until a promise is settled, and gives what it came to. Throws what it rejects with, or `Timeout` if it is not
   * settled after `limitMs`.
   */
  async answer<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    let settled = false
    const done = (): void => {
      settled = true
    }
    promise.then(done, done)
    if (await this.until(() => settled, limitMs)) return promise
    throw new NitroError('Timeout', `no answer within ${limitMs} ms of virtual time`, { executed: 'maybe' })
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

function listOf(hosts: string | readonly string[]): readonly string[] {
  return typeof hosts === 'string' ? [hosts] : hosts
}
