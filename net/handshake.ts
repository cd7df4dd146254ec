/**
 * The handshake: the dialer says hello, the acceptor answers with its own hello or with a refusal.
 *
 *   dialer                              acceptor
 *     | hello ---------------------------> |  checks versions, then asks `answer`
 *     | <--------------- hello or refusal  |  session is up (or link closes)
 *     | checks versions, then asks `verify`|
 *     | session is up (or the link closes) |
 *
 * Both sides compute the same version: the highest in both ranges. Keys come later as further frames between the
 * second hello and the session; callers will not see them.
 */
import { equalBytes, NitroError, present, type Scheduler } from '../base/index.ts'
import {
  commonVersion,
  decodeHandshake,
  encodeHello,
  encodeRefusal,
  type HandshakeFrame,
  type Hello,
  protocolVersions,
} from './hello.ts'
import { Session } from './session.ts'
import type { Link } from './transport.ts'

/** For {@link connectSession}. */
export interface ConnectOptions {
  readonly scheduler: Scheduler
  readonly timeoutMs: number
  /** Says why the acceptor is not who was expected, if so. */
  verify(theirs: Hello): NitroError | undefined
}

/** For {@link acceptSession}. */
export interface AcceptOptions {
  readonly scheduler: Scheduler
  readonly timeoutMs: number
  /** Our hello for this dialer, or the reason to refuse it. */
  answer(theirs: Hello): Hello | NitroError
}

/**
 * Runs the dialer's side on a link that was not started. Rejects with the acceptor's refusal, with what `verify`
 * gave, or with `UnsupportedVersion`, `MalformedFrame`, `FrameTooLarge`, `InvalidArgument` (our own hello), `Timeout`
 * or `ConnectionClosed`; the link is closed then.
 */
export function connectSession(link: Link, mine: Hello, options: ConnectOptions): Promise<Session> {
  return handshake(
    link,
    options,
    (frame, fail) => {
      if (frame.kind === 'refusal') return fail(frame.error, false)
      if (frame.kind === 'foreign') return fail(unsupported(mine, frame), false)
      const wrong = options.verify(frame.hello)
      if (wrong !== undefined) return fail(wrong, false)
      const version = present(commonVersion(mine, frame.hello), 'common version')
      return new Session(link, frame.hello, version, options.scheduler)
    },
    mine,
  )
}

/**
 * Runs the acceptor's side on a link that was not started. Rejects with what `answer` refused with, or as
 * {@link connectSession} does; the dialer has been told and the link closed then.
 */
export function acceptSession(link: Link, options: AcceptOptions): Promise<Session> {
  return handshake(link, options, (frame, fail) => {
    if (frame.kind === 'refusal') return fail(frame.error, false)
    if (frame.kind === 'foreign') return fail(unsupported(ours, frame), true)
    const mine = options.answer(frame.hello)
    if (mine instanceof NitroError) return fail(mine, true)
    const version = commonVersion(mine, frame.hello)
    if (version === undefined) return fail(unsupported(mine, frame.hello), true)
    link.send(encodeHello(mine))
    return new Session(link, frame.hello, version, options.scheduler)
  })
}

const ours = { protocolMin: protocolVersions.min, protocolMax: protocolVersions.max }

type Fail = (error: NitroError, tell: boolean) => undefined
type Step = (frame: HandshakeFrame, fail: Fail) => Session | undefined

function handshake(
  link: Link,
  options: { readonly scheduler: Scheduler; readonly timeoutMs: number },
  step: Step,
  mine?: Hello,
): Promise<Session> {
  return new Promise((resolve, reject) => {
    let session: Session | undefined
    let failed = false
    const fail: Fail = (error, tell) => {
      if (failed) return
      failed = true
      timer.cancel()
      if (tell) link.send(encodeRefusal(error, ours.protocolMin, ours.protocolMax))
      link.close(error)
      reject(error)
    }
    const timer = options.scheduler.after(options.timeoutMs, () => {
      const message = `${link.remote} did not finish the handshake within ${options.timeoutMs} ms`
      fail(new NitroError('Timeout', message, { executed: 'no' }), false)
    })
    link.start({
      frame(bytes) {
        if (failed) return
        if (session !== undefined) return session.frame(bytes)
        try {
          session = step(decodeHandshake(bytes, mine ?? ours), fail)
        } catch (thrown) {
          if (!(thrown instanceof NitroError)) throw thrown
          fail(thrown, mine === undefined)
        }
        if (session === undefined) return
        timer.cancel()
        resolve(session)
      },
      drain: () => session?.drain(),
      close(error) {
        if (session !== undefined) return session.end(error)
        const message = `${link.remote} closed the link during the handshake`
        fail(error ?? new NitroError('ConnectionClosed', message, { executed: 'no' }), false)
      },
    })
    if (mine === undefined) return
    try {
      link.send(encodeHello(mine))
    } catch (thrown) {
      if (!(thrown instanceof NitroError)) throw thrown
      fail(thrown, false)
    }
  })
}

function unsupported(
  mine: { readonly protocolMin: number; readonly protocolMax: number },
  theirs: { readonly protocolMin: number; readonly protocolMax: number },
): NitroError {
  const range = (side: typeof mine): string => `${side.protocolMin}-${side.protocolMax}`
  return new NitroError(
    'UnsupportedVersion',
    `no common protocol version: one side speaks ${range(mine)}, the other ${range(theirs)}`,
    { details: { mine: range(mine), theirs: range(theirs) } },
  )
}

/**
 * What every peer must agree on: one cluster (`WrongCluster` when both know theirs and they differ), and two names
 * (`DuplicateName` when a member meets its own). What depends on the configuration is the replica's to check.
 */
export function verifyPeer(mine: Hello, theirs: Hello): NitroError | undefined {
  const known = mine.clusterId.length > 0 && theirs.clusterId.length > 0
  if (known && !equalBytes(mine.clusterId, theirs.clusterId)) {
    return new NitroError('WrongCluster', `${theirs.name} belongs to another cluster than ${mine.name}`, {
      details: { name: theirs.name, address: theirs.address },
    })
  }
  if (mine.role === 'peer' && theirs.role === 'peer' && mine.name === theirs.name) {
    return new NitroError('DuplicateName', `another process calls itself ${theirs.name} as well`, {
      details: { name: theirs.name, address: theirs.address },
    })
  }
  return undefined
}
