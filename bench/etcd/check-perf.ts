/**
 * etcd's own load tool on both clusters, for rows where our generator is in the way: `etcdctl check perf --load=xl`, which lasts a minute,
 * offers 15,000 puts a second from 1000 clients, with keys of 256 bytes and values of 1024.
 */
import { spawn, spawnSync } from 'node:child_process'
import { endedChildrenCpu, cpuTime } from '../cluster/proc.ts'
import type { Target } from '../cluster/target.ts'

/** What the tool says, and what it cost. CPU times are in seconds per 1000 puts. */
export interface CheckPerf {
  readonly system: string
  readonly perSecond: number
  readonly slowestSeconds: number
  readonly stddevSeconds: number
  readonly serversCpu: number
  readonly generatorCpu: number
}

const seconds = 60

/** Whether the tool is installed. */
export function hasEtcdctl(): boolean {
  return spawnSync('etcdctl', ['version'], { env: environment() }).status === 0
}

/** Runs it once on the member at this address. Throws if it says no figures, or that requests failed. */
export async function runCheckPerf(system: string, { members }: Target, address: string): Promise<CheckPerf> {
  const serversSeconds = (): number => members.reduce((sum, { pid }) => sum + cpuTime(pid).total, 0)
  const serversBefore = serversSeconds()
  const toolBefore = endedChildrenCpu()
  const text = await outputOf(['--endpoints', address, 'check', 'perf', '--load=xl'])
  if (text.includes('too many errors')) throw new Error(`etcdctl check perf on ${system}: ${text.slice(-500)}`)
  // "is", or what it says of a figure that it does not like: "too low:", "too long:", "too high:"
  const figure = (pattern: RegExp): number => {
    const [, digits] = pattern.exec(text) ?? []
    if (digits === undefined) throw new Error(`etcdctl check perf on ${system}: ${text.slice(-500)}`)
    return Number(digits)
  }
  const perSecond = figure(/Throughput[a-z :]* (\d+) writes\/s/)
  const thousands = (perSecond * seconds) / 1000
  return {
    system,
    perSecond,
    slowestSeconds: figure(/Slowest request took[a-z :]* ([\d.]+)/),
    stddevSeconds: figure(/Stddev[a-z :]* ([\d.]+)/),
    serversCpu: (serversSeconds() - serversBefore) / thousands,
    generatorCpu: (endedChildrenCpu() - toolBefore) / thousands,
  }
}

/** All that it writes; that it ends with an error only means that it does not like its figures. */
function outputOf(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('etcdctl', args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment() })
    let text = ''
    const keep = (chunk: Buffer): void => void (text += chunk.toString())
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', reject)
    child.once('close', () => resolve(text))
  })
}

function environment(): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('ETCDCTL_'))
  return { ...Object.fromEntries(others), ETCDCTL_API: '3' }
}
