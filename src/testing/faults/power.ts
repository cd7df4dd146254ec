/** Faults of processes: lost power, killed and stopped processes. */
import { below } from '../../../base/index.ts'
import { durabilityPoints } from '../reached/rows.ts'
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

/** Loses power in the middle of some durable step soon: at the next one of a name, or at any. */
export const crashAtPoint: Fault = ({ cluster, random, name, after }) => {
  if (random.chance(0.6)) cluster.crashAtPoint(name, 1 + below(random, 2), random.pick(durabilityPoints))
  else cluster.crashAtPoint(name, 1 + below(random, random.pick([5, 30, 150])))
  // Starting and stopping have points that are hardly met otherwise.
  const start = random.between(0, 1)
  if (start < 0.3) cluster.crash(name)
  cluster.start(name)
  after(random.between(200, 8_000), () => {
    cluster.crashAtPoint(name, 0)
    cluster.start(name)
  })
}
