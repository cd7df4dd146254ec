/**
 * What befalls servers and contenders, drawn from a seed: the seed decides what is done to whom, not how it meets with what the
 * processes do.
 */
import { SeededRandom } from '../../../src/testing/random.ts'
import { sleep } from '../harness/index.ts'
import type { Cluster } from '../harness/index.ts'
import type { Contender } from './contender-process.ts'

/** What was done. */
export interface Done {
  serverKills: number
  serverPauses: number
  contenderKills: number
  contenderPauses: number
  /** Holders that stopped themselves between read and write. */
  holderStops: number
}

/** Whom it befalls, and how. */
export interface TroubleOptions {
  readonly cluster: Cluster
  readonly names: readonly string[]
  readonly contenders: readonly Contender[]
  readonly seed: string
  readonly ttlMs: number
  /** It goes on until both are reached. */
  readonly seconds: number
  readonly holderStops: number
}

/** Holders stopped at one time. */
const stoppedAtOnce = 3
const grantTimeoutMs = 60_000

/** Makes trouble, and ends with all servers serving and all contenders running. */
export class Trouble {
  readonly done: Done = { serverKills: 0, serverPauses: 0, contenderKills: 0, contenderPauses: 0, holderStops: 0 }
  private readonly options: TroubleOptions
  private readonly random: SeededRandom
  private startedMs = 0

  constructor(options: TroubleOptions) {
    this.options = options
    this.random = new SeededRandom(options.seed)
  }

  /** Runs it to its end. */
  async run(): Promise<void> {
    const { cluster, names } = this.options
    this.startedMs = performance.now()
    const stoppers = Array.from({ length: stoppedAtOnce }, (_, at) => this.stopHolders(this.random.split(`stop ${at}`)))
    const troubles = [...stoppers, this.troubleServers(), this.killContenders(), this.pauseContenders()]
    await Promise.all(troubles)
    await cluster.whole(names, 60_000)
  }

  private get isOver(): boolean {
    const { seconds, holderStops } = this.options
    return performance.now() - this.startedMs >= seconds * 1_000 && this.done.holderStops >= holderStops
  }

  /** One server at a time mostly; now and then two, so that there is no quorum for a while. */
  private async troubleServers(): Promise<void> {
    const { cluster, names } = this.options
    const random = this.random.split('servers')
    while (!this.isOver) {
      await sleep(random.between(500, 2_500))
      const first = random.pick(names)
      const second = random.pick(names.filter((name) => name !== first))
      const victims = random.chance(0.15) ? [first, second] : [first]
      const isKill = random.chance(0.6)
      const forMs = random.between(300, 2_500)
      for (const name of victims) {
        const server = cluster.server(name)
        if (isKill) {
          this.done.serverKills++
          await server.kill()
        } else {
          this.done.serverPauses++
          server.pause()
        }
      }
      await sleep(forMs)
      for (const name of victims) {
        if (isKill) cluster.start(name)
        else cluster.server(name).resume()
      }
      await cluster.whole(names, 60_000)
    }
  }

  private async killContenders(): Promise<void> {
    const random = this.random.split('kill')
    while (!this.isOver) {
      await sleep(random.between(300, 1_500))
      const victim = this.free(random)
      if (victim === undefined) continue
      victim.isBusy = true
      this.done.contenderKills++
      await victim.kill()
      await sleep(random.between(0, 500))
      victim.start()
      victim.isBusy = false
    }
  }

  private async pauseContenders(): Promise<void> {
    const random = this.random.split('pause')
    while (!this.isOver) {
      await sleep(random.between(200, 1_000))
      const victim = this.free(random)
      if (victim === undefined) continue
      victim.isBusy = true
      this.done.contenderPauses++
      victim.signal('SIGSTOP')
      await sleep(random.between(50, 2 * this.options.ttlMs))
      victim.signal('SIGCONT')
      victim.isBusy = false
    }
  }

  /** Has one contender after another stop itself when it has read and not yet written, for twice the time to live. */
  private async stopHolders(random: SeededRandom): Promise<void> {
    while (!this.isOver) {
      const victim = this.free(random)
      if (victim === undefined) {
        await sleep(50)
        continue
      }
      victim.isBusy = true
      const stopping = victim.next('stopping', grantTimeoutMs)
      victim.order('stop')
      if ((await stopping) !== undefined) {
        const woke = victim.next('woke', grantTimeoutMs)
        await sleep(2 * this.options.ttlMs)
        victim.signal('SIGCONT')
        if ((await woke) !== undefined) this.done.holderStops++
      } else {
        // It may still do as it was told, and nobody would be there to have it go on.
        await victim.kill()
        victim.start()
      }
      victim.isBusy = false
    }
  }

  private free(random: SeededRandom): Contender | undefined {
    const free = this.options.contenders.filter(({ isBusy, isRunning }) => !isBusy && isRunning)
    return free.length === 0 ? undefined : random.pick(free)
  }
}
