/**
 * One watcher of a stream. It answers `created` first, then events, all of a revision in one response unless fragments are wanted,
 * and `canceled` when it ends by itself.
 *
 * The revision in the header of its responses is that up to which it has delivered: it never goes back, and whoever goes on
 * from the one after it misses nothing.
 */
import { compareBytes, isNitroError } from '../../../base/index.ts'
import type { DecodedEvent } from '../../../execution/codec.ts'
import type { Engine, WatchDelivery, WatchHandle, WatchRequest } from '../../api/index.ts'
import type { StreamCall } from './call.ts'
import { rpcErrorOf } from './errors.ts'
import { fragmentsOf } from './fragments.ts'
import { keyValueOf } from './kv-requests.ts'
import { storeToEtcd } from './revision.ts'
import { printed } from './rpc-error.ts'
import type { Decoded, Encodable } from './schema/index.ts'

/** Events of one watcher that may wait to be sent, in bytes. */
const creditBytes = 256 << 10
/** The id in answers that are for no watcher, or for all. */
export const noWatcher = -1

const filters = { noPut: 0, noDelete: 1 } as const
const eventTypes = { put: 0, delete: 1 } as const

/** What a watcher stands on. */
export interface WatcherOptions {
  readonly header: (storeRevision?: number) => Encodable<'ResponseHeader'>
  readonly call: StreamCall<Encodable<'WatchResponse'>>
  /** Everything up to a revision of the store was delivered. */
  readonly progress: (storeRevision: number) => void
  /** It has ended, and the caller was told. */
  readonly over: () => void
}

/** What to watch, as the engine takes it; a text says why it can't be. */
export function watchRequestOf(
  request: Decoded<'WatchCreateRequest'>,
  { progressMs }: { readonly progressMs: number },
): WatchRequest | string {
  const { range_end: end, start_revision } = request
  const key = request.key.length === 0 ? Uint8Array.of(0) : request.key
  const fromKey = end.length === 1 && end[0] === 0
  if (end.length > 0 && !fromKey && compareBytes(key, end) >= 0) return 'mvcc: watcher range is empty'
  return {
    range: fromKey ? { start: key, fromKey } : end.length > 0 ? { start: key, end } : { start: key },
    // Nothing was written at revision 1 or before.
    fromRevision: start_revision === 0 ? 0 : Math.max(1, start_revision - 1),
    puts: !request.filters.includes(filters.noPut),
    deletes: !request.filters.includes(filters.noDelete),
    emits: false,
    previous: request.prev_kv,
    creditBytes,
    progressMs: request.progress_notify ? progressMs : 0,
  }
}

/** One watcher. */
export class Watcher {
  readonly id: number
  readonly wantsProgress: boolean
  /** The revision of the store up to which it has delivered; undefined before it was opened. */
  reached: number | undefined
  private readonly options: WatcherOptions
  private readonly wantsFragments: boolean
  private handle: WatchHandle | undefined
  private isOver = false

  constructor(id: number, request: Decoded<'WatchCreateRequest'>, options: WatcherOptions) {
    this.id = id
    this.wantsProgress = request.progress_notify
    this.wantsFragments = request.fragment
    this.options = options
  }

  /** Begins. */
  start(engine: Engine, request: WatchRequest): void {
    this.handle = engine.watch(request, {
      opened: (revision) => this.opened(revision),
      delivered: (delivery) => this.delivered(delivery),
      progress: (revision) => this.progressed(revision),
      ended: (error) => this.ended(error),
    })
  }

  /** A call of `progress` follows when everything there is was delivered. */
  requestProgress(): void {
    this.handle?.requestProgress()
  }

  /** Ends it as the caller wishes, who hears that it was created also when it ends before it has begun. */
  cancel(): void {
    const { call, header } = this.options
    this.close()
    if (this.reached === undefined) call.send({ header: header(), watch_id: this.id, created: true })
    call.send({ header: header(this.reached), watch_id: this.id, canceled: true })
  }

  /** Ends it without a word. */
  close(): void {
    this.isOver = true
    this.handle?.close()
  }

  private opened(revision: number): void {
    if (this.isOver) return
    const { call, header } = this.options
    // One that begins in the future is no further than the store.
    const now = header()
    const opened = storeToEtcd(revision)
    this.reached = revision
    call.send({
      header: opened < (now.revision ?? 0) ? { ...now, revision: opened } : now,
      watch_id: this.id,
      created: true,
    })
  }

  private delivered(delivery: WatchDelivery): void {
    if (this.isOver) return
    const revisions = delivery.revisions()
    const last = revisions.at(-1)
    if (last === undefined) return this.handle?.consumed(delivery.sizeBytes)
    this.reached = last.revision
    const events = revisions.flatMap(({ revision, events: all }) => all.map((event) => eventOf(event, revision)))
    const used = (): void => this.handle?.consumed(delivery.sizeBytes)
    if (this.sendEvents(last.revision, events)) used()
    else this.options.call.drained(used)
  }

  private sendEvents(revision: number, events: readonly Encodable<'Event'>[]): boolean {
    const { call, header } = this.options
    const parts = this.wantsFragments ? fragmentsOf(events) : [events]
    let more = true
    for (const [at, part] of parts.entries()) {
      const fragment = at < parts.length - 1 ? { fragment: true } : {}
      more = call.send({ header: header(revision), watch_id: this.id, events: part, ...fragment })
    }
    return more
  }

  private progressed(revision: number): void {
    if (this.isOver) return
    this.reached = Math.max(this.reached ?? 0, revision)
    this.options.progress(revision)
  }

  private ended(error: Error): void {
    if (this.isOver) return
    this.isOver = true
    const { call, header } = this.options
    const created = this.reached === undefined
    const compacted = isNitroError(error, 'Compacted') ? error.details['compactRevision'] : undefined
    if (typeof compacted === 'number') {
      if (created) call.send({ header: header(), watch_id: this.id, created })
      const compact_revision = storeToEtcd(compacted)
      call.send({ header: header(), watch_id: this.id, canceled: true, compact_revision })
    } else {
      // One that never was is created and canceled at once, and has no id.
      const cancel_reason = printed(rpcErrorOf(error))
      const watch_id = created ? noWatcher : this.id
      call.send({ header: header(), watch_id, canceled: true, cancel_reason, ...(created ? { created } : {}) })
    }
    this.options.over()
  }
}

function eventOf({ kind, key, entry, previous }: DecodedEvent, revision: number): Encodable<'Event'> {
  const prev = previous === undefined ? {} : { prev_kv: keyValueOf(previous) }
  if (kind === 'put' && entry !== undefined) return { kv: keyValueOf(entry), ...prev }
  return { type: eventTypes.delete, kv: { key, mod_revision: storeToEtcd(revision) }, ...prev }
}
