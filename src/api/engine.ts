/**
 * The Engine: what the store and every other interface stand on. It knows programs, methods and bytes, and nothing of
 * consensus or links. A node has a local one, a client a remote one; one conformance suite runs on both.
 */
import type { WatchHandle, WatchListener, WatchRequest } from './watch.ts'

/**
 * Where a read is answered from.
 *  - `linearizable`  after a read barrier: sees every write acknowledged before the call. The default.
 *  - `committed`     at once, from the state this node has applied: never uncommitted, may be old.
 */
export type Consistency = 'linearizable' | 'committed'

/** Options of every request. */
export interface RequestOptions {
  /** Gives up when aborted: the promise rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
  /** Overall deadline in milliseconds, retries included. Default 10,000. */
  readonly timeoutMs?: number | undefined
}

/** Options of every read. */
export interface ReadOptions extends RequestOptions {
  readonly consistency?: Consistency | undefined
}

/** Runs commands through the log, exactly once each, and queries on the state. */
export interface Engine {
  /**
   * Runs `method` of `program` through the log and resolves with the payload of its result. Retries by itself within
   * its session, so that a command is never applied twice.
   * Throws NitroError: what the program answers, or `Unavailable`, `Timeout`, `SessionEvicted`, `Closed`.
   */
  command(program: string, method: string, args: Uint8Array, options?: RequestOptions): Promise<Uint8Array>
  /** Runs a read-only `method` and resolves with the payload of its result. */
  query(program: string, method: string, args: Uint8Array, options?: ReadOptions): Promise<Uint8Array>
  /** Opens a watch that goes on, without a gap, over lost connections and nodes, until it is closed or ends with an error. */
  watch(request: WatchRequest, listener: WatchListener): WatchHandle
}
