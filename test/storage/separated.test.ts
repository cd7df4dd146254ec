import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { hex, utf8 } from '../../base/index.ts'
import type { Files, Kv, KvChange, KvFactory } from '../../base/index.ts'
import { MemoryFiles, MemoryKvFactory, levelFactory, nodeCrypto, nodeFiles } from '../../src/storage/index.ts'
import { openSeparated } from '../../src/storage/values/separated.ts'
import type { SeparatedKv } from '../../src/storage/values/separated.ts'
import { testKv } from '../compliance/kv.ts'

const roots: string[] = []
afterAll(async () => {
  for (const root of roots) await rm(root, { recursive: true, force: true })
})

interface Place {
  readonly files: Files
  readonly kv: KvFactory
  readonly path: string
}
async function inMemory(): Promise<Place & { readonly files: MemoryFiles }> {
  const files = new MemoryFiles()
  await files.makeDirectory('root')
  return { files, kv: new MemoryKvFactory(files), path: 'root/db' }
}
async function onDisk(): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), 'separated-'))
  roots.push(root)
  return { files: nodeFiles, kv: levelFactory, path: `${root}/db` }
}
const ports = { crypto: nodeCrypto, longValueBytes: 4096, valueFileBytes: 32 << 20, hook: () => undefined }
function open({ files, kv, path }: Place, create: boolean): Promise<SeparatedKv> {
  return openSeparated({ ...ports, files, kv }, path, { create })
}
const asFactory = ({ files, kv }: Place): KvFactory => ({
  open: (path, options) => openSeparated({ ...ports, files, kv }, path, options),
})

testKv('separated, in memory', async () => {
  const place = await inMemory()
  return { factory: asFactory(place), path: place.path }
})
testKv('separated, classic-level', async () => {
  const place = await onDisk()
  return { factory: asFactory(place), path: place.path }
})

/** A value of some length that differs from others. */
function long(seed: number, length = 5000): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 31 + seed * 17) % 256)
}
const put = (key: string, value: Uint8Array | undefined): KvChange => ({ key: utf8(key), value })
const get = (kv: Kv, key: string): Uint8Array | undefined => kv.getSync(utf8(key))
async function readAll(kv: { pages: Kv['pages'] }): Promise<Map<string, string>> {
  const out = new Map<string, string>()
  for await (const page of kv.pages()) for (const [key, value] of page) out.set(hex(key), hex(value))
  return out
}
const valueFiles = async ({ files, path }: Place): Promise<string[]> =>
  (await files.list(path)).filter((name) => name.startsWith('values-'))

