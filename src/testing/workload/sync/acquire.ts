/** Acquisitions of all sorts: patient ones and hasty ones, with short deadlines, by a session of one's own, and given up on the way. */
import { isNitroError } from '../../../../base/index.ts'
import type { AcquireOptions, Hold } from '../../../api/index.ts'
import type { AcquireOutcome } from '../../checkers/sync/facts.ts'
import { ttlsMs } from './hand.ts'
import type { Hand } from './hand.ts'

/** What a client holds. */
export interface Owned<H extends Hold = Hold> {
  readonly label: string
  /** Kind and name, as in the log. */
  readonly resource: string
  readonly ttlMs: number
  readonly hold: H
  /** A write of its own may still be on its way: it must not read and write any more. */
  blind: boolean
}

/** Asks for something in one of these ways, and tells what came of it. */
export async function acquire<H extends Hold>(
  hand: Hand,
  resource: string,
  ask: (options: AcquireOptions) => Promise<H>,
): Promise<Owned<H> | undefined> {
  const { random } = hand.world
  const ttlMs = random.pick(ttlsMs)
  const session = random.chance(0.3) ? await hand.session(ttlMs) : undefined
  const lot = random.between(0, 1)
  const wait = lot < 0.15 ? 0 : lot < 0.4 ? Math.floor(random.between(50, 2_500)) : undefined
  const limits = {
    ...(wait === undefined ? {} : { wait }),
    ...(random.chance(0.12) ? { maxHold: Math.floor(random.between(200, 2_500)) } : {}),
    ...(random.chance(0.15) ? { timeoutMs: Math.floor(random.between(30, 600)) } : {}),
  }
  const cancel = cancelling(hand)
  const label = hand.label()
  const client = hand.client.name
  hand.world.tell({ kind: 'acquire began', client, label, resource })
  let outcome: AcquireOutcome
  let owned: Owned<H> | undefined
  try {
    const hold = await ask({ ttl: ttlMs, label, session, ...limits, ...cancel.options })
    owned = { label, resource, ttlMs, hold, blind: false }
    outcome = { how: 'granted', token: hold.token }
  } catch (error) {
    outcome = outcomeOf(error, wait)
  }
  cancel.end()
  hand.world.tell({ kind: 'acquire ended', client, label, outcome })
  return owned
}

function cancelling({ world: { random }, life }: Hand): { readonly options: AcquireOptions; end(): void } {
  if (!random.chance(0.2)) return { options: {}, end: () => undefined }
  const controller = new AbortController()
  const timer = life.scheduler.after(random.between(0, random.pick([20, 1_200])), () => controller.abort(enough))
  return { options: { signal: controller.signal }, end: () => timer.cancel() }
}

const enough = new Error('waited long enough')

const sessionErrors: ReadonlySet<string> = new Set(['LockLost', 'LeaseLost', 'LeaseNotFound'])

function outcomeOf(error: unknown, wait: number | undefined): AcquireOutcome {
  if (error === enough) return { how: 'cancelled' }
  if (!isNitroError(error)) throw error
  if (sessionErrors.has(error.code)) return { how: 'session lost' }
  if (error.code === 'Timeout' && error.executed === 'no' && wait !== undefined) {
    return { how: wait === 0 ? 'refused' : 'timed out' }
  }
  return { how: 'failed', code: error.code }
}
