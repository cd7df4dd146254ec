/**
 * One lock that many wait for. Whoever has it gives it back at once, and joins the end of the queue again, so the queue keeps
 * its length. A handover is the time from the call that gives the lock back to the next one's having it.
 */
import { systemClock } from '../../base/index.ts'
import { Histogram } from '../../src/cli/index.ts'
import type { LockTarget } from './target.ts'
import { serversCpu } from './uncontended.ts'

/** How many wait, and how long that is watched. */
export interface HandoverShape {
  readonly waiters: number
  readonly connections: number
  readonly ttlMs: number
  readonly handovers: number
}

/** What came of it. */
export interface Handovers {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU time per handover, in microseconds: the servers' mean, and the load's own. */
  readonly serverUs: number
  readonly loadUs: number
}

/** So many handovers before those that count, as a share of them. */
const warmupShare = 0.2

/** Measures one queue. */
export async function runHandover(target: LockTarget, name: string, shape: HandoverShape): Promise<Handovers> {
  const { waiters, connections, ttlMs, handovers } = shape
  const open = await target.open(connections, ttlMs)
  const latency = new Histogram()
  const warmup = Math.ceil(handovers * warmupShare)
  let passed = 0
  let releasedMs = 0
  let [startedMs, endedMs] = [0, 0]
  let [cpuBefore, cpuAfter] = [0, 0]
  let loadBefore = process.cpuUsage()
  let load = loadBefore
  const wait = async (at: number): Promise<void> => {
    while (passed < warmup + handovers) {
      const held = await open.queue(at % connections, name)
      const nowMs = systemClock.monotonicMs()
      passed++
      if (passed === warmup) {
        startedMs = nowMs
        cpuBefore = serversCpu(target)
        loadBefore = process.cpuUsage()
      } else if (passed > warmup && passed <= warmup + handovers) {
        latency.record((nowMs - releasedMs) * 1000)
      }
      if (passed === warmup + handovers) {
        endedMs = nowMs
        cpuAfter = serversCpu(target)
        load = process.cpuUsage(loadBefore)
      }
      releasedMs = systemClock.monotonicMs()
      await held.release()
    }
  }
  try {
    await Promise.all(Array.from({ length: waiters }, (_, at) => wait(at)))
  } finally {
    await open.close()
  }
  return {
    perSecond: (handovers * 1000) / (endedMs - startedMs),
    p50Ms: latency.percentile(50) / 1000,
    p99Ms: latency.percentile(99) / 1000,
    serverUs: ((cpuAfter - cpuBefore) * 1e6) / target.members.length / handovers,
    loadUs: (load.user + load.system) / handovers,
  }
}
