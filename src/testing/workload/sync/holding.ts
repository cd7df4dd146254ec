/** What holders do: they look at what they hold, write under its guard, stand still at the worst moment, and give it back or do not. */
import { utf8 } from '../../../../base/index.ts'
import { encodeReleaseArgs, syncKinds } from '../../../../execution/index.ts'
import type { Hold, HoldState, RequestOptions } from '../../../api/index.ts'
import { put } from '../../../store/index.ts'
import type { GuardedValue } from '../../checkers/sync/guarded-writes.ts'
import { guardedPrefix } from '../../checkers/sync/log.ts'
import type { Owned } from './acquire.ts'
import type { Hand } from './hand.ts'

/** How a kind is held. */
export interface Manner<H extends Hold> {
  /** Whether one holds it alone, and may count under it. */
  readonly alone: boolean
  /** Something that it does now and then. */
  readonly visit?: (hand: Hand, owned: Owned<H>) => Promise<void>
  readonly giveBack: (hold: H, options: RequestOptions) => Promise<void>
}

/** Holds something for a while, and gives it back. */
export async function keep<H extends Hold>(hand: Hand, owned: Owned<H>, manner: Manner<H>): Promise<void> {
  const { world, life, client } = hand
  const { random } = world
  const untilMs = life.clock.monotonicMs() + random.between(0, random.pick([100, 100, 500, 500, 2_000, 5_000]))
  let isLost = false
  let lookedMs = world.nowMs()
  // It looks while it waits for answers, or it would not notice much while it is cut off.
  let visit: Promise<void> | undefined
  for (;;) {
    if (world.nowMs() - lookedMs > owned.ttlMs)
      world.coverage.hit('sync: holder did not look for over its time to live')
    lookedMs = world.nowMs()
    const state = look(hand, owned)
    if (isLost) break
    isLost = state === 'lost'
    const isDone = world.hurry || (life.clock.monotonicMs() >= untilMs && state === 'held')
    if (!isLost && isDone) break
    if (!isLost && visit === undefined && random.chance(0.5)) {
      const begun = random.chance(0.6) ? guardedWrite(hand, owned, manner.alone) : manner.visit?.(hand, owned)
      visit = begun?.then(() => {
        visit = undefined
      })
    }
    await hand.sleep(random.between(2, 150))
  }
  await visit
  // A program that does not look any more, or never did.
  if (random.chance(0.25)) await guardedWrite(hand, owned, manner.alone)
  world.tell({ kind: 'given back', client: client.name, label: owned.label })
  const timeoutMs = random.chance(0.3) ? random.between(10, 300) : 5_000
  await hand.attempt(() => manner.giveBack(owned.hold, { timeoutMs }))
  look(hand, owned)
  if (isLost && random.chance(0.3)) await releaseAgain(hand, owned)
  if (random.chance(0.15)) await guardedWrite(hand, owned, manner.alone)
}

/** One look at what is held, in a turn of its own. */
function look({ world, client }: Hand, { label, resource, hold }: Owned): HoldState {
  const { token, state } = hold
  const signalled = hold.signal.aborted
  if (signalled && state === 'lost') world.coverage.hit('sync: signal fired')
  world.tell({ kind: 'holder step', client: client.name, label, resource, token, state, signalled })
  return state
}

/** Writes under the guard; alone, it reads a counter before and adds one. */
async function guardedWrite(hand: Hand, owned: Owned, alone: boolean): Promise<void> {
  const { world, client, connection } = hand
  const { random, coverage } = world
  const { label, resource, hold, ttlMs } = owned
  if (owned.blind) return
  const { token } = hold
  const key = `${guardedPrefix}${resource}${alone ? '' : ` ${client.name}`}`
  const options = { timeoutMs: random.chance(0.2) ? random.between(30, 300) : 5_000 }
  let count = 0
  if (alone) {
    const read = await hand.attempt(() => connection.store.get(key, options))
    if (read !== undefined && 'code' in read) return
    count = 1 + (read === undefined ? 0 : read.json<GuardedValue>().count)
  }
  if (!world.hurry && random.chance(0.05)) {
    client.pauseFor(random.between(0.3, 2.5) * ttlMs)
    await hand.sleep(1)
  } else if (random.chance(0.5)) {
    await hand.sleep(random.between(0, 60))
  }
  const value = JSON.stringify({ resource, token, label, count } satisfies GuardedValue)
  const answer = await hand.attempt(() => connection.store.txn().if(hold.guard()).then(put(key, value)).commit(options))
  if ('code' in answer) {
    owned.blind = answer.executed !== 'no'
    return
  }
  const accepted = answer.succeeded
  coverage.hit(accepted ? 'sync: guarded write accepted' : 'sync: guarded write refused')
  world.tell({
    ...{ kind: 'guard answered', client: client.name, label, resource, token, accepted },
    state: hold.state,
  })
}

/** Gives back under a token that was lost, as a program with a bug does: it must not take the lock from another. */
async function releaseAgain(hand: Hand, { resource, hold }: Owned): Promise<void> {
  const [kind = '', name = ''] = resource.split(' ')
  const at = { kind: syncKinds[kind as keyof typeof syncKinds], namespace: utf8(''), name: utf8(name) }
  const args = encodeReleaseArgs(at, hold.token)
  const { engine } = hand.connection
  const answer = await hand.attempt(() => engine.command('sync', 'release', args, { timeoutMs: 1_000 }))
  if ('code' in answer && answer.code === 'NotHeld') hand.world.coverage.hit('sync: release under an old token refused')
}
