/** Faults of processes: lost power, killed and stopped processes. */
import { below } from '../../../base/index.ts'
import { durabilityPoints } from '../reached/rows.ts'
import type { DurabilityPoint } from '../reached/rows.ts'
import { startWithin } from './fault.ts'
import type { Fault } from './fault.ts'

/** Loses power: what was not synced is lost or torn. */
export const crash: Fault = (strike) => {
  if (!strike.cluster.isRunning(strike.name)) return false
  strike.cluster.crash(strike.name)
  startWithin(strike, strike.random.chance(0.2) ? 10_000 : 1_500)
  return true
}

/** Loses the process only. */
export const kill: Fault = (strike) => {
  if (!strike.cluster.isRunning(strike.name)) return false
  strike.cluster.kill(strike.name)
  startWithin(strike, 500)
  return true
}

/** An orderly restart. */
export const stop: Fault = (strike) => {
  if (strike.cluster.node(strike.name) === undefined) return false
  strike.cluster.stop(strike.name)
  startWithin(strike, 500)
  return true
}

/** All nodes lose power at once, and sometimes again while they start. */
export const blackout: Fault = ({ cluster, random, after }) => {
  const again = random.chance(0.3) ? 2 : 1
  let atMs = 0
  for (let i = 0; i < again; i++) {
    after(atMs, () => {
      for (const name of cluster.names) cluster.crash(name)
    })
    for (const name of cluster.names) after(atMs + random.between(5, 1_000), () => cluster.start(name))
    atMs += random.between(5, 1_200)
  }
}

/** Points that are met while a node starts, and while a peer's state takes the place of the own one. */
const starting: ReadonlySet<DurabilityPoint> = new Set(['state:after-marker'])
const replacing: ReadonlySet<DurabilityPoint> = new Set([
  'state:before-replacement-write',
  'state:before-pointer',
  'state:after-pointer',
])

/** Loses power in the middle of some durable step soon: at the next one of a name, or at any. */
export const crashAtPoint: Fault = ({ cluster, atlas, random, name, after }) => {
  const point = random.chance(0.7) ? random.pick(durabilityPoints) : undefined
  if (point === undefined) cluster.crashAtPoint(name, 1 + below(random, random.pick([5, 30, 150])))
  else cluster.crashAtPoint(name, 1 + below(random, 2), point)
  const damages = point !== undefined && replacing.has(point) && atlas.allows(name)
  if (damages) {
    atlas.wounded(name)
    cluster.damageState(name, 'empty')
  }
  if (damages || (point !== undefined && starting.has(point)) || random.chance(0.2)) cluster.crash(name)
  cluster.start(name)
  after(random.between(200, point === undefined ? 3_000 : 15_000), () => {
    cluster.crashAtPoint(name, 0)
    cluster.start(name)
  })
}
