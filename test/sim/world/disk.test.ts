import { describe, expect, test } from 'vitest'
import { emptyBytes, utf8 } from '../../../base/index.ts'
import type { Kv } from '../../../base/index.ts'
import { MemoryFiles, MemoryKvFactory } from '../../../src/storage/index.ts'
import { LogAge } from '../../../src/testing/disk/age.ts'
import { damageFile } from '../../../src/testing/disk/damage.ts'
import { FaultyKvFactory } from '../../../src/testing/disk/faulty-kv.ts'
import type { KvDamage } from '../../../src/testing/disk/faulty-kv.ts'
import { SeededRandom } from '../../../src/testing/index.ts'

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

async function contentOf(kv: Kv): Promise<Record<string, string>> {
  const out: Record<string, string> = {}
  for await (const page of kv.pages()) for (const [key, value] of page) out[text(key)] = text(value)
  return out
}

describe('a store that fails as LevelDB can', () => {
  /** Three batches: a and b; then b and c; then c again. */
  async function opened(damage: KvDamage, seed: number): Promise<Record<string, string>> {
    const factory = new FaultyKvFactory(new MemoryKvFactory(new MemoryFiles()), new SeededRandom(seed))
    const kv = await factory.open('db', { create: true })
    for (const batch of [{ a: '1', b: '1' }, { b: '2', c: '2' }, { c: '3' }]) {
      const changes = Object.entries(batch).map(([key, value]) => ({ key: utf8(key), value: utf8(value) }))
      await kv.batch(changes, { sync: true })
    }
    await kv.close()
    factory.ordered = damage
    return contentOf(await factory.open('db', { create: false }))
  }
  const whole = { a: '1', b: '2', c: '3' }
  const outcomes = async (damage: KvDamage): Promise<string[]> => {
    const found = new Set<string>()
    for (let seed = 0; seed < 30; seed++) found.add(JSON.stringify(await opened(damage, seed)))
    return [...found].toSorted()
  }

  test('loses the batches at the end', async () => {
    const left = await outcomes('lost last batches')
    expect(left).toEqual(
      [{ a: '1', b: '1' }, { a: '1', b: '2', c: '2' }, {}].map((one) => JSON.stringify(one)).toSorted(),
    )
  })

  test('loses a batch in the middle, and keeps what later ones wrote', async () => {
    const left = await outcomes('lost middle batch')
    expect(left).toEqual(
      [
        { a: '1', b: '1', c: '3' },
        { b: '2', c: '3' },
      ]
        .map((one) => JSON.stringify(one))
        .toSorted(),
    )
  })

  test('loses a record, or everything, or reads to the end too early', async () => {
    for (const one of await outcomes('lost record')) expect(Object.keys(JSON.parse(one) as object)).toHaveLength(2)
    expect(await outcomes('empty')).toEqual(['{}'])
    const short = await outcomes('short iterator')
    expect(short.length).toBeGreaterThan(1)
    expect(short).not.toContain(JSON.stringify(whole))
  })

  test('has one wrong value', async () => {
    for (const one of await outcomes('wrong value')) {
      const found = JSON.parse(one) as Record<string, string>
      expect(Object.entries(whole).filter(([key, value]) => found[key] !== value)).toHaveLength(1)
    }
  })

  test('is whole without damage, and damaged once only', async () => {
    const factory = new FaultyKvFactory(new MemoryKvFactory(new MemoryFiles()), new SeededRandom(1))
    const kv = await factory.open('db', { create: true })
    await kv.batch([{ key: utf8('a'), value: utf8('1') }], { sync: true })
    factory.rotten = true
    expect(kv.getSync(utf8('a'))).not.toEqual(utf8('1'))
    expect(kv.getSync(utf8('a'))).toEqual(utf8('1'))
    await kv.close()
    expect(await contentOf(await factory.open('db', { create: false }))).toEqual({ a: '1' })
  })
})

describe('damage to files', () => {
  const sector = (byte: number): Uint8Array => new Uint8Array(512).fill(byte)
  const image = (...sectors: number[]): MemoryFiles => {
    const bytes = new Uint8Array(512 * sectors.length)
    sectors.forEach((byte, at) => bytes.set(sector(byte), 512 * at))
    return new MemoryFiles({ image: new Map([['d/log/wal', bytes]]) })
  }
  const sectorsOf = (files: MemoryFiles): number[][] => {
    const bytes = files.image().get('d/log/wal') ?? emptyBytes
    return Array.from({ length: bytes.length / 512 }, (_, at) => [...bytes.subarray(512 * at, 512 * at + 512)])
  }
  const every = (): boolean => true

  test('flips bits in one sector that is in use and old enough', () => {
    for (let seed = 0; seed < 20; seed++) {
      const files = image(1, 2, 0, 3)
      const before = sectorsOf(files)
      const path = damageFile(files, new SeededRandom(seed), 'rot', every, (_, at) => at !== 1)
      const after = sectorsOf(files)
      expect(path).toBe('d/log/wal')
      const changed = before.flatMap((one, at) => (one.join() === after[at]?.join() ? [] : [at]))
      expect([[0], [3]]).toContainEqual(changed)
      expect(after[changed[0] ?? 0]?.some((byte) => byte === 0)).toBe(false)
    }
  })

  test('puts one sector in the place of another, and leaves nothing in its own', () => {
    const files = image(1, 2)
    damageFile(files, new SeededRandom(1), 'misdirected', every, every)
    const bytes = sectorsOf(files).map(([first]) => first)
    expect([
      [0, 1],
      [2, 0],
    ]).toContainEqual(bytes)
  })

  test('survives a loss of power, as what is on the medium does', () => {
    const files = image(7)
    damageFile(files, new SeededRandom(1), 'rot', every, every)
    const damaged = sectorsOf(files)
    files.crash()
    expect(sectorsOf(files)).toEqual(damaged)
    expect(damaged[0]).not.toEqual([...sector(7)])
  })

  test('finds nothing where everything is fresh', () => {
    expect(damageFile(image(1, 2), new SeededRandom(1), 'rot', every, () => false)).toBeUndefined()
  })

  test('a part of the log is old when the witness was saved twice since it was synced', async () => {
    const age = new LogAge()
    const files = new MemoryFiles()
    await files.makeDirectory('d/log')
    const log = age.watch('d/log/wal', await files.open('d/log/wal', { create: true }), true)
    const witness = age.watch('d/log/witness', await files.open('d/log/witness', { create: true }), true)
    const save = async (): Promise<void> => {
      await witness.write(0, sector(1))
      await witness.sync()
    }
    await log.write(0, sector(1))
    await save()
    await save()
    expect(age.aged('d/log/wal', 0)).toBe(false)
    await log.sync()
    await save()
    expect(age.aged('d/log/wal', 0)).toBe(false)
    await save()
    expect(age.aged('d/log/wal', 0)).toBe(true)
    await log.write(512, sector(2))
    expect(age.aged('d/log/wal', 1)).toBe(false)
    age.renamed('d/log/wal', 'd/log/wal-1')
    expect([age.aged('d/log/wal', 0), age.aged('d/log/wal-1', 0)]).toEqual([false, true])
  })
})
