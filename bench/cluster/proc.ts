/** What the kernel knows about a process: CPU time and memory, from /proc (Linux only). */
import { readFileSync, readdirSync } from 'node:fs'

/** Linux counts CPU time in hundredths of a second for user space, whatever the kernel's own tick. */
const ticksPerSecond = 100
/** Positions of user and system time after the process's name: its own, and of its ended children. */
const ownFields = [11, 12] as const
const childrenFields = [13, 14] as const

/** CPU time used since the process began, in seconds. */
export interface CpuTime {
  /** All threads, user and system. */
  readonly total: number
  /** The main thread: in Node the one that runs JavaScript. */
  readonly main: number
}

/** CPU time of a process up to now. */
export function cpuTime(pid: number): CpuTime {
  return { total: statSeconds(`/proc/${pid}/stat`), main: statSeconds(`/proc/${pid}/task/${pid}/stat`) }
}

/** CPU time in seconds of all children of this process that have ended, and of theirs. */
export function endedChildrenCpu(): number {
  return statSeconds('/proc/self/stat', childrenFields)
}

/** utime + stime of a stat file; the name before them is in parentheses and may itself hold spaces. */
function statSeconds(path: string, [user, system]: readonly [number, number] = ownFields): number {
  const text = readFileSync(path, 'latin1')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[user]) + Number(fields[system])) / ticksPerSecond
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
  return Number(match?.[1] ?? 0) * 1024
}

/** Runnable processes per core over the last minute: above 1, others compete with what is measured. */
export function loadPerCore(): number {
  const average = Number(readFileSync('/proc/loadavg', 'latin1').split(' ')[0])
  return average / coreCount()
}

/** Cores of the machine. */
export function coreCount(): number {
  return readdirSync('/sys/devices/system/cpu').filter((name) => /^cpu\d+$/.test(name)).length
}
