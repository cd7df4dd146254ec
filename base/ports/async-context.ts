/** What runs on behalf of whom, across awaits: a port, because only some platforms can tell. */

/** Keeps one value along an asynchronous chain of calls. */
export interface AsyncContext {
  /** Runs `body`; in it, and in all it starts, `get` returns `value`. */
  run<T>(value: unknown, body: () => T): T
  /** The value of the innermost `run` around; undefined without one, or where the platform can't tell. */
  get(): unknown
}
