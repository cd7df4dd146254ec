/**
 * Nodes with a hub each over logs that lag behind one another, and one client whose connection breaks, on a link with
 * delays and bounds. Everything from frames to the iteration is the product's; log, link and time are not.
 */
import { NitroError, text } from '../../base/index.ts'
import type { Entry, WatchBatch, WatchOptions } from '../../src/api/index.ts'
import { ConnectionWatches } from '../../src/client/watches.ts'
import { RemoteOutlet } from '../../src/node/watch-outlet.ts'
import { WatchHub } from '../../src/replica/index.ts'
import { openWatch } from '../../src/store/watch.ts'
import type { SeenRecord, WatchRecord } from '../../src/testing/checkers/watch.ts'
import { WatchSession } from '../../src/wire/index.ts'
import { seededRandom, VirtualTime } from '../net/schedulers.ts'
import { FakeSource } from './event-source.ts'

/** A node: a log that lags, or none, and a hub. */
export class WatchNode {
  source: FakeSource | undefined
  readonly hub: WatchHub

  constructor(world: WatchWorld, source: FakeSource) {
    this.source = source
    const { time } = world
    this.hub = new WatchHub({
      clock: time,
      scheduler: time,
      source: () => this.source,
      // A barrier ends when this node has what every node had at its beginning.
      barrier: (waiter) => {
        const reach = world.master.revision
        const look = (): void => {
          if (this.source !== undefined && this.source.revision >= reach) waiter.run()
          else if (time.monotonicMs() > waiter.deadlineMs) waiter.failed(new NitroError('Unavailable', 'no barrier'))
          else time.after(20, look)
        }
        time.after(1, look)
      },
      failed: () => {
        // As a repair does: no state for a while, then one that is as far.
        const whole = this.source as FakeSource
        this.source = undefined
        time.after(100, () => {
          whole.broken = false
          this.source = whole
          this.hub.wake()
        })
      },
    })
  }

  catchUp(master: FakeSource, revision: number): void {
    this.source?.catchUp(master, Math.max(revision, this.source.revision))
    this.hub.wake()
  }
}

/** A connection: frames take their time, in order, and wait unsent up to a bound. */
class FakeConnection {
  readonly watches: ConnectionWatches
  private readonly outlet: RemoteOutlet
  private readonly time: VirtualTime
  private alive = true
  private planned = false
  private unsentBytes = 0

  constructor(world: WatchWorld, node: WatchNode) {
    this.time = world.time
    this.watches = new ConnectionWatches(() => this.flushLater())
    this.outlet = new RemoteOutlet({
      hub: () => node.hub,
      scheduler: world.time,
      caller: () => 'owner',
      send: (_kind, payload) => {
        const frame = payload.slice()
        this.unsentBytes += frame.length
        this.time.after(2, () => {
          this.unsentBytes -= frame.length
          if (this.alive) this.watches.message(frame)
        })
      },
      // As if the link were much narrower than it is.
      unsentBytes: () => this.unsentBytes * 40,
    })
  }

  private flushLater(): void {
    if (this.planned) return
    this.planned = true
    this.time.endOfTurn(() => {
      this.planned = false
      const payload = this.watches.asks.take()
      this.time.after(1, () => {
        if (this.alive) this.outlet.message(payload)
      })
    })
  }

  cut(): void {
    this.alive = false
    this.outlet.drop()
    this.watches.endAll(new NitroError('ConnectionClosed', 'cut'))
  }
}

/** One watch of the world with what it gave so far. */
export class WorldWatch {
  readonly record: WatchRecord & { batches: WatchBatch[]; from: number; until: number }
  ended: unknown
  done = false
  reading = false
  readonly iteration: ReturnType<typeof openWatch>

  constructor(world: WatchWorld, name: string, options: WatchOptions, matches: (key: string) => boolean) {
    this.iteration = openWatch(world.engine, options)
    const { filter, prev = false, fromRevision = 0 } = options
    this.record = { name, matches, filter, prev, from: fromRevision, batches: [], until: 0 }
    this.iteration.opened.then(
      (revision) => {
        if (fromRevision === 0) this.record.from = revision + 1
      },
      () => undefined,
    )
  }

  /** Asks for one batch, unless one is asked for already. */
  read(): void {
    if (this.reading || this.done) return
    this.reading = true
    this.iteration.next().then(
      ({ done, value }) => {
        this.reading = false
        if (done === true) this.done = true
        else this.record.batches.push(value)
      },
      (error: unknown) => {
        this.reading = false
        this.done = true
        this.ended = error
      },
    )
  }

  /** The last revision that was told. */
  get through(): number {
    return this.record.batches.at(-1)?.revision ?? 0
  }
}

/** The world. */
export class WatchWorld {
  readonly time = new VirtualTime()
  readonly master = new FakeSource()
  readonly nodes: readonly WatchNode[]
  readonly session: WatchSession
  readonly engine
  private connection: FakeConnection | undefined

  constructor(creditBytes: number) {
    this.nodes = [0, 1, 2].map(() => new WatchNode(this, this.master.at(0)))
    this.session = new WatchSession({
      scheduler: this.time,
      random: seededRandom(3),
      channel: {
        watch: (request, sink) =>
          this.connection?.watches.open(request, sink) ?? new NitroError('Unavailable', 'no connection'),
      },
    })
    this.engine = {
      command: () => Promise.reject(new Error('no commands here')),
      query: () => Promise.reject(new Error('no queries here')),
      watch: (...[request, listener]: Parameters<WatchSession['watch']>) =>
        this.session.watch({ ...request, creditBytes }, listener),
    }
  }

  /** Leaves the node that is connected and goes to another, or to none. */
  connect(node: WatchNode | undefined): void {
    const before = this.connection
    this.connection = node === undefined ? undefined : new FakeConnection(this, node)
    before?.cut()
    if (this.connection !== undefined) this.session.retryNow()
  }

  /** Lets virtual time pass. */
  pass(ms: number): Promise<void> {
    return this.time.pass(ms)
  }
}

/** Batches as the checker takes them. */
export function seen(batches: readonly WatchBatch[]): WatchRecord['batches'] {
  const record = (entry: Entry | undefined): SeenRecord | undefined =>
    entry && {
      ...{ value: text(entry.value), createRevision: entry.createRevision },
      ...{ modRevision: entry.modRevision, version: entry.version },
    }
  return batches.map(({ revision, events }) => ({
    revision,
    events: events.map((event) => ({
      ...{ type: event.type, key: event.keyText() },
      ...{ entry: record(event.entry), previous: record(event.previous) },
    })),
  }))
}
