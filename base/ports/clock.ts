/** Time as a port. Nothing outside an adapter reads a clock or sets a timer. */

/** Reads time. */
export interface Clock {
  /** Milliseconds since some fixed point of this process; never goes back; fractions allowed. */
  monotonicMs(): number
  /** Milliseconds since 1970; may jump. For humans and cron only, never for safety. */
  wallMs(): number
}

/** A pending call. */
export interface Timer {
  /** Drops the call if it has not run yet; harmless afterwards. */
  cancel(): void
}

/** The longest delay a timer holds, in milliseconds: 24 days. Longer ones are waited for in steps, or refused. */
export const timerMsMax = 0x7fff_ffff

/** Runs things later. */
export interface Scheduler {
  /** Calls `run` once, `delayMs` or more from now; at most {@link timerMsMax}. */
  after(delayMs: number, run: () => void): Timer
  /** Calls `run` when the I/O events that are already pending have been handled: the end of this turn. */
  endOfTurn(run: () => void): void
  /**
   * Calls `run` when the I/O event that is being handled, and every promise that it settles, are through: before the next one of
   * this turn. Undefined where there is no such moment.
   */
  endOfTask?(run: () => void): void
}
