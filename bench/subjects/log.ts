/** Appends to the durable log: one write of one entry, synced, on the real disk and in memory. */
import { systemClock, systemScheduler } from '../../base/index.ts'
import type { Files } from '../../base/index.ts'
import type { Entry } from '../../consensus/index.ts'
import { MemoryFiles, nodeCrypto, nodeFiles, openLog } from '../../src/storage/index.ts'
import type { DurableLog } from '../../src/storage/index.ts'
import { withDirectory } from '../harness/directory.ts'
import type { Measure, Subject } from '../harness/measure.ts'
import { seededRandom } from '../harness/random.ts'

const term = 1
const retainedBytesMax = 64 << 20
const sizes = [256, 100 * 1024]

/** `DurableLog.write`. */
export const log: Subject = {
  name: 'log',
  async run(measure) {
    await withDirectory((directory) => appends(measure, 'disk', nodeFiles, directory))
    await appends(measure, 'memory', new MemoryFiles(), 'memory')
  },
}

async function appends(measure: Measure, disk: string, files: Files, directory: string): Promise<void> {
  await files.makeDirectory(directory)
  const opened = await openLog({
    files,
    directory,
    crypto: nodeCrypto,
    scheduler: systemScheduler,
    clock: systemClock,
    incarnation: new Uint8Array(16).fill(1),
    create: true,
  })
  try {
    for (const size of sizes) await append(measure, opened, disk, size, 1)
    await append(measure, opened, disk, 256, 64)
  } finally {
    await opened.close()
  }
}

/** The log is compacted between calls, so that it neither fills memory nor the disk. */
async function append(measure: Measure, opened: DurableLog, disk: string, size: number, count: number): Promise<void> {
  const data = seededRandom().bytes(size)
  const hardState = { term, vote: 1, commit: 0 }
  await measure({
    name: `log.append/disk=${disk},bytes=${size},entries=${count}`,
    ops: count,
    async run() {
      const first = opened.lastIndex() + 1
      const entries = Array.from({ length: count }, (_, at): Entry => ({
        index: first + at,
        term,
        type: 'normal',
        data,
      }))
      await opened.write({ entries, hardState })
    },
    async after() {
      if (opened.retainedBytes > retainedBytesMax) await opened.compact(opened.lastIndex())
    },
  })
}
