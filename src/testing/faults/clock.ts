/** Faults of time: paused processes, event loops that stall, clocks that are set. */
import type { Fault } from './fault.ts'

/** Stands still, as by SIGSTOP, while its clocks go on. */
export const pause: Fault = ({ cluster, random, name, after }) => {
  if (!cluster.isRunning(name)) return false
  cluster.pause(name)
  after(random.between(50, random.chance(0.2) ? 10_000 : 2_000), () => cluster.resume(name))
  return true
}

/** An event loop that is blocked again and again for a while, as by a large computation. */
export const stall: Fault = ({ cluster, random, name, after }) => {
  if (!cluster.isRunning(name)) return false
  let atMs = 0
  for (let i = 0; i < 4; i++) {
    after(atMs, () => cluster.pause(name))
    atMs += random.between(20, 400)
    after(atMs, () => cluster.resume(name))
    atMs += random.between(5, 200)
  }
  return true
}

/** The wall clock is set, by much or by little. */
export const wallClockJump: Fault = ({ cluster, random, name }) => {
  const most = random.pick([100, 10_000, 100_000_000])
  cluster.member(name).process.setWallClock(random.between(-most, most))
}
