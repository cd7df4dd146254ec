import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BlockCache } from '../../execution/block-cache.ts'

const kib = 1024
/** Around the size of a piece of the cache's own memory and half of it. */
const size = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(66 * kib, 100 * kib, 132 * kib) },
  { weight: 1, arbitrary: fc.constantFrom(1, 30 * kib, 132 * kib + 1, 400 * kib) },
)
const step = fc.record({
  do: fc.constantFrom(
    'write' as const,
    'write' as const,
    'read' as const,
    'get' as const,
    'keep' as const,
    'delete' as const,
  ),
  size,
  /** How long ago the block came that is asked for. */
  ago: fc.nat(6),
})

interface Seen {
  readonly id: number
  readonly bytes: Uint8Array
}

/** What a cache gave: until when it must stay as it is, differs. */
class Watcher {
  readonly cache: BlockCache
  private readonly sizes: number[] = []
  /** Given since the last write. */
  private seen: Seen[] = []
  private readonly kept: Seen[] = []

  constructor(bytesMax: number) {
    this.cache = new BlockCache(bytesMax)
  }

  run(what: 'write' | 'read' | 'get' | 'keep' | 'delete', length: number, ago: number): void {
    const { cache, sizes } = this
    const id = Math.max(0, sizes.length - 1 - ago)
    if (what === 'write') {
      this.seen = []
      this.write(sizes.push(length) - 1, length)
    } else if (what === 'read') {
      const next = sizes.push(length) - 1
      this.seen.push({ id: next, bytes: cache.add(next, bytesOf(next, length)).bytes })
    } else if (what === 'delete') cache.delete(id)
    else {
      const block = cache.get(id)
      if (block !== undefined) (what === 'keep' ? this.kept : this.seen).push({ id, bytes: block.bytes })
      if (what === 'keep') cache.keep(id)
    }
  }

  private write(id: number, length: number): void {
    const memory = this.cache.memory(length)
    memory.set(bytesOf(id, length))
    this.cache.addWritten(id, memory)
  }

  /** Ids of what is not as it was written. */
  wrong(): number[] {
    const all = [...this.seen, ...this.kept]
    return all
      .filter(({ id, bytes }) => Buffer.compare(bytes, bytesOf(id, this.sizes[id] ?? 0)) !== 0)
      .map(({ id }) => id)
  }

  held(): number {
    return this.sizes.reduce((sum, length, id) => sum + (this.cache.get(id) === undefined ? 0 : length), 0)
  }
}

function bytesOf(id: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(1 + (id % 250))
}

test('a cache gives the bytes that it was given or nothing, keeps to its bound, and changes nothing that may still be looked at', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 50, size: 'max' }),
      fc.constantFrom(0, 300 * kib, 600 * kib),
      (steps, bytesMax) => {
        const watcher = new Watcher(bytesMax)
        for (const one of steps) {
          watcher.run(one.do, one.size, one.ago)
          expect(watcher.wrong()).toEqual([])
        }
        expect(watcher.held()).toBeLessThanOrEqual(bytesMax)
      },
    ),
    { numRuns: 100 },
  )
})

test('the memory of a block that was given up is that of the next one', () => {
  const cache = new BlockCache(300 * kib)
  const buffers = new Set<ArrayBufferLike>()
  for (let id = 1; id <= 50; id++) {
    cache.addWritten(id, cache.memory(128 * kib))
    buffers.add(cache.get(id)?.bytes.buffer as ArrayBufferLike)
  }
  expect(buffers.size).toBeLessThanOrEqual(4)
})
