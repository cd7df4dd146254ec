/** What every adapter of the Files port must do. */
import { describe, expect, it } from 'vitest'
import type { Files } from '../../base/index.ts'
import { replaceFile, text, utf8 } from '../../base/index.ts'

/** Tests an adapter; `setUp` gives it with the path of an empty directory that exists. */
export function testFiles(name: string, setUp: () => Promise<{ readonly files: Files; readonly root: string }>): void {
  describe(`files: ${name}`, () => {
    it('reads back what was written, also through another handle and before any sync', async () => {
      const { files, root } = await setUp()
      const file = await files.open(`${root}/a`, { create: true })
      await file.write(0, utf8('hello'))
      await file.write(3, utf8('p me'))
      expect(text(await file.read(0, 100))).toBe('help me')
      expect(text(await file.read(5, 1))).toBe('m')
      expect((await file.read(7, 5)).length).toBe(0)
      const other = await files.open(`${root}/a`)
      expect(text(await other.read(0, 4))).toBe('help')
      expect(await other.size()).toBe(7)
      await file.sync()
      await file.close()
      await other.close()
      expect(text((await files.readFile(`${root}/a`)) as Uint8Array)).toBe('help me')
    })

    it('does the same with a file whose writes are durable by themselves', async () => {
      const { files, root } = await setUp()
      const file = await files.open(`${root}/a`, { create: true, durableWrites: true })
      await file.write(0, utf8('hello'))
      await file.sync()
      await file.truncate(4)
      await file.sync()
      await file.close()
      await expect(files.open(`${root}/a`, { create: true, durableWrites: true })).rejects.toMatchObject({
        code: 'DiskFailed',
      })
      const again = await files.open(`${root}/a`, { durableWrites: true })
      await again.write(4, utf8(' water'))
      await again.sync()
      expect([text(await again.read(0, 100)), text(again.readSync(1, 3)), again.readSync(9, 5).length]).toEqual([
        'hell water',
        'ell',
        1,
      ])
      await again.close()
      expect(() => again.readSync(0, 1)).toThrow(expect.objectContaining({ code: 'DiskFailed' }))
      await expect(files.open(`${root}/b`, { durableWrites: true })).rejects.toMatchObject({ code: 'NotFound' })
    })

    it('fills gaps and extensions with zeros, and cuts', async () => {
      const { files, root } = await setUp()
      const file = await files.open(`${root}/a`, { create: true })
      await file.write(1000, Uint8Array.of(7))
      expect([await file.size(), ...(await file.read(998, 9))]).toEqual([1001, 0, 0, 7])
      await file.truncate(500)
      await file.truncate(1002)
      expect([await file.size(), ...(await file.read(999, 9))]).toEqual([1002, 0, 0, 0])
      await file.close()
    })

    it('writes a megabyte at an odd offset', async () => {
      const { files, root } = await setUp()
      const file = await files.open(`${root}/a`, { create: true })
      const data = Uint8Array.from({ length: 1 << 20 }, (_, at) => at % 251)
      await file.write(12_345, data)
      expect(Buffer.compare(await file.read(12_345, data.length + 10), data)).toBe(0)
      await file.close()
    })

    it('creates only what does not exist and opens only what does', async () => {
      const { files, root } = await setUp()
      await expect(files.open(`${root}/a`)).rejects.toMatchObject({ code: 'NotFound' })
      await (await files.open(`${root}/a`, { create: true })).close()
      await expect(files.open(`${root}/a`, { create: true })).rejects.toMatchObject({ code: 'DiskFailed' })
      await expect(files.open(`${root}/no/a`, { create: true })).rejects.toMatchObject({ code: 'NotFound' })
      expect(await files.readFile(`${root}/b`)).toBeUndefined()
    })

    it('lists names in byte order, directories among them, and nothing for a directory that is not there', async () => {
      const { files, root } = await setUp()
      for (const name of ['b', 'ä', 'a', '\u{1F600}', '\uFFEE', 'B']) {
        await (await files.open(`${root}/${name}`, { create: true })).close()
      }
      await files.makeDirectory(`${root}/c/d`)
      await files.makeDirectory(`${root}/c`)
      expect(await files.list(root)).toEqual(['B', 'a', 'b', 'c', 'ä', '\uFFEE', '\u{1F600}'])
      expect(await files.list(`${root}/c`)).toEqual(['d'])
      expect(await files.list(`${root}/none`)).toEqual([])
    })

    it('renames over an existing file', async () => {
      const { files, root } = await setUp()
      await replaceFile(files, root, 'a', utf8('one'))
      await replaceFile(files, root, 'a', utf8('two'))
      expect(text((await files.readFile(`${root}/a`)) as Uint8Array)).toBe('two')
      expect(await files.list(root)).toEqual(['a'])
      await expect(files.rename(`${root}/none`, `${root}/a`)).rejects.toMatchObject({ code: 'NotFound' })
    })

    it('removes files and whole directories, and does not mind what is not there', async () => {
      const { files, root } = await setUp()
      await files.makeDirectory(`${root}/c/d`)
      await replaceFile(files, `${root}/c/d`, 'a', utf8('one'))
      await replaceFile(files, root, 'a', utf8('one'))
      await files.remove(`${root}/a`)
      await files.remove(`${root}/c`)
      await files.remove(`${root}/c`)
      await files.syncDirectory(root)
      expect(await files.list(root)).toEqual([])
      await expect(files.syncDirectory(`${root}/c`)).rejects.toMatchObject({ code: 'NotFound' })
    })
  })
}
