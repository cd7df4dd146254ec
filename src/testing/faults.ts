/**
 * Faults on a seeded schedule: crashes, pauses, partitions, slow routes. Each fault ends by itself after a while, several
 * may overlap, and how many of which kind there are is itself drawn per seed (swarm testing).
 */
import type { Cluster } from './cluster.ts'
import { VirtualProcess } from './process.ts'
import type { SeededRandom } from './random.ts'

type Fault = (faults: Faults, name: string) => void

const kinds: Readonly<Record<string, Fault>> = {
  crash: (faults, name) => faults.crash(name),
  kill: (faults, name) => faults.kill(name),
  stop: (faults, name) => faults.stop(name),
  transfer: (faults, name) => faults.transfer(name),
  point: (faults, name) => faults.point(name),
  failDisk: (faults, name) => faults.failDisk(name),
  rot: (faults) => faults.rot(),
  pause: (faults, name) => faults.pause(name),
  partition: (faults, name) => faults.partition(name),
  oneWay: (faults, name) => faults.oneWay(name),
  pair: (faults, name) => faults.pair(name),
  slow: (faults, name) => faults.slow(name),
  blackout: (faults) => faults.blackout(),
}

/** Time between faults: hardly a quorum ever, a busy time, and mostly at work. */
const rhythms = [
  [50, 400],
  [300, 1_500],
  [1_000, 3_500],
] as const

/** Injects faults into a cluster from {@link begin} until {@link end}. */
export class Faults {
  private readonly cluster: Cluster
  private readonly random: SeededRandom
  private readonly process: VirtualProcess
  private readonly weights: readonly (readonly [kind: string, weight: number])[]
  /** The one node whose state is damaged: the state of a quorum can't be lost without loss. */
  private readonly victim: string
  private readonly pauseMs: readonly [min: number, max: number]
  private after: (delayMs: number, run: () => void) => void = () => undefined

  constructor(cluster: Cluster) {
    this.cluster = cluster
    this.random = cluster.random.split('faults')
    this.process = new VirtualProcess('faults', cluster.time)
    const { random } = this
    this.weights = Object.keys(kinds).map((kind) => [
      kind,
      kind === 'blackout' ? random.between(0, 0.15) : random.chance(0.25) ? 0 : random.between(0.2, 1),
    ])
    this.pauseMs = random.pick(rhythms)
    this.victim = random.pick(cluster.names)
  }

  begin(): void {
    const { scheduler } = this.process.begin()
    this.after = (delayMs, run) => void scheduler.after(delayMs, run)
    this.next()
  }

  /** No new faults, and those under way end now. */
  end(): void {
    this.process.end()
    for (const name of this.cluster.names) this.cluster.crashAtPoint(name, 0)
    this.cluster.healAll()
  }

  private next(): void {
    this.after(this.random.between(...this.pauseMs), () => {
      this.strike()
      this.next()
    })
  }

  private strike(): void {
    const { random, cluster } = this
    const total = this.weights.reduce((sum, [, weight]) => sum + weight, 0)
    let at = random.between(0, total)
    const kind = this.weights.find(([, weight]) => (at -= weight) < 0)?.[0] ?? 'crash'
    const leader = random.chance(0.5) ? cluster.leader() : undefined
    const name = leader ?? random.pick(cluster.names)
    cluster.trace.add(cluster.time.nowMs, name, kind)
    kinds[kind]?.(this, name)
  }

  crash(name: string): void {
    this.cluster.crash(name)
    this.restart(name, 1_500)
  }

  kill(name: string): void {
    this.cluster.kill(name)
    this.restart(name, 500)
  }

  /** An orderly restart. */
  stop(name: string): void {
    this.cluster.stop(name)
    this.restart(name, 500)
  }

  private restart(name: string, withinMs: number): void {
    this.after(this.random.between(5, withinMs), () => this.cluster.start(name))
  }

  /** Leadership is handed to the node, or asked away from it if it leads; whether that succeeds is not said. */
  transfer(name: string): void {
    const { admin } = this.cluster.node(name) ?? {}
    admin?.transferLeadership(this.cluster.leader() === name ? undefined : name).catch(() => undefined)
  }

  /** A crash in the middle of some durable step soon. */
  point(name: string): void {
    this.cluster.crashAtPoint(name, 1 + Math.floor(this.random.between(0, 30)))
    this.after(this.random.between(200, 2_000), () => {
      this.cluster.crashAtPoint(name, 0)
      this.cluster.start(name)
    })
  }

  /** A sync fails: whoever goes on after that is noticed later. */
  failDisk(name: string): void {
    this.cluster.failDisk(name)
  }

  /** Something in the state is wrong when it is read next, often after a restart. */
  rot(): void {
    this.cluster.rotState(this.victim)
    if (this.random.chance(0.7)) this.crash(this.victim)
  }

  /** All nodes lose power at once. */
  blackout(): void {
    for (const name of this.cluster.names) this.crash(name)
  }

  pause(name: string): void {
    this.cluster.pause(name)
    this.after(this.random.between(50, 2_000), () => this.cluster.resume(name))
  }

  partition(name: string): void {
    this.cluster.isolate(name, this.mode())
    this.after(this.random.between(100, 3_000), () => this.cluster.rejoin(name))
  }

  oneWay(name: string): void {
    this.cluster.isolate(name, 'blackhole', this.random.chance(0.5) ? 'in' : 'out')
    this.after(this.random.between(100, 3_000), () => this.cluster.rejoin(name))
  }

  /** Two nodes do not hear each other, or one does not hear the other. */
  pair(name: string): void {
    const { network, names } = this.cluster
    const other = this.random.pick(names.filter((one) => one !== name))
    if (this.random.chance(0.5)) network.partition(name, other, this.mode())
    else network.block(name, other, this.mode())
    this.after(this.random.between(100, 3_000), () => network.heal(name, other))
  }

  /** Everything between one node and its peers takes long, or gets lost and is sent again. */
  slow(name: string): void {
    const { network, names } = this.cluster
    const maxMs = this.random.between(20, 600)
    const lossRate = this.random.chance(0.5) ? 0.2 : 0
    const others = names.filter((one) => one !== name)
    const set = (min: number, max: number, loss: number): void => {
      for (const other of others) {
        for (const [from, to] of [
          [name, other],
          [other, name],
        ] as const) {
          network.delay(from, to, min, max)
          network.drop(from, to, loss)
        }
      }
    }
    set(maxMs / 4, maxMs, lossRate)
    this.after(this.random.between(200, 2_000), () => set(0.2, 3, 0))
  }

  private mode(): 'cut' | 'blackhole' {
    return this.random.chance(0.5) ? 'cut' : 'blackhole'
  }
}
