/** Elections: candidates that lead for a while and proclaim, and observers. */
import { isNitroError } from '../../../../base/index.ts'
import type { Leader } from '../../../api/index.ts'
import { acquire } from './acquire.ts'
import type { Owned } from './acquire.ts'
import type { Hand, SyncOperation } from './hand.ts'
import { keep } from './holding.ts'

const name = 'a'
const resource = `leader ${name}`
const observersMax = 2

/** A candidate. */
export const leadOperation: SyncOperation = {
  name: 'lead',
  weight: 0.22,
  async run(hand) {
    const value = `v${hand.world.fresh()}`
    const owned = await acquire(hand, resource, (options) => hand.connection.sync.leader(name, { ...options, value }))
    if (owned === undefined) return
    await keep(hand, owned, {
      alone: true,
      visit: proclaim,
      giveBack: (leader, options) => leader.resign(options),
    })
  },
}

async function proclaim(hand: Hand, { hold }: Owned<Leader>): Promise<void> {
  if (!hand.world.hurry && hand.world.random.chance(0.1)) {
    hand.client.pauseFor(hand.world.random.between(100, 4_000))
    await hand.sleep(1)
  }
  const answer = await hand.attempt(() => hold.proclaim(`v${hand.world.fresh()}`, { timeoutMs: 3_000 }))
  if (answer === undefined) hand.world.coverage.hit('election: proclaimed')
  else if (answer.code === 'NotHeld') hand.world.coverage.hit('election: refused to proclaim')
}

/** Observes for a while, beside what the client does next. */
export const observeOperation: SyncOperation = {
  name: 'observe',
  weight: 0.06,
  run(hand) {
    const { observers } = hand.world
    const own = [...observers].filter((one) => one.startsWith(`${hand.client.name}.${hand.client.number}/`))
    if (own.length < observersMax) void observe(hand)
    return Promise.resolve()
  },
}

async function observe(hand: Hand): Promise<void> {
  const { world, client, life } = hand
  const observer = hand.label()
  const controller = new AbortController()
  const timer = life.scheduler.after(world.random.between(2_000, 30_000), () => controller.abort(seen))
  world.observers.add(observer)
  try {
    for await (const view of hand.connection.sync.observe(name, { signal: controller.signal })) {
      const leader = view === undefined ? undefined : { token: view.token, value: view.text() }
      world.coverage.hit(leader === undefined ? 'election: observed that nobody leads' : 'election: observed')
      world.tell({ kind: 'observed', client: client.name, observer, resource, leader })
    }
  } catch (error) {
    if (error !== seen && !isNitroError(error, 'Closed')) {
      world.violations.add('elections in order', `observer ${observer} ended with ${String(error)}`)
    }
  }
  timer.cancel()
  world.observers.delete(observer)
}

const seen = new Error('seen enough')
