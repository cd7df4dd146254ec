import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KvChange, KvRecord, KvSnapshot } from '../../base/index.ts'
import { compareBytes } from '../../base/index.ts'
import {
  MemoryFiles,
  SnapshotReceiver,
  SnapshotSender,
  chunkBytesMax,
  nodeCrypto,
  readSnapshotFile,
  saveSnapshotFile,
  verifySnapshotFile,
} from '../../src/storage/index.ts'

const head = {
  clusterId: new Uint8Array(32).fill(3),
  index: 12,
  term: 4,
  revision: 99,
  configuration: new Uint8Array(100).fill(1),
}

function viewOf(records: readonly KvRecord[], perPage = 3): KvSnapshot {
  return {
    async *pages() {
      for (let at = 0; at < records.length; at += perPage) yield records.slice(at, at + perPage)
    },
    close: async () => undefined,
  }
}

function recordsOf(sizes: readonly number[]): KvRecord[] {
  return sizes.map((size, at) => [Uint8Array.of(at >> 8, at & 255), new Uint8Array(size).fill(at + 1)])
}

const sender = (records: readonly KvRecord[], more: Partial<typeof head> = {}): SnapshotSender =>
  new SnapshotSender({ view: viewOf(records), head: { ...head, ...more }, crypto: nodeCrypto })

async function chunksOf(from: SnapshotSender): Promise<Uint8Array[]> {
  const out: Uint8Array[] = []
  for await (const chunk of from.stream()) out.push(chunk)
  return out
}

async function receive(
  chunks: Iterable<Uint8Array>,
): Promise<{ done: boolean; records: KvChange[]; receiver: SnapshotReceiver }> {
  const records: KvChange[] = []
  const receiver = new SnapshotReceiver(nodeCrypto, { records: (batch) => void records.push(...batch) })
  let done = false
  for (const chunk of chunks) done = (await receiver.accept(chunk)) === 'done'
  return { done, records, receiver }
}

describe('a snapshot in chunks', () => {
  it('arrives as it was, whatever the sizes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.nat(40), fc.nat(70_000), fc.constant(65_516), fc.constant(300_000)), { maxLength: 8 }),
        fc.oneof(fc.nat(50), fc.constant(150_000)),
        async (sizes, configuration) => {
          const records = recordsOf(sizes)
          const from = sender(records, { configuration: new Uint8Array(configuration) })
          const chunks = await chunksOf(from)
          for (const chunk of chunks) expect(chunk.length).toBeLessThanOrEqual(chunkBytesMax)
          const { done, records: found, receiver } = await receive(chunks)
          expect(done).toBe(true)
          expect(found.map(({ key, value }) => [...key, value?.length])).toEqual(
            records.map(([key, value]) => [...key, value.length]),
          )
          expect(
            found.every(({ value }, at) => compareBytes(value as Uint8Array, (records[at] as KvRecord)[1]) === 0),
          ).toBe(true)
          expect({ ...receiver.head, configuration: receiver.head?.configuration.length }).toEqual({
            ...head,
            configuration,
          })
        },
      ),
      { numRuns: 25 },
    )
  })

  it('can be asked for again from any chunk, and gives the same chunks', async () => {
    const from = sender(recordsOf(Array.from({ length: 60 }, () => 65_000)))
    const chunks = await chunksOf(from)
    expect(chunks.length).toBeGreaterThan(40)
    for (const number of [3, 40, 39, 0, chunks.length - 1, 17]) {
      expect(compareBytes((await from.chunk(number)) as Uint8Array, chunks[number] as Uint8Array)).toBe(0)
    }
    expect(await from.chunk(chunks.length)).toBeUndefined()
    await from.close()
    await expect(from.chunk(0)).rejects.toMatchObject({ code: 'Closed' })
  })

  it('goes on where the receiver says after chunks were lost or repeated', async () => {
    const chunks = await chunksOf(sender(recordsOf([60_000, 60_000, 60_000, 10])))
    const { receiver, done } = await receive([chunks[0], chunks[1], chunks[0], chunks[3], chunks[1]] as Uint8Array[])
    expect([receiver.wanted, done]).toEqual([2, false])
    let state = 'more'
    for (const chunk of chunks.slice(receiver.wanted)) state = await receiver.accept(chunk)
    expect(state).toBe('done')
    expect(receiver.records).toBe(4)
  })

  it('is refused for every flipped byte of every chunk', async () => {
    const chunks = await chunksOf(sender(recordsOf([10, 200, 0, 30])))
    for (const [number, chunk] of chunks.entries()) {
      for (let at = 0; at < chunk.length; at++) {
        const flipped = chunk.slice()
        flipped[at] = (flipped[at] as number) ^ 0x10
        const bad = [...chunks.slice(0, number), flipped, ...chunks.slice(number + 1)]
        await expect(receive(bad), `chunk ${number} byte ${at}`).rejects.toMatchObject({ code: 'SnapshotInvalid' })
      }
    }
  })

  it('is refused when chunks of two snapshots are mixed, and stays refused', async () => {
    const records = recordsOf([60_000, 60_000, 60_000])
    const other = records.map(([key, value]): KvRecord => [key, value.map((byte) => byte + 1)])
    const [ours, theirs] = [await chunksOf(sender(records)), await chunksOf(sender(other))]
    const { receiver } = await receive([ours[0], ours[1], theirs[2], ours[3]] as Uint8Array[])
    await expect(receiver.accept(ours[4] as Uint8Array)).rejects.toMatchObject({ code: 'SnapshotInvalid' })
    await expect(receiver.accept(ours[4] as Uint8Array)).rejects.toMatchObject({ code: 'SnapshotInvalid' })
  })
})

