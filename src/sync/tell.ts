/** Telling of failures that end nothing. */

/** Hands an error to whoever wants to know of it. What the listener throws is dropped: it must not end what went on over the error. */
export function tell(listener: ((error: unknown) => void) | undefined, error: unknown): void {
  try {
    listener?.(error)
  } catch {
    // There is nobody left to tell.
  }
}
