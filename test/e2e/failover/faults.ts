/** Kills the leader again and again, pauses nodes now and then, and measures how long nobody led. */
import type { Store } from '../../../src/api/index.ts'
import type { Cluster } from '../harness/index.ts'
import { sleep } from '../harness/index.ts'

/** Times after one kill, in milliseconds. */
export interface Outage {
  /** Until another node said that it leads. */
  readonly leaderMs: number
  /** Until a write begun after the kill was acknowledged. */
  readonly writeMs: number
  /** Nothing else was wrong: the two others ran all the time. */
  readonly plain: boolean
}

/** When to end. */
export interface FaultPlan {
  readonly seconds: number
  readonly kills: number
}

/** Writes a key after each kill, to see when that works again. */
export interface Prober {
  readonly store: Pick<Store, 'put'>
}

const lookEveryMs = 10
/** A kill in so many takes one follower along, or both in turn, so that no quorum is left until they are back. */
const moreEvery = 5
const pauseChance = 0.4

/** Breaks a cluster and keeps it running. */
export class Faults {
  readonly outages: Outage[] = []
  pauses = 0
  private readonly cluster: Cluster
  private readonly names: readonly string[]
  private readonly prober: Prober
  private readonly note: (line: string) => void
  private readonly startedMs = performance.now()
  /** Who is stopped now, if anybody is. */
  private paused: Promise<void> | undefined

  constructor(cluster: Cluster, names: readonly string[], prober: Prober, note: (line: string) => void) {
    this.cluster = cluster
    this.names = names
    this.prober = prober
    this.note = note
  }

  /** Runs until both the time is over and the leader was killed often enough. */
  async run(plan: FaultPlan): Promise<void> {
    while (this.seconds < plan.seconds || this.outages.length < plan.kills) {
      const leader = await this.cluster.whole(this.names)
      await sleep(Math.random() * 600)
      const more = (this.outages.length + 1) % moreEvery === 0
      if (!more && Math.random() < pauseChance) this.pause(Math.random() < 0.5 ? leader : this.any())
      // A leader that was paused wakes up beside its successor, and must not serve what it believes.
      if (this.paused === undefined || Math.random() < 0.5) await this.killLeader(leader)
      await this.paused
    }
    await this.cluster.whole(this.names)
  }

  private get seconds(): number {
    return (performance.now() - this.startedMs) / 1000
  }

  private any(): string {
    return this.names[Math.floor(Math.random() * this.names.length)] as string
  }

  /** Stops a node for one to three seconds, while other things happen. */
  private pause(name: string): void {
    const process = this.cluster.server(name)
    this.pauses++
    process.pause()
    this.paused = sleep(1_000 + Math.random() * 2_000).then(() => {
      process.resume()
      this.paused = undefined
    })
  }

  private async killLeader(leader: string): Promise<void> {
    const others = this.names.filter((name) => name !== leader)
    const number = this.outages.length + 1
    const along = number % moreEvery > 0 ? 0 : (number / moreEvery) % 2 === 0 ? 2 : 1
    const followers = along === 2 ? others : others.slice(number % 2, (number % 2) + along)
    const plain = this.paused === undefined && along === 0
    const killedMs = performance.now()
    await Promise.all([leader, ...followers].map((name) => this.cluster.server(name).kill()))
    const written = this.prober.store.put('probe', leader, { timeoutMs: 120_000 }).then(() => performance.now())
    for (const name of followers) this.cluster.start(name)
    const led = this.untilLed(written)
    // Sometimes it is back while the others still look for a leader.
    const restarted = sleep(Math.random() * 2_000).then(() => this.cluster.start(leader))
    const [leaderMs, writeMs] = [(await led) - killedMs, (await written) - killedMs]
    await restarted
    this.outages.push({ leaderMs, writeMs, plain })
    this.note(
      `${this.seconds.toFixed(0).padStart(4)} s  kill ${`${number}`.padStart(3)}: ${[leader, ...followers].join(' and ')}, ` +
        `next leader after ${leaderMs.toFixed(0)} ms, next write after ${writeMs.toFixed(0)} ms` +
        (plain || along > 0 ? '' : ', while a node was paused'),
    )
  }

  /** When a node said that it leads; a write that was acknowledged says so, too. */
  private async untilLed(written: Promise<number>): Promise<number> {
    let found = false
    // Each is asked on its own: one that is down must not keep the others' answers waiting.
    const looks = this.names.map(async (name) => {
      while (!found) {
        if ((await this.cluster.status(name))?.role === 'leader') return performance.now()
        await sleep(lookEveryMs)
      }
      return performance.now()
    })
    const firstMs = await Promise.race([...looks, written])
    found = true
    return firstMs
  }
}
