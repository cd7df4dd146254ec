/** What a contender is started with, and what it tells the script, one JSON document a line. */

/** Options of a contender, as JSON in its first argument. */
export interface ContenderOptions {
  readonly endpoints: readonly string[]
  /** Where the resource listens. */
  readonly resource: string
  /** Names the contender and its start: two starts never use an id twice. */
  readonly label: string
  /** Seeds what it draws. */
  readonly seed: string
  readonly locks: readonly string[]
  readonly ttlMs: number
  /** Keys are `PREFIX/counter/LOCK` and `PREFIX/increment/LOCK/ID`; locks are in the namespace PREFIX. */
  readonly prefix: string
  /** Whether writes to the store are made under the lock's guard. */
  readonly guarded: boolean
}

/** What a contender is told, one word a line on its standard input. Its end asks the contender to end. */
export type Order = 'stop'

/** One increment of a counter: which, under which grant, and its own id. */
export interface Increment {
  readonly lock: string
  readonly token: number
  readonly id: string
}

/** What a contender tells. */
export type Told =
  | { readonly kind: 'granted'; readonly lock: string; readonly token: number }
  /** It is about to stop itself between read and write. */
  | { readonly kind: 'stopping'; readonly lock: string; readonly token: number }
  /** It goes on, and the first thing it looks at is the state of its lock. */
  | { readonly kind: 'woke'; readonly lock: string; readonly token: number; readonly state: string }
  /** It is about to write: from here on the outcome is unknown until it is told. */
  | ({ readonly kind: 'writing' } & Increment)
  | ({ readonly kind: 'acknowledged' } & Increment)
  /** The guard did not hold: nothing was written. */
  | ({ readonly kind: 'refused' } & Increment)
  /** The error says that nothing was written. */
  | ({ readonly kind: 'failed'; readonly code: string } & Increment)
  /** Nobody knows. */
  | ({ readonly kind: 'unknown'; readonly code: string } & Increment)
  /** What the resource answered. */
  | { readonly kind: 'resource'; readonly lock: string; readonly token: number; readonly accepted: boolean }
  /** An acquisition that ended without a grant. */
  | { readonly kind: 'without'; readonly lock: string; readonly code: string }

/** The value of a key of an increment. */
export interface Written {
  /** What the counter was set to with it. */
  readonly value: number
  readonly token: number
}

/** What the resource has seen, in order. */
export interface Seen {
  readonly lock: string
  readonly token: number
  readonly accepted: boolean
}
