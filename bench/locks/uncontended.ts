/** Locks nobody else wants: each client takes one of its own and gives it back, again and again. */
import { systemClock } from '../../base/index.ts'
import { startLoad } from '../../src/cli/index.ts'
import { cpuTime } from '../cluster/proc.ts'
import type { LockTarget } from './target.ts'

/** Who locks, and for how long. */
export interface UncontendedShape {
  readonly clients: number
  readonly connections: number
  readonly ttlMs: number
  readonly warmupMs: number
  readonly measureMs: number
}

/** What came of it; a cycle is an acquisition and its release. */
export interface Cycles {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU time per cycle, in microseconds: the servers' mean, and the load's own. */
  readonly serverUs: number
  readonly loadUs: number
}

/** Measures one load. */
export async function runUncontended(target: LockTarget, shape: UncontendedShape): Promise<Cycles> {
  const { clients, connections, ttlMs } = shape
  const open = await target.open(connections, ttlMs)
  const drive = (durationMs: number): ReturnType<typeof startLoad>['result'] =>
    startLoad({
      ...{ clients, total: undefined, durationMs, clock: systemClock },
      send: (_, client) => open.cycle(client % connections, `free/${client}`),
    }).result
  try {
    await drive(shape.warmupMs)
    const before = serversCpu(target)
    const loadBefore = process.cpuUsage()
    const { latency, elapsedMs, errors } = await drive(shape.measureMs)
    const load = process.cpuUsage(loadBefore)
    if (errors.size > 0) throw new Error(`${target.name}: ${[...errors].join(' ')}`)
    return {
      perSecond: (latency.count * 1000) / elapsedMs,
      p50Ms: latency.percentile(50) / 1000,
      p99Ms: latency.percentile(99) / 1000,
      serverUs: ((serversCpu(target) - before) * 1e6) / target.members.length / latency.count,
      loadUs: (load.user + load.system) / latency.count,
    }
  } finally {
    await open.close()
  }
}

/** CPU time of all servers so far, in seconds. */
export function serversCpu({ members }: LockTarget): number {
  return members.reduce((sum, { pid }) => sum + cpuTime(pid).total, 0)
}
