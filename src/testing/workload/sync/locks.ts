/** Locks, read-write locks and semaphores: few, so that clients fight for them. */
import type { Lock } from '../../../api/index.ts'
import { acquire } from './acquire.ts'
import type { SyncOperation } from './hand.ts'
import { keep } from './holding.ts'
import type { Manner } from './holding.ts'

const names = ['a', 'a', 'b']
const permits = 2
const alone: Manner<Lock> = { alone: true, giveBack: (lock, options) => lock.unlock(options) }
const together: Manner<Lock> = { ...alone, alone: false }

/** A lock. */
export const lockOperation: SyncOperation = {
  name: 'lock',
  weight: 0.45,
  async run(hand) {
    const name = hand.world.random.pick(names)
    const owned = await acquire(hand, `lock ${name}`, (options) => hand.connection.sync.lock(name, options))
    if (owned !== undefined) await keep(hand, owned, alone)
  },
}

/** One side of a read-write lock. */
export const readWriteOperation: SyncOperation = {
  name: 'read-write lock',
  weight: 0.2,
  async run(hand) {
    const { sync } = hand.connection
    const isReader = hand.world.random.chance(0.7)
    const owned = await acquire(hand, 'rwlock a', (options) =>
      isReader ? sync.readLock('a', options) : sync.writeLock('a', options),
    )
    if (owned !== undefined) await keep(hand, owned, isReader ? together : alone)
  },
}

/** A permit. */
export const permitOperation: SyncOperation = {
  name: 'permit',
  weight: 0.1,
  async run(hand) {
    const owned = await acquire(hand, 'semaphore a', (options) =>
      hand.connection.sync.semaphore('a', { ...options, permits }),
    )
    if (owned !== undefined) await keep(hand, owned, together)
  },
}

/** Gives up a session, whatever is held by it. */
export const leaveOperation: SyncOperation = {
  name: 'leave a session',
  weight: 0.03,
  async run(hand) {
    hand.world.coverage.hit('sync: session given up')
    await hand.leave()
  },
}