describe.each([
  ['memory', inMemory],
  ['classic-level', onDisk],
])('long values apart: %s', (_, setUp) => {
  it('reads values of every length back, at once, in pages, and after it was opened again', async () => {
    const place = await setUp()
    const kv = await open(place, true)
    const lengths = [0, 1, 4095, 4096, 4097, 131_072, 1_100_000]
    await kv.batch(
      lengths.map((length) => put(`k${length}`, long(length, length))),
      { sync: true },
    )
    const check = async (store: SeparatedKv): Promise<void> => {
      const all = await readAll(store)
      for (const length of lengths) {
        const value = hex(long(length, length))
        expect([hex(get(store, `k${length}`) as Uint8Array), all.get(hex(utf8(`k${length}`)))]).toEqual([value, value])
      }
      expect(all.size).toBe(lengths.length)
    }
    await check(kv)
    await kv.close()
    const again = await open(place, false)
    await readAll(again)
    await check(again)
    await again.close()
  })

  it('reads parts of values, in files and in the database, as far as they go', async () => {
    const place = await setUp()
    const kv = await open(place, true)
    await kv.batch([put('a', long(1)), put('b', Uint8Array.of(1, 2, 3, 4)), put('c', long(3))], { sync: true })
    const part = (store: SeparatedKv, key: string, offset: number, length: number): string | undefined => {
      const bytes = store.getPartSync(utf8(key), offset, length)
      return bytes === undefined ? undefined : hex(bytes)
    }
    const check = (store: SeparatedKv): void => {
      expect(part(store, 'a', 10, 5)).toBe(hex(long(1).subarray(10, 15)))
      expect(part(store, 'c', 4990, 50)).toBe(hex(long(3).subarray(4990)))
      expect([
        part(store, 'a', 6000, 5),
        part(store, 'b', 1, 2),
        part(store, 'b', 3, 9),
        part(store, 'd', 0, 1),
      ]).toEqual(['', '0203', '04', undefined])
    }
    check(kv)
    await kv.close()
    const again = await open(place, false)
    await readAll(again)
    check(again)
    await again.close()
  })

  it('removes a file when the last value in it is gone or replaced, and never the one that it writes to', async () => {
    const place = await setUp()
    const kv = await open(place, true)
    const size = 9 << 20
    for (let at = 0; at < 7; at++) await kv.batch([put(`k${at}`, new Uint8Array(size).fill(at))], { sync: true })
    expect(await valueFiles(place)).toEqual(['values-000001', 'values-000002'])
    await kv.batch([put('k0', undefined), put('k1', undefined), put('k2', long(9))], { sync: true })
    expect(await valueFiles(place)).toHaveLength(2)
    await kv.batch([put('k3', undefined)], { sync: true })
    expect(await valueFiles(place)).toEqual(['values-000002'])
    for (let at = 2; at < 7; at++) await kv.batch([put(`k${at}`, undefined)], { sync: true })
    expect(await valueFiles(place)).toHaveLength(1)
    await kv.close()
  })

  it('keeps what a snapshot may read until the snapshot is closed', async () => {
    const place = await setUp()
    const first = await open(place, true)
    await first.batch([put('a', long(1)), put('b', long(2))], { sync: true })
    await first.close()
    const kv = await open(place, false)
    await readAll(kv)
    const snapshot = kv.snapshot()
    await kv.batch([put('a', undefined), put('b', long(3))], { sync: true })
    expect(await readAll(snapshot)).toEqual(
      new Map([
        [hex(utf8('a')), hex(long(1))],
        [hex(utf8('b')), hex(long(2))],
      ]),
    )
    expect(await valueFiles(place)).toEqual(['values-000001', 'values-000002'])
    await snapshot.close()
    expect(await valueFiles(place)).toEqual(['values-000002'])
    expect(hex(get(kv, 'b') as Uint8Array)).toBe(hex(long(3)))
    await kv.close()
  })

  it('removes files that no record names, but only once it is told that all records were read', async () => {
    const place = await setUp()
    const kv = await open(place, true)
    await kv.batch([put('a', long(1))], { sync: true })
    await kv.close()
    const stray = await place.files.open(`${place.path}/values-000007`, { create: true })
    await stray.close()
    const again = await open(place, false)
    await readAll(again)
    expect(await valueFiles(place)).toEqual(['values-000001', 'values-000007'])
    await again.tidy()
    expect(await valueFiles(place)).toEqual(['values-000001'])
    await again.batch([put('b', long(2))], { sync: true })
    expect(await valueFiles(place)).toEqual(['values-000001', 'values-000008'])
    await again.close()
  })

  it.each([
    ['is cut short', (bytes: Uint8Array) => bytes.subarray(0, 4999)],
    ['has a wrong bit', (bytes: Uint8Array) => bytes.map((byte, at) => (at === 77 ? byte ^ 4 : byte))],
    ['is gone', () => undefined],
  ])('is damaged when a file %s', async (__, change) => {
    const place = await setUp()
    const kv = await open(place, true)
    await kv.batch([put('a', long(1))], { sync: true })
    await kv.close()
    const path = `${place.path}/values-000001`
    const bytes = change((await place.files.readFile(path)) as Uint8Array)
    await place.files.remove(path)
    if (bytes !== undefined) {
      const file = await place.files.open(path, { create: true })
      await file.write(0, bytes)
      await file.close()
    }
    const again = await open(place, false)
    await expect(readAll(again)).rejects.toMatchObject({ code: 'StateDamaged' })
    expect(() => get(again, 'a')).toThrow(expect.objectContaining({ code: 'StateDamaged' }))
    await again.close()
  })

  it('is damaged when a record is neither a value nor a place', async () => {
    const place = await setUp()
    const below = await place.kv.open(place.path, { create: true })
    await below.batch([put('a', Uint8Array.of(1, 2)), put('b', new Uint8Array(0))], { sync: true })
    await below.close()
    const kv = await open(place, false)
    for (const key of ['a', 'b']) {
      expect(() => get(kv, key)).toThrow(expect.objectContaining({ code: 'StateDamaged' }))
    }
    await kv.close()
  })

  it('reads nothing any more after a close', async () => {
    const place = await setUp()
    const kv = await open(place, true)
    await kv.batch([put('a', long(1))], { sync: true })
    const snapshot = kv.snapshot()
    await snapshot.close()
    await kv.close()
    await expect(kv.batch([put('b', long(2))], { sync: true })).rejects.toMatchObject({ code: 'Closed' })
  })
})

it('has all of a synced batch after a loss of power, whatever the disk kept of what came after it', async () => {
  for (let seed = 0; seed < 40; seed++) {
    const place = await inMemory()
    let state = seed * 2_654_435_761
    const random = {
      u32: () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0),
      bytes: (length: number) => new Uint8Array(length),
    }
    const kv = await open(place, true)
    for (let at = 0; at < 5; at++)
      await kv.batch([put(`k${at}`, long(at)), put(`k${at - 3}`, undefined)], { sync: true })
    // under way when the power goes
    const lost = kv.batch([put('k9', long(9, 20_000)), put('k4', undefined)], { sync: true })
    for (let turns = 0; turns < seed % 8; turns++) await Promise.resolve()
    place.files.crash(random)
    await lost.catch(() => undefined)
    const again = await open(place, false)
    const all = await readAll(again)
    for (let at = 2; at < 4; at++) expect(all.get(hex(utf8(`k${at}`)))).toBe(hex(long(at)))
    // all of the last batch or nothing of it
    const isWhole = all.has(hex(utf8('k9')))
    expect(all.get(hex(utf8('k9')))).toBe(isWhole ? hex(long(9, 20_000)) : undefined)
    expect(all.get(hex(utf8('k4')))).toBe(isWhole ? undefined : hex(long(4)))
    await again.tidy()
    await again.close()
  }
})
