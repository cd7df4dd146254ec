/** The parts of the benchmark of a node with many keys, each on a node of its own. */
import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { systemClock } from '../../base/index.ts'
import { numberedKey, startLoad } from '../../src/cli/index.ts'
import { openNode } from '../../src/node/index.ts'
import type { Node } from '../../src/node/index.ts'
import { seededRandom } from '../harness/random.ts'

/** How many keys of what size. */
export interface Plan {
  readonly keys: number
  readonly keyBytes: number
  readonly valueBytes: number
  /** Keys that are written once more, in the full store. */
  readonly overwrites: number
}

/** Memory of the process after a full collection. */
export interface Memory {
  readonly residentBytes: number
  readonly heapBytes: number
  /** Buffers beside the heap: blocks in the cache, records not flushed yet. */
  readonly bufferBytes: number
}

/** Writes, and what they cost. */
export interface Writes {
  readonly perSecond: number
  /** CPU time of the whole process per write, in microseconds; the load is in it. */
  readonly cpuUs: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** The longest turn of the event loop meanwhile. */
  readonly longestTurnMs: number
}

/** A node that was filled. */
export interface LoadedPart {
  readonly seconds: number
  /** The first and the last tenth of the keys, which meet an almost empty and an almost full store. */
  readonly first: Writes
  readonly last: Writes
  readonly overwritten: Writes
  readonly memory: Memory
  readonly snapshotSeconds: number
  readonly snapshotBytes: number
}

/** A node that was started with what is in its directory. */
export interface StartedPart {
  readonly seconds: number
  readonly keys: number
  readonly memory: Memory
}

const inFlight = 1000
const stepOfKeys = 7_919
const startTimeoutMs = 600_000

/** Runs a part by its name: `load` or `start`. */
export async function runPart(part: string, dataDir: string, plan: Plan): Promise<LoadedPart | StartedPart> {
  const started = systemClock.monotonicMs()
  const node = await openNode({ dataDir })
  try {
    await node.ready({ timeoutMs: startTimeoutMs })
    const seconds = (systemClock.monotonicMs() - started) / 1000
    if (part === 'load') return await load(node, dataDir, plan)
    return { seconds, keys: node.status().keys, memory: await memory() }
  } finally {
    await node.close()
  }
}

async function load(node: Node, dataDir: string, plan: Plan): Promise<LoadedPart> {
  const tenth = Math.floor(plan.keys / 10)
  const started = systemClock.monotonicMs()
  const first = await write(node, plan, 0, tenth)
  await write(node, plan, tenth, plan.keys - 2 * tenth)
  const last = await write(node, plan, plan.keys - tenth, tenth)
  await flushed(node)
  const seconds = (systemClock.monotonicMs() - started) / 1000
  const held = await memory()
  const overwritten = await write(node, plan, 0, plan.overwrites)
  await flushed(node)
  return { seconds, first, last, overwritten, memory: held, ...(await saveSnapshot(node, `${dataDir}.snapshot`)) }
}

/** Writes keys number `from` to `from + count`, in an order that is none. */
async function write(node: Node, plan: Plan, from: number, count: number): Promise<Writes> {
  const value = seededRandom(from + 1).bytes(plan.valueBytes)
  const turns = monitorEventLoopDelay({ resolution: 1 })
  turns.enable()
  const before = process.cpuUsage()
  const { latency, elapsedMs } = await startLoad({
    clients: inFlight,
    total: count,
    durationMs: undefined,
    clock: systemClock,
    send: (sequence) => {
      const number = ((from + sequence) * stepOfKeys) % plan.keys
      return node.store.put(numberedKey(number, plan.keyBytes), value, { timeoutMs: startTimeoutMs })
    },
  }).result
  const cpu = process.cpuUsage(before)
  turns.disable()
  return {
    perSecond: (count * 1000) / elapsedMs,
    cpuUs: (cpu.user + cpu.system) / count,
    p50Ms: latency.percentile(50) / 1000,
    p99Ms: latency.percentile(99) / 1000,
    longestTurnMs: turns.max / 1e6,
  }
}

/** Everything applied is in the state directory. */
async function flushed(node: Node): Promise<void> {
  for (;;) {
    const { appliedIndex, durableAppliedIndex } = node.status()
    if (durableAppliedIndex === appliedIndex) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function saveSnapshot(node: Node, path: string): Promise<{ snapshotSeconds: number; snapshotBytes: number }> {
  const started = systemClock.monotonicMs()
  const file = createWriteStream(path)
  let snapshotBytes = 0
  for await (const chunk of node.admin.snapshot({ timeoutMs: startTimeoutMs })) {
    snapshotBytes += chunk.length
    if (!file.write(chunk)) await once(file, 'drain')
  }
  await new Promise((resolve) => file.end(resolve))
  return { snapshotSeconds: (systemClock.monotonicMs() - started) / 1000, snapshotBytes }
}

/** A second collection takes what the first one has only just let go. */
async function memory(): Promise<Memory> {
  const collect = (globalThis as { readonly gc?: () => void }).gc
  if (collect === undefined) throw new Error('needs --expose-gc')
  for (let i = 0; i < 2; i++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage()
  return { residentBytes: rss, heapBytes: heapUsed, bufferBytes: arrayBuffers }
}
