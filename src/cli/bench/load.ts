/**
 * A closed loop of clients, like etcd's benchmark tool: each client sends its next request when the last was answered,
 * so latency and throughput belong to one level of concurrency. The load is cheap, because it shares the machine with
 * the servers: one promise per request, one typed array for all latencies.
 */
import { type Clock, type ErrorCode, isNitroError } from '../../../base/index.ts'
import { Histogram } from './histogram.ts'

/** What the clients do. */
export interface LoadOptions {
  /** Requests outstanding at any time. */
  readonly clients: number
  /** Requests in all; undefined = until the time is over. */
  readonly total: number | undefined
  readonly durationMs: number | undefined
  readonly clock: Clock
  /** Sends request number `sequence` as client number `client`. */
  readonly send: (sequence: number, client: number) => Promise<unknown>
  readonly signal?: AbortSignal
}

/** What came of it. Latencies are in microseconds and of successful requests only. */
export interface LoadResult {
  readonly latency: Histogram
  readonly elapsedMs: number
  /** Failed requests by error code. */
  readonly errors: ReadonlyMap<ErrorCode, number>
}

/** A load that can be watched while it runs. */
export interface Load {
  /** Requests answered so far, failures included. */
  readonly done: () => number
  readonly result: Promise<LoadResult>
}

/**
 * Starts the clients. Errors that may pass by themselves are counted; any other ends the load and is thrown, since the
 * next million requests would only say the same.
 */
export function startLoad(options: LoadOptions): Load {
  const { clock, clients, send, signal } = options
  const total = options.total ?? Number.POSITIVE_INFINITY
  const latency = new Histogram()
  const errors = new Map<ErrorCode, number>()
  const started = clock.monotonicMs()
  const deadline = started + (options.durationMs ?? Number.POSITIVE_INFINITY)
  let claimed = 0
  let answered = 0
  let failed = false

  const runClient = async (client: number): Promise<void> => {
    let now = clock.monotonicMs()
    while (claimed < total && now < deadline && !failed && signal?.aborted !== true) {
      const sent = now
      try {
        await send(claimed++, client)
        now = clock.monotonicMs()
        latency.record((now - sent) * 1000)
      } catch (error) {
        now = clock.monotonicMs()
        if (!isNitroError(error) || !error.retryable) {
          failed = true
          throw error
        }
        errors.set(error.code, (errors.get(error.code) ?? 0) + 1)
      }
      answered++
    }
  }
  const all = Array.from({ length: clients }, (_, client) => runClient(client))
  const result = Promise.all(all).then(() => ({ latency, errors, elapsedMs: clock.monotonicMs() - started }))
  return { done: () => answered, result }
}
