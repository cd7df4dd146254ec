/** Watches of a node's own store: the same hub, without a connection. */
import { NitroError } from '../../base/index.ts'
import type { EventBuffer, WatchHub, WatchOutlet } from '../replica/index.ts'
import { WatchChunk } from '../wire/index.ts'
import type { WatchChannel, WatchPort, WatchSink, WireWatchRequest } from '../wire/index.ts'
import { specOf } from './watch-outlet.ts'

/** The outlet of watches in this process; their credit is all that bounds them. */
export class LocalWatches implements WatchOutlet, WatchChannel {
  readonly hasRoom = true
  private readonly hub: () => WatchHub | undefined
  private readonly sinks = new Map<number, WatchSink>()
  private news: (() => void)[] = []
  /** The last buffer and its chunk: watches that see the same share it. */
  private last: { readonly buffer: EventBuffer; readonly chunk: WatchChunk } | undefined
  private nextId = 1

  /** `hub` gives the hub of this node, once there is one. */
  constructor(hub: () => WatchHub | undefined) {
    this.hub = hub
  }

  watch(request: WireWatchRequest, sink: WatchSink): WatchPort | NitroError {
    const hub = this.hub()
    if (hub === undefined) return new NitroError('NotBootstrapped', 'this node has no configuration yet')
    const spec = specOf(request)
    if (spec instanceof NitroError) return spec
    const id = this.nextId++
    this.sinks.set(id, sink)
    hub.open(this, id, spec, request.fromRevision, request.creditBytes, request.caller)
    return {
      credit: (bytes) => hub.credit(this, id, bytes),
      progress: () => hub.askProgress(this, id),
      close: () => {
        this.sinks.delete(id)
        hub.close(this, id)
      },
    }
  }

  opened(id: number, revision: number): void {
    this.news.push(() => this.sinks.get(id)?.opened(revision))
  }

  events(buffer: EventBuffer, id: number): void {
    if (this.last?.buffer !== buffer) {
      const chunk = new WatchChunk(buffer.bytes, buffer.more, buffer.through)
      this.last = { buffer, chunk }
    }
    const { chunk } = this.last
    this.news.push(() => this.sinks.get(id)?.chunk(chunk))
  }

  progress(id: number, revision: number): void {
    this.news.push(() => this.sinks.get(id)?.progress(revision, true))
  }

  progressAll(revision: number, except: readonly number[]): void {
    const behind = new Set(except)
    this.news.push(() => {
      for (const [id, sink] of this.sinks) if (!behind.has(id)) sink.progress(revision, false)
    })
  }

  ended(id: number, error: NitroError): void {
    this.news.push(() => {
      const sink = this.sinks.get(id)
      this.sinks.delete(id)
      sink?.ended(error)
    })
  }

  flush(): void {
    const { news } = this
    this.news = []
    this.last = undefined
    for (const tell of news) tell()
  }
}
