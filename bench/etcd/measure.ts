/** One load on one subject, once: throughput, latency, and what it cost whom. */
import { systemClock } from '../../base/index.ts'
import { startLoad } from '../../src/cli/index.ts'
import { coreCount, cpuTime, residentBytes } from '../cluster/proc.ts'
import type { Member, Target } from '../cluster/target.ts'
import type { Driver, RaceLoad } from './loads.ts'

/** A system, and a way to speak to it. */
export interface Subject {
  /** As it stands in the tables. */
  readonly name: string
  readonly target: Target
  readonly open: (load: RaceLoad) => Promise<Driver>
}

/** What came of one load in one round. CPU times are in seconds per 1000 operations, of all threads. */
export interface Figures {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly failed: number
  readonly leaderCpu: number
  /** Of both followers. */
  readonly followersCpu: number
  readonly serversCpu: number
  readonly generatorCpu: number
  /** The generator's part of the CPU time that it and the servers used. */
  readonly generatorShare: number
  /** The part of one core that the generator used: it has one thread for all its clients. */
  readonly generatorCore: number
  /** CPU time of generator and servers as a part of all cores; what is missing was idle or somebody else's. */
  readonly machineShare: number
  readonly leaderBytes: number
  /** Of the larger follower. */
  readonly followerBytes: number
}

const answerMs = 60_000

/** Measures one load after a warm-up; undefined if the leader changed meanwhile. Throws if requests are never answered. */
export async function measureLoad(subject: Subject, load: RaceLoad, times: Times): Promise<Figures | undefined> {
  const { members } = subject.target
  const leader = await subject.target.leader()
  const driver = await subject.open(load)
  const drive = (durationMs: number): ReturnType<typeof startLoad>['result'] => {
    const send = (_: number, client: number): Promise<unknown> => driver.send(client)
    const started = startLoad({ clients: load.clients, total: undefined, durationMs, clock: systemClock, send })
    return answered(started.result, durationMs + answerMs, `${subject.name}, ${load.title}`)
  }
  try {
    await drive(times.warmupMs)
    const before = members.map(({ pid }) => cpuTime(pid).total)
    const generatorBefore = process.cpuUsage()
    const { latency, elapsedMs, errors } = await drive(times.measureMs)
    const generator = process.cpuUsage(generatorBefore)
    const spent = members.map(({ pid }, at) => cpuTime(pid).total - (before[at] ?? 0))
    if ((await subject.target.leader()) !== leader) return undefined
    const generatorSeconds = (generator.user + generator.system) / 1e6
    const leads = ({ name }: Member): boolean => name === leader
    const leaderSeconds = spent[members.findIndex(leads)] ?? Number.NaN
    const serversSeconds = spent.reduce((sum, seconds) => sum + seconds, 0)
    const perThousand = (seconds: number): number => (seconds * 1000) / latency.count
    const bytes = (some: readonly Member[]): number => Math.max(...some.map(({ pid }) => residentBytes(pid)))
    return {
      perSecond: (latency.count * 1000) / elapsedMs,
      p50Ms: latency.percentile(50) / 1000,
      p99Ms: latency.percentile(99) / 1000,
      failed: [...errors.values()].reduce((sum, count) => sum + count, 0),
      leaderCpu: perThousand(leaderSeconds),
      followersCpu: perThousand(serversSeconds - leaderSeconds),
      serversCpu: perThousand(serversSeconds),
      generatorCpu: perThousand(generatorSeconds),
      generatorShare: generatorSeconds / (generatorSeconds + serversSeconds),
      generatorCore: (generatorSeconds * 1000) / elapsedMs,
      machineShare: ((generatorSeconds + serversSeconds) * 1000) / elapsedMs / coreCount(),
      leaderBytes: bytes(members.filter(leads)),
      followerBytes: bytes(members.filter((member) => !leads(member))),
    }
  } finally {
    await driver.close()
  }
}

/** How long. */
export interface Times {
  readonly warmupMs: number
  readonly measureMs: number
}

/** Rejects when the load has not ended long after its time: an answer or an event never came. */
async function answered<T>(result: Promise<T>, timeoutMs: number, name: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name}: a request was never answered`)), timeoutMs)
  })
  try {
    return await Promise.race([result, late])
  } finally {
    clearTimeout(timer)
  }
}
