/**
 * A watch as an iteration. What was delivered waits here, at most a credit's worth of it, until the loop takes it; taking it
 * gives the credit back. One batch is one revision.
 */
import { NitroError, timerMsMax } from '../../base/index.ts'
import type { DecodedRevision } from '../../execution/codec.ts'
import type {
  Engine,
  Watch,
  WatchBatch,
  WatchDelivery,
  WatchHandle,
  WatchListener,
  WatchOptions,
  WatchRequest,
} from '../api/index.ts'
import { StoredEvent } from './event.ts'
import { codedRange, keyBytes } from './input.ts'

const creditBytes = 1 << 20

/** Opens a watch. What is wrong with the options is thrown by the iteration, as every other end of it is. */
export function openWatch(engine: Engine, options: WatchOptions): Watch {
  return new IteratedWatch(engine, options)
}

/** A loop step that waits for the next batch. */
interface Step {
  resolve(result: IteratorResult<WatchBatch>): void
  reject(reason: unknown): void
}

class IteratedWatch implements Watch {
  readonly opened: Promise<number>
  private handle: WatchHandle | undefined
  private readonly signal: AbortSignal | undefined
  private settleOpened!: { resolve(revision: number): void; reject(reason: unknown): void }
  /** Delivered and not begun; a number is a progress mark. */
  private queue: (WatchDelivery | number)[] = []
  /** The delivery the loop is in. */
  private current:
    | { readonly revisions: readonly DecodedRevision[]; readonly sizeBytes: number; next: number }
    | undefined
  private steps: Step[] = []
  /** How it ends once everything delivered is taken: with an error, or without. */
  private end: { readonly error: unknown } | undefined
  private over = false

  constructor(engine: Engine, options: WatchOptions) {
    this.opened = new Promise((resolve, reject) => (this.settleOpened = { resolve, reject }))
    // Who does not look at it learns of the failure from the iteration.
    this.opened.catch(() => undefined)
    this.signal = options.signal
    try {
      this.signal?.throwIfAborted()
      this.handle = engine.watch(requestOf(options), this.listener())
      this.signal?.addEventListener('abort', this.aborted)
    } catch (error) {
      this.finish(error)
    }
  }

  private readonly aborted = (): void => {
    this.drop()
    this.finish(this.signal?.reason)
  }

  private listener(): WatchListener {
    const queue = (item: WatchDelivery | number): void => {
      if (this.end !== undefined) return
      // The newest mark says it all; a reader that sleeps does not gather them.
      if (typeof item === 'number' && typeof this.queue.at(-1) === 'number') this.queue.pop()
      this.queue.push(item)
      this.serve()
    }
    return {
      opened: (revision) => this.settleOpened.resolve(revision),
      delivered: queue,
      progress: queue,
      ended: (error) => this.finish(error),
    }
  }

  private finish(error: unknown): void {
    if (this.end !== undefined) return
    this.end = { error }
    this.signal?.removeEventListener('abort', this.aborted)
    this.settleOpened.reject(error ?? new NitroError('Closed', 'the watch was closed'))
    this.serve()
  }

  next(): Promise<IteratorResult<WatchBatch>> {
    return new Promise((resolve, reject) => {
      this.steps.push({ resolve, reject })
      this.serve()
    })
  }

  /** Gives waiting steps what there is. */
  private serve(): void {
    while (this.steps.length > 0) {
      let batch: WatchBatch | undefined
      try {
        batch = this.take()
      } catch (error) {
        this.drop()
        this.finish(error)
      }
      if (batch === undefined && this.end === undefined) return
      const step = this.steps.shift() as Step
      if (batch !== undefined) step.resolve({ done: false, value: batch })
      else if (this.over || this.end?.error === undefined) step.resolve({ done: true, value: undefined })
      else {
        this.over = true
        step.reject(this.end.error)
      }
    }
  }

  /** The next batch of what was delivered. */
  private take(): WatchBatch | undefined {
    for (;;) {
      const { current } = this
      const revision = current?.revisions[current.next]
      if (current !== undefined && revision !== undefined) {
        current.next++
        if (current.next === current.revisions.length) this.used()
        return { revision: revision.revision, events: revision.events.map((event) => new StoredEvent(event)) }
      }
      if (current !== undefined) this.used()
      const item = this.queue.shift()
      if (item === undefined) return undefined
      if (typeof item === 'number') return { revision: item, events: [] }
      this.current = { revisions: item.revisions(), sizeBytes: item.sizeBytes, next: 0 }
    }
  }

  private used(): void {
    const bytes = this.current?.sizeBytes ?? 0
    this.current = undefined
    this.handle?.consumed(bytes)
  }

  /** Nothing more is wanted. */
  private drop(): void {
    this.handle?.close()
    this.handle = undefined
    this.queue = []
    this.current = undefined
  }

  requestProgress(): void {
    this.handle?.requestProgress()
  }

  close(): void {
    this.drop()
    this.finish(undefined)
  }

  return(): Promise<IteratorResult<WatchBatch>> {
    this.close()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close()
    return Promise.resolve()
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

/** Throws `InvalidArgument`, `KeyTooLarge`. */
function requestOf(options: WatchOptions): WatchRequest {
  const { key, filter, progressMs = 0, fromRevision = 0, prev } = options
  if (key !== undefined && (options.prefix ?? options.start ?? options.end) !== undefined) {
    throw new NitroError('InvalidArgument', 'a watch is of one key or of a range, not of both')
  }
  if (filter !== undefined && filter !== 'put' && filter !== 'delete' && filter !== 'emit') {
    throw new NitroError('InvalidArgument', `filter is ${JSON.stringify(filter)}; it must be put, delete or emit`)
  }
  if (options.fromRevision !== undefined && !(Number.isSafeInteger(fromRevision) && fromRevision >= 1)) {
    throw new NitroError('InvalidArgument', `fromRevision is ${fromRevision}; it must be a whole number from 1 on`)
  }
  if (options.progressMs !== undefined && !(progressMs >= 1 && progressMs <= timerMsMax)) {
    throw new NitroError('InvalidArgument', `progressMs is ${progressMs}; it must be 1 to ${timerMsMax}`)
  }
  const wants = (type: string): boolean => filter === undefined || filter === type
  return {
    range: key === undefined ? codedRange(options) : { start: keyBytes(key) },
    fromRevision,
    puts: wants('put'),
    deletes: wants('delete'),
    emits: wants('emit'),
    previous: prev === true,
    creditBytes,
    progressMs,
  }
}
