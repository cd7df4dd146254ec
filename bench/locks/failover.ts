/** A holder that dies: a process of its own is ended by SIGKILL, and one who waits has the lock some time later. */
import { spawn } from 'node:child_process'
import { systemClock } from '../../base/index.ts'
import type { Random } from '../../base/index.ts'
import { openEtcd } from './etcd.ts'
import { openNitrostate } from './nitrostate.ts'
import type { LockTarget } from './target.ts'

/** What is done. */
export interface FailoverPlan {
  readonly ttlMs: number
  readonly random: Random
  /** The script that holds a lock when it is started with `--hold`. */
  readonly script: string
}

/** What came of it. */
export interface Failover {
  /** From the death of the holder to the next one's having the lock. */
  readonly afterMs: number
}

/**
 * Measures one death. The holder lives for a random part of the time between two renewals first: how long its lease lasts after its
 * death depends on when it last renewed.
 */
export async function runFailover(target: LockTarget, name: string, plan: FailoverPlan): Promise<Failover> {
  const { ttlMs, random, script } = plan
  const { holderArgs } = target
  if (holderArgs === undefined) throw new Error(`${target.name} has no queue`)
  const child = spawn(process.execPath, [script, '--hold', ...(await holderArgs(name, ttlMs))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  const open = await target.open(1, ttlMs)
  try {
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve())
      child.once('close', () => reject(new Error(`the holder for ${target.name} ended`)))
    })
    const granted = open.queue(0, name)
    await sleep(ttlMs / 2 + ((random.u32() / 2 ** 32) * ttlMs) / 3)
    const diedMs = systemClock.monotonicMs()
    child.kill('SIGKILL')
    const held = await granted
    const afterMs = systemClock.monotonicMs() - diedMs
    await held.release()
    return { afterMs }
  } finally {
    child.kill('SIGKILL')
    await ended
    await open.close()
  }
}

/** The holder's process: takes the lock, says so, and stays until its standard input ends. */
export async function hold([system = '', addresses = '', name = '', ttl = '']: readonly string[]): Promise<void> {
  const clients =
    system === 'etcd'
      ? await openEtcd(addresses, 1, Number(ttl))
      : await openNitrostate(addresses.split(','), 1, Number(ttl))
  await clients.queue(0, name)
  process.stdout.write('held\n')
  process.stdin.resume()
  await new Promise((resolve) => process.stdin.once('end', resolve))
  process.exit(0)
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
