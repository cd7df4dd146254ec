/**
 * System adapters of the time and randomness ports, from web-standard globals: they work in Node and in browsers.
 * The only file outside disk and network adapters that touches a live clock.
 */
import type { AsyncContext } from './ports/async-context.ts'
import type { Clock, Scheduler } from './ports/clock.ts'
import type { Random } from './ports/random.ts'

declare const performance: { now(): number }
declare const crypto: { getRandomValues<T extends Uint8Array | Uint32Array>(into: T): T }
declare function setTimeout(run: () => void, delayMs: number): unknown
declare function clearTimeout(handle: unknown): void
declare function setImmediate(run: () => void): unknown
declare function queueMicrotask(run: () => void): void
declare const process:
  | {
      getBuiltinModule?(name: 'node:async_hooks'): { AsyncLocalStorage: new () => AsyncLocalStorage } | undefined
      readonly nextTick?: (run: () => void) => void
    }
  | undefined

interface AsyncLocalStorage {
  run<T>(value: unknown, body: () => T): T
  getStore(): unknown
}

/** The machine's clocks. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
}

/**
 * The event loop. `endOfTurn` is setImmediate: after the poll phase has delivered its I/O callbacks. `endOfTask` is a tick that a microtask
 * asks for: Node runs it when no microtask is left.
 */
export const systemScheduler: Scheduler = {
  after(delayMs, run) {
    const handle = setTimeout(run, delayMs)
    return { cancel: () => clearTimeout(handle) }
  },
  endOfTurn(run) {
    setImmediate(run)
  },
  ...endOfTask(),
}

/** The platform's cryptographic generator. */
export const systemRandom: Random = {
  u32: () => crypto.getRandomValues(new Uint32Array(1))[0] as number,
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
}

/** Asynchronous contexts of Node; elsewhere there are none, and what is kept is not found again. */
export const systemAsyncContext: AsyncContext = asyncContext()

function asyncContext(): AsyncContext {
  const hooks = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:async_hooks')
  if (hooks === undefined) return { run: (_value, body) => body(), get: () => undefined }
  const storage = new hooks.AsyncLocalStorage()
  return { run: (value, body) => storage.run(value, body), get: () => storage.getStore() }
}

function endOfTask(): Pick<Scheduler, 'endOfTask'> {
  const tick = typeof process === 'undefined' ? undefined : process.nextTick
  return tick === undefined ? {} : { endOfTask: (run) => queueMicrotask(() => tick(run)) }
}
