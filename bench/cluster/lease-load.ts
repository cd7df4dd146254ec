/** What living leases cost: sessions that do nothing but renew, beside the same cluster and connections without them. */
import { systemClock } from '../../base/index.ts'
import type { Client } from '../../src/client/index.ts'
import type { Session } from '../../src/api/index.ts'
import { openClients } from './nitrostate.ts'
import type { NitrostateTarget } from './nitrostate.ts'
import { cpuTime } from './proc.ts'

/** How many leases, and who holds them. */
export interface LeaseShape {
  readonly leases: number
  readonly ttlMs: number
  readonly connections: number
}

/** What a cluster does that is only kept alive. */
export interface LeaseOutcome extends LeaseShape {
  /** Entries of the log, of any kind. */
  readonly entriesPerSecond: number
  /** Shares of one core. */
  readonly leaderCore: number
  readonly followersCore: number
  readonly loadCore: number
  /** Sessions that were lost: anything but 0 is a fault, or a machine that has no time for the load. */
  readonly lost: number
}

const opening = 256

/** Measures the connections alone, then with the leases. */
export async function runLeases(
  target: NitrostateTarget,
  shape: LeaseShape,
  measureMs: number,
): Promise<LeaseOutcome[]> {
  const clients = await openClients(target.addresses, shape.connections)
  try {
    const without = await idle(target, clients, [], { ...shape, leases: 0 }, measureMs)
    const sessions = await openSessions(clients, shape)
    return [without, await idle(target, clients, sessions, shape, measureMs)]
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
}

/** Opens them over the time after which they renew, so that they do not all renew at once. */
async function openSessions(clients: readonly Client[], { leases, ttlMs }: LeaseShape): Promise<Session[]> {
  const sessions: Session[] = []
  const started = systemClock.monotonicMs()
  const spreadMs = ttlMs / 4
  while (sessions.length < leases) {
    const count = Math.min(opening, leases - sessions.length)
    const some = Array.from({ length: count }, (_, at) =>
      (clients[(sessions.length + at) % clients.length] as Client).session({ ttl: ttlMs }),
    )
    sessions.push(...(await Promise.all(some)))
    const dueMs = started + (spreadMs * sessions.length) / leases - systemClock.monotonicMs()
    if (dueMs > 0) await sleep(dueMs)
  }
  return sessions
}

async function idle(
  target: NitrostateTarget,
  [client]: readonly Client[],
  sessions: readonly Session[],
  shape: LeaseShape,
  measureMs: number,
): Promise<LeaseOutcome> {
  const { admin } = client as Client
  const leader = await target.leader()
  const statusBefore = await admin.status()
  const before = target.members.map(({ pid }) => cpuTime(pid).total)
  const loadBefore = process.cpuUsage()
  const started = systemClock.monotonicMs()
  await sleep(measureMs)
  const seconds = (systemClock.monotonicMs() - started) / 1000
  const load = process.cpuUsage(loadBefore)
  const cores = target.members.map(({ name, pid }, at) => ({
    leads: name === leader,
    core: (cpuTime(pid).total - (before[at] ?? 0)) / seconds,
  }))
  const status = await admin.status()
  const mean = (leads: boolean): number => {
    const some = cores.filter((one) => one.leads === leads)
    return some.reduce((sum, { core }) => sum + core, 0) / some.length
  }
  return {
    ...shape,
    entriesPerSecond: (status.lastIndex - statusBefore.lastIndex) / seconds,
    leaderCore: mean(true),
    followersCore: mean(false),
    loadCore: (load.user + load.system) / 1e6 / seconds,
    lost: sessions.filter(({ state }) => state === 'lost').length,
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
