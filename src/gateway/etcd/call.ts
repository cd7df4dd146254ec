/** What a method of the API sees of a call, whatever brought it: gRPC or JSON. */

/** What every call has. */
export interface CallContext {
  /** What is left of the caller's time, in milliseconds, but not more than a server waits by itself. */
  readonly timeoutMs: number
  /** What the caller says it is: a token of a user; undefined for none. */
  readonly token: string | undefined
  /** Aborts when the caller is gone or its time is over. */
  readonly signal: AbortSignal
}

/** A call that is answered by a stream. */
export interface StreamCall<Out> extends CallContext {
  /** Sends a message. False when much is unsent: {@link drained} tells when more should follow. */
  send(message: Out): boolean
  /** Runs once, when what was sent has left or the call is over. */
  drained(run: () => void): void
}

/** A call that is a stream both ways. */
export interface DuplexCall<In, Out> extends StreamCall<Out> {
  /** To be called once, at the beginning: hands on every message, then the end of them. What `message` throws ends the call. */
  receive(handlers: { readonly message: (message: In) => void; readonly end: () => void }): void
}
