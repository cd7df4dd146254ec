import { expect, test } from 'vitest'
import { keepHeapRoom } from '../../src/server/heap.ts'
import { ManualScheduler } from './fixtures.ts'

const mebi = 1024 * 1024

test('a heap may grow by 128 MiB before it is collected, by four times itself at most, and as V8 likes when it is large', () => {
  const scheduler = new ManualScheduler()
  const grown: number[] = []
  let usedBytes = 16 * mebi
  const stop = keepHeapRoom({ usedBytes: () => usedBytes, setGrowth: (percent) => void grown.push(percent) }, scheduler)
  for (const mebibytes of [16, 16, 64, 64, 100, 127, 128, 900, 40]) {
    usedBytes = mebibytes * mebi
    scheduler.fire()
  }
  expect(grown).toEqual([400, 200, 128, 101, 0, 320])
  stop()
  expect([grown.at(-1), scheduler.timers.size]).toEqual([0, 0])
})
