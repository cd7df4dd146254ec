/** What the watch hub stands between: the machine's event log on one side, the outlets of watchers on the other. */
import type { NitroError } from '../../../base/index.ts'
import type { Caller, EventView } from '../../../execution/index.ts'

/** Where events come from: a machine between two commands. */
export interface EventSource {
  readonly revision: number
  /** Events before this revision are gone. */
  readonly compactRevision: number
  /** Why it can't go on; then its last revision may be there in part. */
  readonly damage: NitroError | undefined
  /**
   * Visits the events from a revision on, in order, until the visitor says false.
   * Throws `Compacted` below `compactRevision`, `StateDamaged`.
   */
  visitEvents(fromRevision: number, visit: (event: EventView) => boolean): void
}

/** Who may watch, and when that may have changed. */
export interface WatchGate {
  /** Another number whenever permissions are, or whether they are in force. */
  readonly version: number
  /** Why a watch may not be open; undefined when it may. */
  watch(caller: Caller, start: string, end: string | undefined): NitroError | undefined
}

/** What a watcher wants to see. Watchers that want the same share their work. */
export interface WatchSpec {
  /** The first key, as latin1. */
  readonly start: string
  /** The first key past the range; undefined for none. */
  readonly end: string | undefined
  readonly puts: boolean
  readonly deletes: boolean
  readonly emits: boolean
  /** With the record each event took the place of. */
  readonly previous: boolean
}

/** Encoded events of some watchers, shared by them. */
export interface EventBuffer {
  readonly bytes: Uint8Array
  /** Events in it. */
  readonly count: number
  /** The last revision goes on in the watcher's next buffer, if only to say that it is over. */
  readonly more: boolean
  /** Every event up to this revision has been handed over with this buffer; means nothing with `more`. */
  readonly through: number
}

/** The way to the watchers of one connection. All calls are about watches that are open there. */
export interface WatchOutlet {
  /** Whether more events can be taken; if not, {@link WatchHub.roomAgain} tells when they can. */
  readonly hasRoom: boolean
  /** Events after `revision` will come, and no others. */
  opened(id: number, revision: number): void
  events(buffer: EventBuffer, id: number): void
  /** Everything up to `revision` has been handed over. */
  progress(id: number, revision: number): void
  /** The same for every open watch but these. */
  progressAll(revision: number, except: readonly number[]): void
  /** The watch is over. */
  ended(id: number, error: NitroError): void
  /** A turn of the hub is over: what was handed over may leave. */
  flush(): void
}
