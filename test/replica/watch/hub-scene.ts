/** A hub over a source of events that tests feed, and one who listens. */
import type { NitroError } from '../../../base/index.ts'
import { decodeEvents } from '../../../execution/index.ts'
import { WatchHub } from '../../../src/replica/index.ts'
import type { EventBuffer, WatchOutlet, WatchSpec } from '../../../src/replica/index.ts'
import type { BarrierWaiter } from '../../../src/replica/reads.ts'
import { VirtualTime } from '../../net/schedulers.ts'
import { FakeSource } from '../../support/event-source.ts'

/** Takes down what it hears. */
export class Listening implements WatchOutlet {
  hasRoom = true
  flushes = 0
  heard: unknown[] = []
  readonly buffers = new Set<EventBuffer>()

  opened(id: number, revision: number): void {
    this.heard.push([id, 'opened', revision])
  }

  events(buffer: EventBuffer, id: number): void {
    this.buffers.add(buffer)
    const keys = decodeEvents(buffer.bytes).flatMap(({ events }) =>
      events.map(({ key }) => String.fromCharCode(...key)),
    )
    this.heard.push([id, ...keys, ...(buffer.more ? ['...'] : [])])
  }

  progress(id: number, revision: number): void {
    this.heard.push([id, 'progress', revision])
  }

  progressAll(revision: number, except: readonly number[]): void {
    this.heard.push(['all', revision, ...except])
  }

  ended(id: number, error: NitroError): void {
    this.heard.push([id, error.code])
  }

  flush(): void {
    this.flushes++
  }
}

export class Scene {
  readonly time = new VirtualTime()
  readonly waiters: BarrierWaiter[] = []
  readonly failures: unknown[] = []
  source: FakeSource | undefined = new FakeSource()
  readonly outlet = new Listening()
  readonly hub = new WatchHub({
    clock: this.time,
    scheduler: this.time,
    source: () => this.source,
    barrier: (waiter) => this.waiters.push(waiter),
    failed: (error) => this.failures.push(error),
  })

  open(
    id: number,
    spec: Partial<WatchSpec> = {},
    from = 1,
    creditBytes = 1 << 20,
    outlet: WatchOutlet = this.outlet,
  ): void {
    const all = { start: '', end: undefined, puts: true, deletes: true, emits: true, previous: false }
    this.hub.open(outlet, id, { ...all, ...spec }, from, creditBytes)
  }

  put(...keys: string[]): number {
    const revision = (this.source as FakeSource).write(
      ...keys.map((key) => ({ type: 'put' as const, key, value: key })),
    )
    this.hub.wake()
    return revision
  }

  async heard(): Promise<unknown[]> {
    await this.time.pass(0)
    return this.outlet.heard.splice(0)
  }
}

/** All keys that begin with a. */
export const prefixA = { start: 'a', end: 'b' }
