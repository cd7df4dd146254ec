/** Faults of disks: failed syncs, full disks, and damage to log, state and other files. */
import type { Damage } from '../disk/damage.ts'
import { isLogFile } from '../disk/damage.ts'
import type { KvDamage } from '../disk/faulty-kv.ts'
import { startWithin } from './fault.ts'
import type { Fault } from './fault.ts'

/** The next sync fails: whoever goes on after that is noticed later. */
export const failedSync: Fault = ({ cluster, name }) => {
  if (!cluster.isRunning(name)) return false
  cluster.failDisk(name)
  return true
}

/** Nothing more can be written for a while. */
export const fullDisk: Fault = ({ cluster, random, name, after }) => {
  const { disk } = cluster.member(name)
  disk.full = true
  after(random.between(200, 3_000), () => {
    disk.full = false
    cluster.start(name)
  })
}

/** Damages files now; it shows when they are read next, mostly at once. */
const damageFiles =
  (damage: Damage, choose: (path: string) => boolean): Fault =>
  (strike) => {
    const { cluster, atlas, random, name } = strike
    if (!atlas.allows(name) || cluster.ruined.has(name)) return false
    const path = cluster.damageFile(name, damage, choose, random)
    if (path === undefined) return false
    atlas.wounded(name)
    cluster.member(name).ruin = 'maybe'
    cluster.note(name, `damaged ${path}`)
    if (random.chance(0.8)) cluster.crash(name)
    startWithin(strike, 1_500)
    return true
  }

/** Wrong bits in the log or its witness. */
export const rotInTheLog: Fault = damageFiles('rot', isLogFile)

/** A part of the log stands where another belongs. */
export const misdirectedLogWrite: Fault = damageFiles('misdirected', isLogFile)

/** Wrong bits in identity, pointers, long values of the state, or the copy of the member table. */
export const rotInAnotherFile: Fault = damageFiles('rot', (path) => !isLogFile(path) && !path.endsWith('/CURRENT'))

/** The data directory is gone, and the node is started as if nothing had happened: it must not come back as it was. */
export const wipedDirectory: Fault = (strike) => {
  const { cluster, atlas, name } = strike
  if (!atlas.allowsLoss(name) || cluster.ruined.has(name)) return false
  atlas.wounded(name)
  cluster.wipe(name)
  startWithin(strike, 1_500)
  return true
}

/** Damages the state, which shows at the next start. */
const damageState =
  (damage: KvDamage): Fault =>
  (strike) => {
    const { cluster, atlas, random, name } = strike
    if (!atlas.allows(name) || cluster.ruined.has(name)) return false
    atlas.wounded(name)
    cluster.damageState(name, damage)
    cluster.crash(name)
    startWithin(strike, random.pick([500, 5_000]))
    return true
  }

/** A stored value has a wrong bit. */
export const wrongStateValue: Fault = damageState('wrong value')

/** A stored record is gone. */
export const lostStateRecord: Fault = damageState('lost record')

/** A batch that was synced is gone, later ones are there. */
export const lostMiddleBatch: Fault = damageState('lost middle batch')

/** The last batches that were synced are gone. */
export const lostLastBatches: Fault = damageState('lost last batches')

/** The state is read to the end too early. */
export const shortIterator: Fault = damageState('short iterator')

/** Nothing is left of the state. */
export const emptyDatabase: Fault = damageState('empty')

/** A value that is read next, perhaps while the node runs, is wrong. */
export const rotInTheState: Fault = (strike) => {
  const { cluster, atlas, random, name } = strike
  if (!atlas.allows(name) || cluster.ruined.has(name)) return false
  atlas.wounded(name)
  cluster.rotState(name)
  if (random.chance(0.1)) cluster.crash(name)
  startWithin(strike, 1_500)
  return true
}
