/** The watches of one connection: their ids, and who hears of them. */
import type { NitroError } from '../../base/index.ts'
import { readWatchTells, WatchAskWriter, WatchChunk } from '../wire/index.ts'
import type { WatchPort, WatchSink, WatchTells, WireWatchRequest } from '../wire/index.ts'

/** All watches that are open on a connection. */
export class ConnectionWatches implements WatchTells {
  /** What the node has to be told in this turn. */
  readonly asks = new WatchAskWriter()
  private readonly sinks = new Map<number, WatchSink>()
  /** Those that the node has opened: only they can be meant when it speaks of all. */
  private readonly openIds = new Set<number>()
  private readonly askLater: () => void
  private nextId = 1

  /** `askLater` makes sure that {@link asks} leaves at the end of the turn. */
  constructor(askLater: () => void) {
    this.askLater = askLater
  }

  /** Opens a watch. */
  open(request: WireWatchRequest, sink: WatchSink): WatchPort {
    const id = this.nextId++
    this.sinks.set(id, sink)
    this.ask(() => this.asks.open(id, request))
    return {
      credit: (bytes) => this.askOf(id, () => this.asks.credit(id, bytes)),
      progress: () => this.askOf(id, () => this.asks.progress(id)),
      close: () => {
        this.askOf(id, () => this.asks.close(id))
        this.forget(id)
      },
    }
  }

  private askOf(id: number, write: () => void): void {
    if (this.sinks.has(id)) this.ask(write)
  }

  private ask(write: () => void): void {
    write()
    this.askLater()
  }

  private forget(id: number): void {
    this.sinks.delete(id)
    this.openIds.delete(id)
  }

  /** Takes a frame of the node. Throws `MalformedFrame`. */
  message(payload: Uint8Array): void {
    readWatchTells(payload, this)
  }

  /** For {@link readWatchTells}. */
  opened(id: number, revision: number): void {
    const sink = this.sinks.get(id)
    if (sink === undefined) return
    this.openIds.add(id)
    sink.opened(revision)
  }

  /** For {@link readWatchTells}. */
  events(ids: readonly number[], more: boolean, through: number, events: Uint8Array): void {
    // The frame's memory is the link's; what waits for a slow reader is ours.
    const chunk = new WatchChunk(new Uint8Array(events), more, through)
    for (const id of ids) this.sinks.get(id)?.chunk(chunk)
  }

  /** For {@link readWatchTells}. */
  progress(id: number, revision: number): void {
    this.sinks.get(id)?.progress(revision, true)
  }

  /** For {@link readWatchTells}. */
  progressAll(revision: number, except: readonly number[]): void {
    const behind = new Set(except)
    for (const id of this.openIds) if (!behind.has(id)) this.sinks.get(id)?.progress(revision, false)
  }

  /** For {@link readWatchTells}. */
  ended(id: number, error: NitroError): void {
    const sink = this.sinks.get(id)
    this.forget(id)
    sink?.ended(error)
  }

  /** The connection is over, or takes leave: each watch goes on elsewhere. */
  endAll(error: NitroError): void {
    const sinks = [...this.sinks.values()]
    this.sinks.clear()
    this.openIds.clear()
    for (const sink of sinks) sink.ended(error)
  }
}
