/** One load on one cluster: throughput, latency, and the CPU time each process spent on it. */
import { below, systemClock } from '../../base/index.ts'
import { startLoad } from '../../src/cli/index.ts'
import { seededRandom } from '../harness/random.ts'
import { cpuTime, residentBytes } from './proc.ts'
import { rangeKeys } from './target.ts'
import type { Connections, Operation, Target } from './target.ts'

/** What is asked of a cluster. */
export interface LoadShape {
  readonly operation: Operation
  /** Requests outstanding at any time. */
  readonly clients: number
  readonly connections: number
}

/** How long. */
export interface LoadTimes {
  readonly warmupMs: number
  readonly measureMs: number
}

/** What one member spent on the load. */
export interface MemberCost {
  readonly name: string
  readonly leads: boolean
  /** CPU time per request in microseconds: all threads, and the main thread alone. */
  readonly cpuUs: number
  readonly mainUs: number
  readonly residentBytes: number
}

/** The outcome of one load. Times in milliseconds. */
export interface LoadOutcome extends LoadShape {
  readonly target: string
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly failed: number
  readonly members: readonly MemberCost[]
  /** CPU time of the load itself per request, in microseconds. */
  readonly loadUs: number
  /** The part of one core the load used: near 1 it is the load that was measured, not the cluster. */
  readonly loadShare: number
}

const keySpace = 10_000
const valueBytes = 256
const fillers = 256

/** Writes every key once. */
export async function fillKeys(target: Target): Promise<void> {
  const connections = await target.connect(1)
  const value = seededRandom().bytes(valueBytes)
  const put = (sequence: number): Promise<unknown> => connections.send.put(0, sequence, value)
  try {
    await startLoad({ clients: fillers, total: keySpace, durationMs: undefined, clock: systemClock, send: put }).result
  } finally {
    await connections.close()
  }
}

/** Runs one load after a warm-up; `during` runs beside the measured part. */
export async function runLoad(
  target: Target,
  shape: LoadShape,
  times: LoadTimes,
  during?: () => Promise<void>,
): Promise<LoadOutcome> {
  const connections = await target.connect(shape.connections)
  try {
    await drive(connections, shape, times.warmupMs)
    const leader = await target.leader()
    const before = target.members.map(({ pid }) => cpuTime(pid))
    const loadBefore = process.cpuUsage()
    const beside = during?.()
    const { latency, elapsedMs, errors } = await drive(connections, shape, times.measureMs)
    const load = process.cpuUsage(loadBefore)
    const members = target.members.map(({ name, pid }, at): MemberCost => {
      const after = cpuTime(pid)
      const perRequest = (now: number, then = 0): number => ((now - then) * 1e6) / latency.count
      return {
        name,
        leads: name === leader,
        cpuUs: perRequest(after.total, before[at]?.total),
        mainUs: perRequest(after.main, before[at]?.main),
        residentBytes: residentBytes(pid),
      }
    })
    await beside
    return {
      ...shape,
      target: target.name,
      perSecond: (latency.count * 1000) / elapsedMs,
      p50Ms: latency.percentile(50) / 1000,
      p99Ms: latency.percentile(99) / 1000,
      maxMs: latency.max / 1000,
      failed: [...errors.values()].reduce((sum, count) => sum + count, 0),
      members,
      loadUs: (load.user + load.system) / latency.count,
      loadShare: (load.user + load.system) / 1000 / elapsedMs,
    }
  } finally {
    await connections.close()
  }
}

function drive(connections: Connections, shape: LoadShape, durationMs: number): ReturnType<typeof startLoad>['result'] {
  const random = seededRandom(shape.clients)
  const value = random.bytes(valueBytes)
  const { operation, clients } = shape
  const send = connections.send[operation]
  // operations on several keys find them all
  const numbers = keySpace - rangeKeys
  return startLoad({
    clients,
    total: undefined,
    durationMs,
    clock: systemClock,
    send: (_, client) => send(client % shape.connections, below(random, numbers), value),
  }).result
}
