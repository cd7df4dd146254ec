/**
 * One of those who fight for the locks, as a process. Again and again it takes a lock, reads a counter, writes it one higher,
 * writes to the resource, and gives the lock back. Told to, it stops itself between read and write; when it goes on it does not look
 * whether it still holds the lock before it writes, as a program would not that was stopped after it had looked.
 */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { isNitroError, messageOf } from '../../../base/index.ts'
import type { Lock } from '../../../src/api/index.ts'
import { connect, put } from '../../../src/client/index.ts'
import type { Client } from '../../../src/client/index.ts'
import { SeededRandom } from '../../../src/testing/random.ts'
import type { ContenderOptions, Increment, Order, Told } from './messages.ts'

const options = JSON.parse(process.argv[2] ?? '{}') as ContenderOptions
const { label, ttlMs, prefix, guarded } = options
const random = new SeededRandom(options.seed)
const ending = new AbortController()
let isToStop = false
let increments = 0

const input = createInterface({ input: process.stdin })
input.on('line', (line) => {
  const order: Order = 'stop'
  if (line === order) isToStop = true
})
input.once('close', () => ending.abort())

const client = await connected()
while (!ending.signal.aborted) {
  await round(client, random.pick(options.locks))
  await delay(random.between(0, 20))
}
await client.close()
process.exit(0)

/** Written at once: what was told before a SIGKILL has been told. */
function tell(told: Told): void {
  writeSync(1, `${JSON.stringify(told)}\n`)
}

async function connected(): Promise<Client> {
  for (;;) {
    try {
      return await connect({ endpoints: options.endpoints, name: label, connectTimeoutMs: 10_000 })
    } catch (error) {
      if (ending.signal.aborted) process.exit(0)
      process.stderr.write(`${messageOf(error)}\n`)
      await delay(200)
    }
  }
}

async function round({ sync, store }: Client, name: string): Promise<void> {
  // Most wait for as long as it takes; some have no patience, so that queues have those in them who leave.
  const wait = random.chance(0.7) ? undefined : random.chance(0.5) ? 0 : Math.round(random.between(20, 1_000))
  let lock: Lock
  try {
    lock = await sync.lock(name, { ttl: ttlMs, namespace: prefix, label, wait, signal: ending.signal })
  } catch (error) {
    if (!ending.signal.aborted) tell({ kind: 'without', lock: name, code: codeOf(error) })
    return
  }
  const { token } = lock
  tell({ kind: 'granted', lock: name, token })
  try {
    const counter = `${prefix}/counter/${name}`
    const value = Number((await store.get(counter))?.text() ?? 0) + 1
    if (isToStop) {
      isToStop = false
      tell({ kind: 'stopping', lock: name, token })
      process.kill(process.pid, 'SIGSTOP')
      tell({ kind: 'woke', lock: name, token, state: lock.state })
    }
    const increment: Increment = { lock: name, token, id: `${label}.${++increments}` }
    tell({ kind: 'writing', ...increment })
    tell({ ...(await written(client, lock, counter, value, increment)), ...increment })
    await useResource(name, token)
  } catch (error) {
    tell({ kind: 'without', lock: name, code: codeOf(error) })
  } finally {
    await lock.unlock().catch(() => undefined)
  }
}

async function written(
  { store }: Client,
  lock: Lock,
  counter: string,
  value: number,
  { lock: name, token, id }: Increment,
): Promise<
  { readonly kind: 'acknowledged' | 'refused' } | { readonly kind: 'failed' | 'unknown'; readonly code: string }
> {
  try {
    const { succeeded } = await store
      .txn()
      .if(...(guarded ? [lock.guard()] : []))
      .then(put(counter, String(value)), put(`${prefix}/increment/${name}/${id}`, JSON.stringify({ value, token })))
      .commit()
    return { kind: succeeded ? 'acknowledged' : 'refused' }
  } catch (error) {
    return { kind: isNitroError(error) && error.executed === 'no' ? 'failed' : 'unknown', code: codeOf(error) }
  }
}

async function useResource(lock: string, token: number): Promise<void> {
  const response = await fetch(`http://${options.resource}/${encodeURIComponent(lock)}/${token}`, { method: 'POST' })
  await response.arrayBuffer()
  tell({ kind: 'resource', lock, token, accepted: response.ok })
}

function codeOf(error: unknown): string {
  return isNitroError(error) ? error.code : messageOf(error)
}
