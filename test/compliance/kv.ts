/** What every adapter of the Kv port must do. */
import { afterEach, describe, expect, it } from 'vitest'
import type { Kv, KvFactory, KvRange, KvView } from '../../base/index.ts'
import { latin1, text, utf8 } from '../../base/index.ts'

/** Tests an adapter; `setUp` gives it with a path at which nothing exists, in a directory that does. */
export function testKv(
  name: string,
  setUp: () => Promise<{ readonly factory: KvFactory; readonly path: string }>,
): void {
  describe(`kv: ${name}`, () => {
    const opened: Kv[] = []
    const make = async (): Promise<{ kv: Kv; factory: KvFactory; path: string }> => {
      const { factory, path } = await setUp()
      const kv = await factory.open(path, { create: true })
      opened.push(kv)
      return { kv, factory, path }
    }
    afterEach(async () => {
      for (const kv of opened.splice(0)) await kv.close()
    })
    const put = (key: string, value: string | undefined) => ({
      key: utf8(key),
      value: value === undefined ? undefined : utf8(value),
    })
    const all = async (view: KvView, range?: KvRange): Promise<string> => {
      const out: string[] = []
      for await (const page of view.pages(range))
        for (const [key, value] of page) out.push(`${text(key)}=${text(value)}`)
      return out.join(' ')
    }

    it('reads what was written, and knows what was not', async () => {
      const { kv } = await make()
      await kv.batch([put('a', '1'), put('b', ''), put('c', '3'), put('c', undefined)], { sync: true })
      expect(text(kv.getSync(utf8('a')) as Uint8Array)).toBe('1')
      expect(kv.getSync(utf8('b'))).toHaveLength(0)
      expect(kv.getSync(utf8('c'))).toBeUndefined()
      await kv.batch([put('a', undefined), put('b', '2')], { sync: false })
      expect(await all(kv)).toBe('b=2')
      await kv.batch([], { sync: true })
    })

    it('orders keys by bytes and cuts ranges exactly', async () => {
      const { kv } = await make()
      const keys = [[0xff], [0], [0, 0], [0x7f], [0x80], [0x80, 0]].map((bytes) => Uint8Array.from(bytes))
      await kv.batch(
        keys.map((key) => ({ key, value: key })),
        { sync: false },
      )
      const found = async (range?: KvRange): Promise<string[]> => {
        const out: string[] = []
        for await (const page of kv.pages(range)) for (const [key] of page) out.push(latin1(key))
        return out
      }
      expect(await found()).toEqual(['\0', '\0\0', '\x7f', '\x80', '\x80\0', '\xff'])
      expect(await found({ gte: Uint8Array.of(0, 0), lt: Uint8Array.of(0x80, 0) })).toEqual(['\0\0', '\x7f', '\x80'])
      expect(await found({ lt: Uint8Array.of(0) })).toEqual([])
      expect(await found({ gte: Uint8Array.of(0xff) })).toEqual(['\xff'])
    })

    it('gives large contents in pages of bounded size', async () => {
      const { kv } = await make()
      const value = new Uint8Array(10)
      const changes = Array.from({ length: 5000 }, (_, at) => ({ key: utf8(String(at).padStart(6, '0')), value }))
      await kv.batch(changes, { sync: false })
      let records = 0
      for await (const page of kv.pages()) {
        expect(page.length).toBeLessThanOrEqual(1000)
        records += page.length
      }
      expect(records).toBe(5000)
    })

    it('freezes a snapshot', async () => {
      const { kv } = await make()
      await kv.batch([put('a', '1'), put('b', '2')], { sync: true })
      const snapshot = kv.snapshot()
      await kv.batch([put('a', '9'), put('b', undefined), put('c', '3')], { sync: true })
      expect(await all(snapshot)).toBe('a=1 b=2')
      expect(await all(snapshot, { gte: utf8('b') })).toBe('b=2')
      expect(await all(kv)).toBe('a=9 c=3')
      await snapshot.close()
    })

    it('closes a snapshot that is being read', async () => {
      const { kv } = await make()
      await kv.batch([put('a', '1')], { sync: true })
      const snapshot = kv.snapshot()
      const reading = snapshot.pages()[Symbol.asyncIterator]()
      await reading.next()
      await reading.return?.()
      await snapshot.close()
      expect(await all(kv)).toBe('a=1')
    })

    it('keeps its content over a close', async () => {
      const { kv, factory, path } = await make()
      await kv.batch([put('a', '1')], { sync: true })
      await kv.close()
      const again = await factory.open(path, { create: false })
      opened.push(again)
      expect(await all(again)).toBe('a=1')
    })

    it('is opened by one at a time, made only where nothing is, and opened only where something is', async () => {
      const { kv, factory, path } = await make()
      await expect(factory.open(path, { create: false })).rejects.toMatchObject({ code: 'DirectoryLocked' })
      await kv.close()
      await expect(factory.open(path, { create: true })).rejects.toMatchObject({ code: 'StateDamaged' })
      await expect(factory.open(`${path}-2`, { create: false })).rejects.toMatchObject({ code: 'StateDamaged' })
    })

    it('does not keep the arrays it was given or those it gave', async () => {
      const { kv } = await make()
      const change = put('a', '1')
      await kv.batch([change], { sync: true })
      change.value?.fill(0)
      kv.getSync(utf8('a'))?.fill(0)
      expect(text(kv.getSync(utf8('a')) as Uint8Array)).toBe('1')
    })
  })
}
