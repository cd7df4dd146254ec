/**
 * Watch fan-out: many watches over some prefixes, while writers put keys under them. Each event goes to every watch of its
 * prefix; its value says when it was sent, so its delay is the whole way: write, commit, delivery.
 */
import { systemClock } from '../../base/index.ts'
import type { Watch } from '../../src/api/index.ts'
import type { Client } from '../../src/client/index.ts'
import { Histogram, startLoad } from '../../src/cli/index.ts'
import { openClients } from './nitrostate.ts'
import type { NitrostateTarget } from './nitrostate.ts'
import { cpuTime } from './proc.ts'

/** Who watches what, and who writes. */
export interface FanOutShape {
  readonly watches: number
  readonly prefixes: number
  readonly connections: number
  /** Writes outstanding at any time. */
  readonly writers: number
}

/** What came of it. */
export interface FanOutOutcome extends FanOutShape {
  readonly writesPerSecond: number
  /** Events handed to the loops of all watches. */
  readonly eventsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Events that should have come and had not when nothing more came: anything but 0 is a fault. */
  readonly missing: number
  /** CPU time per delivered event, in microseconds: the leader's, the followers' mean, and the load's own. */
  readonly leaderUs: number
  readonly followersUs: number
  readonly loadUs: number
}

const valueBytes = 256
const keysPerPrefix = 100
const drainMs = 20_000

/** Runs one load of writes under watches. */
export async function runFanOut(
  target: NitrostateTarget,
  shape: FanOutShape,
  measureMs: number,
): Promise<FanOutOutcome> {
  const clients = await openClients(target.addresses, shape.connections)
  const watching = new Watching()
  try {
    await watching.open(clients, shape)
    const leader = await target.leader()
    const before = target.members.map(({ pid }) => cpuTime(pid).total)
    const loadBefore = process.cpuUsage()
    const started = systemClock.monotonicMs()
    const { latency } = await startLoad({
      clients: shape.writers,
      total: undefined,
      durationMs: measureMs,
      clock: systemClock,
      send: (sequence, writer) => {
        const { store } = clients[writer % clients.length] as Client
        const inPrefix = Math.floor(sequence / shape.prefixes) % keysPerPrefix
        return store.put(`${prefixName(sequence % shape.prefixes)}${inPrefix}`, stamped())
      },
    }).result
    const writesMs = systemClock.monotonicMs() - started
    const expected = latency.count * (shape.watches / shape.prefixes)
    await watching.reach(expected)
    const elapsedMs = systemClock.monotonicMs() - started
    const load = process.cpuUsage(loadBefore)
    const { events, delay } = watching
    const perEvent = target.members.map(({ name, pid }, at) => ({
      leads: name === leader,
      us: ((cpuTime(pid).total - (before[at] ?? 0)) * 1e6) / events,
    }))
    const mean = (leads: boolean): number => {
      const some = perEvent.filter((one) => one.leads === leads)
      return some.reduce((sum, { us }) => sum + us, 0) / some.length
    }
    return {
      ...shape,
      writesPerSecond: (latency.count * 1000) / writesMs,
      eventsPerSecond: (events * 1000) / elapsedMs,
      p50Ms: delay.percentile(50) / 1000,
      p99Ms: delay.percentile(99) / 1000,
      missing: expected - events,
      leaderUs: mean(true),
      followersUs: mean(false),
      loadUs: (load.user + load.system) / events,
    }
  } finally {
    watching.close()
    await Promise.all(clients.map((client) => client.close()))
  }
}

/** Watches and their loops. */
class Watching {
  events = 0
  /** From before the write to its event, in microseconds. */
  readonly delay: Histogram = new Histogram()
  private readonly watches: Watch[] = []

  async open(clients: readonly Client[], { watches, prefixes }: FanOutShape): Promise<void> {
    const opened = Array.from({ length: watches }, (_, at) => {
      const { store } = clients[at % clients.length] as Client
      // the clients take turns within each prefix, so that no event goes to one connection only
      const watch = store.watch({ prefix: prefixName(Math.floor(at / clients.length) % prefixes) })
      this.watches.push(watch)
      void this.read(watch)
      return watch.opened
    })
    await Promise.all(opened)
  }

  /** Waits until so many events have come, or none comes for long. */
  async reach(events: number): Promise<void> {
    const until = systemClock.monotonicMs() + drainMs
    while (this.events < events && systemClock.monotonicMs() < until) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  close(): void {
    for (const watch of this.watches) watch.close()
  }

  private async read(watch: Watch): Promise<void> {
    for await (const { events } of watch) {
      const now = systemClock.monotonicMs()
      for (const { entry } of events) {
        this.events++
        if (entry !== undefined) this.delay.record((now - sentMs(entry.value)) * 1000)
      }
    }
  }
}

function prefixName(at: number): string {
  return `fan-out/${at}/`
}

function stamped(): Uint8Array {
  const value = new Uint8Array(valueBytes)
  new DataView(value.buffer).setFloat64(0, systemClock.monotonicMs())
  return value
}

function sentMs(value: Uint8Array): number {
  return new DataView(value.buffer, value.byteOffset, value.length).getFloat64(0)
}
