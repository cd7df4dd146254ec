/**
 * Watches over a channel that may break: one attempt of a watch on one node.
 *
 * A channel calls the sink of an attempt in the order of the event log, never while `open` runs, and not after `ended` or after
 * the attempt was closed.
 */
import type { NitroError } from '../../base/index.ts'
import { decodeEvents } from '../../execution/codec.ts'
import type { DecodedRevision } from '../../execution/codec.ts'
import type { WatchDelivery } from '../api/index.ts'
import type { WireWatchRequest } from './watch-frames.ts'

/** A piece of a watch as it came; watches of one node that see the same share it, and it is decoded once. */
export class WatchChunk implements WatchDelivery {
  readonly bytes: Uint8Array
  /** Its last revision goes on in the next chunk. */
  readonly more: boolean
  /** Everything up to this revision has come with it; means nothing with `more`. */
  readonly through: number
  private decoded: readonly DecodedRevision[] | undefined

  constructor(bytes: Uint8Array, more: boolean, through: number) {
    this.bytes = bytes
    this.more = more
    this.through = through
  }

  get sizeBytes(): number {
    return this.bytes.length
  }

  revisions(): readonly DecodedRevision[] {
    this.decoded ??= decodeEvents(this.bytes)
    return this.decoded
  }
}

/** Hears of one attempt. */
export interface WatchSink {
  /** Events after this revision will come. */
  opened(revision: number): void
  chunk(chunk: WatchChunk): void
  /** Everything up to this revision has come; `asked` when it answers a request. */
  progress(revision: number, asked: boolean): void
  /** This attempt is over. */
  ended(error: NitroError): void
}

/** The owner's end of one attempt. */
export interface WatchPort {
  credit(bytes: number): void
  progress(): void
  close(): void
}

/** Opens watches on whatever node there is now. */
export interface WatchChannel {
  /** The attempt, or why there can be none at this moment. */
  watch(request: WireWatchRequest, sink: WatchSink): WatchPort | NitroError
}
