/**
 * Dialing several addresses at once, gently: the next one starts when the one before has failed or has been silent for a
 * while, and the first that completes the handshake wins (as RFC 8305 does for one name's addresses).
 */
import { below, isNitroError, messageOf, NitroError } from '../../base/index.ts'
import type { Random, Scheduler, Timer } from '../../base/index.ts'
import { connectSession } from '../../net/index.ts'
import type { Hello, Session, Transport } from '../../net/index.ts'

/** How long an address may be silent before the next is tried beside it. */
const staggerMs = 250

/** What dialing needs. */
export interface DialPlan {
  readonly transport: Transport
  readonly scheduler: Scheduler
  /** In the order of preference. */
  readonly addresses: readonly string[]
  /** For each address: connection and handshake, each. */
  readonly timeoutMs: number
  readonly hello: Hello
  readonly verify: (theirs: Hello) => NitroError | undefined
  readonly signal: AbortSignal
  /** An address failed. */
  readonly failed: (address: string, error: NitroError) => void
}

/** The winner of {@link dialAny}. */
export interface Dialed {
  readonly address: string
  readonly session: Session
}

/** Resolves with the first session, or undefined when every address failed or the signal was aborted. */
export function dialAny(plan: DialPlan): Promise<Dialed | undefined> {
  return new Promise((resolve) => {
    const race = new AbortController()
    let nextAt = 0
    let left = plan.addresses.length
    let stagger: Timer | undefined
    const finish = (winner: Dialed | undefined): void => {
      stagger?.cancel()
      plan.signal.removeEventListener('abort', giveUp)
      race.abort()
      resolve(winner)
    }
    const giveUp = (): void => finish(undefined)
    const startNext = (): void => {
      stagger?.cancel()
      const address = plan.addresses[nextAt++]
      if (address === undefined || race.signal.aborted) return
      if (nextAt < plan.addresses.length) stagger = plan.scheduler.after(staggerMs, startNext)
      void attempt(address)
    }
    const attempt = async (address: string): Promise<void> => {
      try {
        const session = await dialOne(plan, address, race.signal)
        if (race.signal.aborted) session.close()
        else finish({ address, session })
      } catch (error) {
        if (race.signal.aborted) return
        plan.failed(address, asNitroError(error))
        if (--left === 0) finish(undefined)
        else startNext()
      }
    }
    if (plan.signal.aborted || left === 0) return resolve(undefined)
    plan.signal.addEventListener('abort', giveUp)
    startNext()
  })
}

/** One address; its failure is thrown, also as `Cancelled`, `Unavailable`, `Timeout` or what the other side refused with. */
export async function dialOne(plan: DialPlan, address: string, signal: AbortSignal): Promise<Session> {
  const { transport, scheduler, timeoutMs, hello, verify } = plan
  const link = await transport.dial(address, { timeoutMs, signal })
  const hangUp = (): void => link.close()
  signal.addEventListener('abort', hangUp)
  try {
    if (signal.aborted) hangUp()
    return await connectSession(link, hello, { scheduler, timeoutMs, verify })
  } finally {
    signal.removeEventListener('abort', hangUp)
  }
}

/** The items in random order. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = below(random, i + 1)
    const moved = out[i] as T
    out[i] = out[j] as T
    out[j] = moved
  }
  return out
}

function asNitroError(thrown: unknown): NitroError {
  return isNitroError(thrown) ? thrown : new NitroError('Unavailable', messageOf(thrown), { cause: thrown })
}
