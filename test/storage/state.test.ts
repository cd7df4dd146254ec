import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Files, KvFactory } from '../../base/index.ts'
import { text, utf8 } from '../../base/index.ts'
import type { StateDirectory, StateOptions } from '../../src/storage/index.ts'
import {
  MemoryFiles,
  MemoryKvFactory,
  discardState,
  levelFactory,
  nodeCrypto,
  nodeFiles,
  openAside,
  openState,
} from '../../src/storage/index.ts'

const roots: string[] = []
afterAll(async () => {
  for (const root of roots) await rm(root, { recursive: true, force: true })
})

const put = (key: string, value: string) => ({ key: utf8(key), value: utf8(value) })
async function content(state: StateDirectory): Promise<string> {
  const out: string[] = []
  for await (const page of state.pages()) for (const [key, value] of page) out.push(`${text(key)}=${text(value)}`)
  return out.join(' ')
}

interface Place {
  readonly files: Files
  readonly kv: KvFactory
  readonly directory: string
}
const places: [string, () => Promise<Place>][] = [
  [
    'memory',
    async () => {
      const files = new MemoryFiles()
      return { files, kv: new MemoryKvFactory(files), directory: 'data' }
    },
  ],
  [
    'classic-level',
    async () => {
      const directory = await mkdtemp(join(tmpdir(), 'storage-state-'))
      roots.push(directory)
      return { files: nodeFiles, kv: levelFactory, directory }
    },
  ],
]
const sizes = { longValueBytes: 4096, valueFileBytes: 1 << 20 }
const open = (place: Place, expected: boolean, more: Partial<StateOptions> = {}): Promise<StateDirectory> =>
  openState({ ...place, ...sizes, crypto: nodeCrypto, expected, ...more })

describe.each(places)('the state directory: %s', (_, setUp) => {
  it('is new once, and holds what was written from then on', async () => {
    const place = await setUp()
    const state = await open(place, false)
    expect(state.status).toBe('new')
    await state.write([put('a', '1'), put('b', '2')])
    await state.close()
    const again = await open(place, true)
    expect(again.status).toBe('existing')
    await again.verified()
    expect(await content(again)).toBe('a=1 b=2')
    expect(text(again.getSync(utf8('a')) as Uint8Array)).toBe('1')
    const snapshot = again.snapshot()
    await snapshot.close()
    await again.close()
  })

  it('refuses a state of another format, and leaves it as it is', async () => {
    const place = await setUp()
    const state = await open(place, false)
    await state.close()
    const path = `${place.directory}/state/current`
    const pointer = ((await place.files.readFile(path)) as Uint8Array).slice()
    const view = new DataView(pointer.buffer)
    view.setUint32(4, 1, true)
    view.setUint32(16, nodeCrypto.crc32(pointer.subarray(0, 16)), true)
    const file = await place.files.open(path)
    await file.write(0, pointer)
    await file.close()
    for (const expected of [true, false]) {
      await expect(open(place, expected)).rejects.toMatchObject({ code: 'UnsupportedFormat', details: { format: 1 } })
    }
    expect(await place.files.list(`${place.directory}/state`)).toEqual(['current', 'db-000001', 'lock'])
  })

  it('switches to a replacement by one step and removes the old database', async () => {
    const place = await setUp()
    const state = await open(place, false)
    await state.write([put('old', '1')])
    const replacement = await state.beginReplacement()
    await replacement.write([put('new', '2')])
    expect(await content(state)).toBe('old=1')
    await replacement.commit()
    await replacement.abort()
    expect(await content(state)).toBe('new=2')
    await state.close()
    const again = await open(place, true)
    expect(await content(again)).toBe('new=2')
    await again.close()
    const names = await place.files.list(`${place.directory}/state`)
    expect(names).toEqual(['current', 'db-000002', 'lock'])
  })

  it('forgets a replacement that was given up', async () => {
    const place = await setUp()
    const state = await open(place, false)
    const replacement = await state.beginReplacement()
    await replacement.write([put('new', '2')])
    await replacement.abort()
    expect(await content(state)).toBe('')
    const second = await state.beginReplacement()
    await second.commit()
    await state.close()
  })

  it('can be closed while a replacement takes its place, and is free after that', async () => {
    const place = await setUp()
    const state = await open(place, false)
    await state.write([put('old', '1')])
    const replacement = await state.beginReplacement()
    await replacement.write([put('new', '2')])
    const committed = replacement.commit()
    await state.close()
    await committed
    const again = await open(place, true)
    expect(await content(again)).toBe('new=2')
    await again.close()
  })

  it('drops a replacement that is being filled when it is closed, and takes no other', async () => {
    const place = await setUp()
    const state = await open(place, false)
    await state.write([put('old', '1')])
    const begun = state.beginReplacement()
    await state.close()
    const replacement = await begun
    await expect(replacement.commit()).rejects.toMatchObject({ code: 'Closed' })
    await replacement.abort()
    await expect(state.beginReplacement()).rejects.toMatchObject({ code: 'Closed' })
    expect(await place.files.list(`${place.directory}/state`)).toEqual(['current', 'db-000001', 'lock'])
    const again = await open(place, true)
    expect(await content(again)).toBe('old=1')
    await again.close()
  })

  it('keeps a second opener out, without harm to the first', async () => {
    const place = await setUp()
    await (await open(place, false)).close()
    const first = await open(place, true)
    await expect(open(place, true)).rejects.toMatchObject({ code: 'DirectoryLocked' })
    await first.verified()
    await first.close()
    await (await open(place, true)).close()
  })

  it('is damaged when the pointer is missing though expected, or when any byte of it is wrong', async () => {
    const place = await setUp()
    await (await open(place, false)).close()
    const path = `${place.directory}/state/current`
    const bytes = (await place.files.readFile(path)) as Uint8Array
    const file = await place.files.open(path)
    for (let at = 0; at < bytes.length; at++) {
      await file.write(at, Uint8Array.of((bytes[at] as number) ^ 4))
      await expect(open(place, true)).rejects.toMatchObject({ code: 'StateDamaged' })
      await file.write(at, bytes.subarray(at, at + 1))
    }
    await file.close()
    await (await open(place, true)).close()
    await place.files.remove(path)
    await expect(open(place, true)).rejects.toMatchObject({ code: 'StateDamaged' })
  })

  it('is damaged when its database is gone, and new after it was discarded', async () => {
    const place = await setUp()
    const state = await open(place, false)
    await state.write([put('a', '1')])
    await state.close()
    await place.files.remove(`${place.directory}/state/db-000001`)
    await expect(open(place, true)).rejects.toMatchObject({ code: 'StateDamaged' })
    await discardState(place.files, place.directory)
    const again = await open(place, false)
    expect([again.status, await content(again)]).toEqual(['new', ''])
    await again.close()
  })
})