describe('a snapshot file', () => {
  const files = new MemoryFiles({ image: new Map([['dir/other', new Uint8Array(1)]]) })
  const info = { clusterId: head.clusterId, index: 12, term: 4, revision: 99, records: 30 }

  it('is verified while it is saved, and again', async () => {
    const saved = await saveSnapshotFile(files, 'dir/a.snap', sender(recordsOf(Array(30).fill(60_000))).stream())
    expect(saved).toMatchObject(info)
    files.crash()
    expect(await verifySnapshotFile(files, 'dir/a.snap')).toEqual(saved)
    const chunks: Uint8Array[] = []
    for await (const chunk of readSnapshotFile(files, 'dir/a.snap')) chunks.push(chunk.slice())
    expect((await receive(chunks)).done).toBe(true)
  })

  it('does not appear when the stream ends early or is damaged', async () => {
    const whole = await chunksOf(sender(recordsOf([10, 20])))
    async function* cut(): AsyncIterable<Uint8Array> {
      yield* whole.slice(0, -1)
    }
    await expect(saveSnapshotFile(files, 'dir/b.snap', cut())).rejects.toMatchObject({ code: 'SnapshotInvalid' })
    expect(await files.list('dir')).toEqual(['a.snap', 'other'])
  })

  it('is refused for every flipped byte and at every length', async () => {
    await saveSnapshotFile(files, 'dir/c.snap', sender(recordsOf([10, 20])).stream())
    const bytes = (await files.readFile('dir/c.snap')) as Uint8Array
    const verify = (content: Uint8Array) =>
      verifySnapshotFile(new MemoryFiles({ image: new Map([['dir/c', content]]) }), 'dir/c')
    for (let at = 0; at < bytes.length; at++) {
      const flipped = bytes.slice()
      flipped[at] = (flipped[at] as number) ^ 2
      await expect(verify(flipped), `byte ${at}`).rejects.toMatchObject({ code: 'SnapshotInvalid' })
      await expect(verify(bytes.slice(0, at)), `length ${at}`).rejects.toMatchObject({ code: 'SnapshotInvalid' })
    }
    await expect(verify(Uint8Array.from([...bytes, ...bytes]))).rejects.toMatchObject({ code: 'SnapshotInvalid' })
  })
})
