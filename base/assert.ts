/**
 * Assertions for our own invariants. Always on. A failed assertion is a bug in NitroState: the node
 * that meets one stops rather than go on from a state nobody has thought about.
 */

/** Thrown by a failed assertion. Not a NitroError: callers are not meant to handle it. */
export class AssertionError extends Error {
  constructor(message: string) {
    super(`assertion failed: ${message}`)
    this.name = 'AssertionError'
  }
}

/** Throws unless `condition` holds. The message may be a function, so that it costs nothing when true. */
export function assert(condition: unknown, message: string | (() => string)): asserts condition {
  if (!condition) throw new AssertionError(typeof message === 'string' ? message : message())
}

/** Returns `value`, asserting that it is neither null nor undefined. */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new AssertionError(`${what} is missing`)
  return value
}
