/** What servers take: memory, and space on disk. */
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from '../harness/index.ts'

/** Of one server, in MiB. */
export interface Sizes {
  /** Resident now, and at most so far. */
  readonly rss: number
  readonly peakRss: number
  readonly log: number
  readonly state: number
}

/** Looks at one server and its directory. */
export function sizesOf(cluster: Cluster, name: string): Sizes {
  const { dataDir, process } = cluster.at(name)
  const status = readFileSync(`/proc/${process?.pid}/status`, 'latin1')
  return {
    rss: kibibytes(status, 'VmRSS') / 1024,
    peakRss: kibibytes(status, 'VmHWM') / 1024,
    log: directoryBytes(join(dataDir, 'log')) / 2 ** 20,
    state: directoryBytes(join(dataDir, 'state')) / 2 ** 20,
  }
}

function kibibytes(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
}

function directoryBytes(path: string): number {
  let sum = 0
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const inner = join(path, entry.name)
    // A file may go while we look.
    if (entry.isDirectory()) sum += directoryBytes(inner)
    else sum += statSync(inner, { throwIfNoEntry: false })?.size ?? 0
  }
  return sum
}
