/**
 * Clients that lock and elect. Each is a process of its own, whose clock runs fast or slow and knows by how much at most; it may stand
 * still, be cut off, and be killed and come back as a stranger. What they do is drawn from `operations`.
 */
import { isNitroError } from '../../../../base/index.ts'
import type { Session } from '../../../api/index.ts'
import type { Client } from '../../../client/index.ts'
import { holderBound } from '../../../store/index.ts'
import type { ClientProcess } from '../../client-process.ts'
import type { Cluster } from '../../cluster.ts'
import type { Knobs } from '../../knobs.ts'
import { leadOperation, observeOperation } from './elections.ts'
import { Hand, ttlsMs } from './hand.ts'
import type { SyncOperation, SyncWorld } from './hand.ts'
import { leaveOperation, lockOperation, permitOperation, readWriteOperation } from './locks.ts'

const operations: readonly SyncOperation[] = [
  lockOperation,
  readWriteOperation,
  permitOperation,
  leadOperation,
  observeOperation,
  leaveOperation,
]
const weightSum = operations.reduce((sum, { weight }) => sum + weight, 0)
const workers = 3
/** Waiting for an answer of a healed cluster takes no longer. */
const settleMs = 10_000

interface Office {
  readonly client: ClientProcess
  connection: Client | undefined
  /** Workers that are not done. */
  busy: number
}

/** All of them. */
export class SyncWork {
  /** Faults are over: nothing is held for long any more. */
  hurry = false
  private readonly offices: Office[] = []
  private readonly cluster: Cluster
  private readonly knobs: Knobs
  private readonly world: SyncWorld
  private freshNumber = 0

  constructor(cluster: Cluster, knobs: Knobs) {
    this.cluster = cluster
    this.knobs = knobs
    const isHurried = (): boolean => this.hurry
    this.world = {
      random: cluster.random.split('sync work'),
      coverage: cluster.coverage,
      violations: cluster.violations,
      observers: new Set(),
      get hurry() {
        return isHurried()
      },
      tell(fact) {
        const { checkers, trace, time } = cluster
        trace.add(time.nowMs, 'sync', fact.kind, undefined, JSON.stringify(fact))
        checkers.told(fact)
      },
      nowMs: () => cluster.time.nowMs,
      fresh: () => ++this.freshNumber,
    }
  }

  /** Workers that are not done. */
  get busy(): number {
    return this.offices.reduce((sum, { busy }) => sum + busy, 0)
  }

  /** How long it may take until leases of the dead have ended, beside what everything takes. */
  get leasesMs(): number {
    return this.knobs.syncClients === 0 ? 0 : Math.max(...ttlsMs) / (1 - this.knobs.skew) + settleMs
  }

  /** Starts the clients, who go on until `enough` says so. They also know addresses of nodes that may come later. */
  start(laterNames: readonly string[], enough: () => boolean): void {
    const { cluster, knobs } = this
    const random = cluster.random.split('sync clients')
    for (let i = 1; i <= knobs.syncClients; i++) {
      // The ends of what is allowed are where bounds are tight.
      const rate = 1 + knobs.skew * random.pick([-1, 1, random.between(-1, 1)])
      const client = cluster.mortalClient(`h${i}`, laterNames, {
        followLeader: random.chance(0.7),
        skew: { rate, wallOffsetMs: random.between(-5_000, 5_000) },
        holderMs: holderBound(knobs.skew, knobs.tickMs),
      })
      const office: Office = { client, connection: undefined, busy: 0 }
      this.offices.push(office)
      client.onStart = () => {
        this.world.coverage.hit('sync: client came back as a stranger')
        this.world.tell({ kind: 'client over', client: client.name })
        for (const one of this.world.observers) {
          if (one.startsWith(`${client.name}.`)) this.world.observers.delete(one)
        }
        void this.live(office, enough)
      }
      office.busy = workers
      const comesMs = rate * Math.max(0, knobs.faultsMs - knobs.syncMs)
      client.life.scheduler.after(comesMs, () => void this.live(office, enough))
    }
  }

  /** One life of a client. */
  private async live(office: Office, enough: () => boolean): Promise<void> {
    const { client } = office
    office.busy = workers
    office.connection = undefined
    const { number, life } = client
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => void life.scheduler.after(ms, resolve))
    let connection: Client | undefined
    while (connection === undefined) {
      try {
        connection = await client.connect()
      } catch (error) {
        if (!isNitroError(error)) throw error
        await sleep(50)
      }
    }
    office.connection = connection
    const sessions = new Map<number, Session>()
    for (let i = 0; i < workers; i++)
      void this.work(office, number, new Hand(client, connection, this.world, sessions), enough)
  }

  private async work(office: Office, life: number, hand: Hand, enough: () => boolean): Promise<void> {
    for (let last = false; !last;) {
      last = enough()
      await this.draw().run(hand)
      await hand.sleep(this.world.random.between(0, 2 * this.knobs.syncEveryMs))
    }
    if (office.client.number === life) office.busy--
  }

  private draw(): SyncOperation {
    let at = this.world.random.between(0, weightSum)
    return operations.find(({ weight }) => (at -= weight) < 0) ?? lockOperation
  }

  /** Faults are over and workers are done: nothing is left, and observers know it. Lets time pass, and ends the clients. */
  async settle(): Promise<void> {
    const { cluster, world } = this
    const { log, acquires, observers } = cluster.watched.sync
    const left = (): string[] => acquires.leftBehind()
    const behind = (): string[] => observers.behind(world.observers)
    if (log.whole && !(await cluster.until(() => left().length + behind().length === 0, this.leasesMs))) {
      for (const what of left()) cluster.violations.add('nothing left behind', `nobody wants ${what}, and it is there`)
      for (const what of behind()) cluster.violations.add('elections in order', `in the end ${what}`)
    }
    for (const { connection } of this.offices) if (connection !== undefined) await cluster.answer(connection.close())
  }

  /** What is under way, for messages. */
  pending(): string[] {
    return this.cluster.watched.sync.acquires.pending()
  }
}