describe('the state directory after a crash', () => {
  const memory = () => {
    const files = new MemoryFiles()
    return { files, kv: new MemoryKvFactory(files), directory: 'data' }
  }

  const interrupt = async (place: ReturnType<typeof memory>, times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      await open(place, true)
      place.files.crash()
    }
  }

  it('is suspected when three crashes in a row came while it was opened and verified, unless told otherwise', async () => {
    const place = memory()
    await (await open(place, false)).close()
    await interrupt(place, 2)
    const third = await open(place, true)
    await third.verified()
    place.files.crash()
    await interrupt(place, 3)
    const forced = await open(place, true, { ignoreMarker: true })
    place.files.crash()
    expect(forced.status).toBe('existing')
    await expect(open(place, true)).rejects.toMatchObject({ code: 'StateDamaged' })
  })

  it('is tried again after it was suspected, since it may be all there is', async () => {
    const place = memory()
    const state = await open(place, false)
    await state.write([put('a', '1')])
    await state.close()
    await interrupt(place, 3)
    await expect(open(place, true)).rejects.toMatchObject({ code: 'StateDamaged' })
    const aside = await openAside({ ...place, ...sizes, crypto: nodeCrypto, expected: true })
    expect(await content(aside)).toBe('')
    await aside.write([put('b', '2')])
    place.files.crash()
    const again = await open(place, true)
    expect(await content(again)).toBe('a=1')
    await again.close()
  })

  it('gives way to a replacement that was committed while it was put aside', async () => {
    const place = memory()
    const state = await open(place, false)
    await state.write([put('a', '1')])
    await state.close()
    const aside = await openAside({ ...place, ...sizes, crypto: nodeCrypto, expected: true })
    const replacement = await aside.beginReplacement()
    await replacement.write([put('c', '3')])
    await replacement.commit()
    expect((await place.files.list('data/state')).filter((name) => name.startsWith('db-'))).toHaveLength(1)
    await aside.close()
    const again = await open(place, true)
    expect(await content(again)).toBe('c=3')
    await again.close()
  })

  it('has either the old database or the replacement, whole, at every point', async () => {
    for (let at = 0; at < 60; at++) {
      let left = Number.MAX_SAFE_INTEGER
      const step = (): Promise<void> => (left-- > 0 ? Promise.resolve() : Promise.reject(new Error('crash')))
      const files = new MemoryFiles({ delay: step })
      const place = { files, kv: new MemoryKvFactory(files, step), directory: 'data' }
      const state = await open(place, false)
      await state.write([put('old', '1')])
      left = at
      const committed = await (async () => {
        const replacement = await state.beginReplacement()
        await replacement.write([put('new', '1')])
        await replacement.write([put('new2', '2')])
        await replacement.commit()
      })().then(
        () => true,
        () => false,
      )
      left = Number.MAX_SAFE_INTEGER
      files.crash({ u32: () => (at % 2) * 0xffff_ffff, bytes: (length) => new Uint8Array(length) })
      const again = await open(place, true)
      const found = await content(again)
      if (committed) expect(found).toBe('new=1 new2=2')
      else expect(['old=1', 'new=1 new2=2']).toContain(found)
      await again.close()
      const names = (await files.list('data/state')).filter((name) => name.startsWith('db-'))
      expect(names).toHaveLength(1)
    }
  })

  it('keeps every batch whose write resolved', async () => {
    const place = memory()
    const state = await open(place, false)
    for (let at = 0; at < 5; at++) await state.write([put('a', String(at))])
    place.files.crash()
    const again = await open(place, true)
    expect(await content(again)).toBe('a=4')
  })
})
