import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { fromHex, hex, utf8 } from '../../base/index.ts'
import type { Random } from '../../base/index.ts'
import {
  MemoryFiles,
  MemoryKvFactory,
  diskError,
  jsCrypto,
  levelFactory,
  nodeCrypto,
  nodeFiles,
} from '../../src/storage/index.ts'
import { testFiles } from '../compliance/files.ts'
import { testKv } from '../compliance/kv.ts'

const roots: string[] = []
afterAll(async () => {
  for (const root of roots) await rm(root, { recursive: true, force: true })
})
async function temporary(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'storage-'))
  roots.push(root)
  return root
}
async function memory(): Promise<MemoryFiles> {
  const files = new MemoryFiles()
  await files.makeDirectory('root')
  return files
}

testFiles('node', async () => ({ files: nodeFiles, root: await temporary() }))
testFiles('memory', async () => ({ files: await memory(), root: 'root' }))
testKv('classic-level', async () => ({ factory: levelFactory, path: `${await temporary()}/db` }))
it('classic-level: a database is opened once, however its path is spelt', async () => {
  const root = await temporary()
  await symlink(root, `${root}/same`)
  const db = await levelFactory.open(`${root}/db`, { create: true })
  for (const path of [`${root}/db`, `${root}//db`, `${root}/./db`, `${root}/same/db`]) {
    await expect(levelFactory.open(path, { create: false })).rejects.toMatchObject({ code: 'DirectoryLocked' })
  }
  await db.close()
})
testKv('memory', async () => ({ factory: new MemoryKvFactory(await memory()), path: 'root/db' }))

describe.each([
  ['node', nodeCrypto],
  ['javascript', jsCrypto],
])('crypto: %s', (_, crypto) => {
  it('computes SHA-256 at once and in parts', () => {
    const data = Uint8Array.from({ length: 1000 }, (__, at) => at)
    const expected = createHash('sha256').update(data).digest('hex')
    expect(hex(crypto.sha256(data))).toBe(expected)
    const parts = crypto.createSha256()
    for (let at = 0; at < data.length; at += 77) parts.update(data.subarray(at, at + 77))
    expect(hex(parts.digest())).toBe(expected)
  })

  it('computes CRC-32 as in IEEE 802.3, also in parts', () => {
    expect(crypto.crc32(utf8('123456789'))).toBe(0xcbf43926)
    expect(crypto.crc32(utf8('6789'), crypto.crc32(utf8('12345')))).toBe(0xcbf43926)
    expect(crypto.crc32(fromHex('') as Uint8Array)).toBe(0)
  })
})

describe('disk errors', () => {
  it('are named after what the operator has to do', async () => {
    const error = (code: string) => Object.assign(new Error(code), { code })
    const codes = ['ENOSPC', 'EFBIG', 'EDQUOT', 'EACCES', 'EROFS', 'ENOTDIR', 'ENOENT', 'EIO', 'EMFILE']
    expect(codes.map((code) => diskError(error(code), 'write', 'x').code)).toEqual([
      ...['DiskFull', 'DiskFull', 'DiskFull', 'DirectoryUnusable', 'DirectoryUnusable', 'DirectoryUnusable'],
      ...['NotFound', 'DiskFailed', 'DiskFailed'],
    ])
    const root = await temporary()
    await writeFile(`${root}/file`, '')
    await expect(nodeFiles.makeDirectory(`${root}/file/sub`)).rejects.toMatchObject({ code: 'DirectoryUnusable' })
    await expect(levelFactory.open(`${root}/file/db`, { create: true })).rejects.toMatchObject({
      code: 'DirectoryUnusable',
    })
  })

  it('of a directory without permission say so', async () => {
    if (process.getuid?.() === 0) return
    const root = await temporary()
    await chmod(root, 0o500)
    await expect(nodeFiles.open(`${root}/a`, { create: true })).rejects.toMatchObject({ code: 'DirectoryUnusable' })
  })
})

describe('a disk in memory', () => {
  const write = async (files: MemoryFiles, path: string, data: Uint8Array, sync: boolean): Promise<void> => {
    const file = await files.open(path).catch(() => files.open(path, { create: true }))
    await file.write(0, data)
    if (sync) await file.sync()
  }
  const coin = (values: number[]): Random => ({
    u32: () => (values.shift() ?? 0) * 0xffff_ffff,
    bytes: (length) => new Uint8Array(length),
  })

  it('forgets in a crash what was not synced, and names whose directory was not', async () => {
    const files = await memory()
    await write(files, 'root/a', Uint8Array.of(1), true)
    await files.syncDirectory('root')
    await write(files, 'root/a', Uint8Array.of(2), false)
    await write(files, 'root/b', Uint8Array.of(3), true)
    await files.rename('root/a', 'root/c')
    files.crash()
    expect([...files.image()]).toEqual([['root/a', Uint8Array.of(1)]])
  })

  it('keeps each dirty sector or loses it, whole', async () => {
    const files = await memory()
    await write(files, 'root/a', new Uint8Array(1536).fill(1), true)
    await files.syncDirectory('root')
    await write(files, 'root/a', new Uint8Array(1400).fill(2), false)
    files.crash(coin([0, 1, 0, 1, 0]))
    const content = (await files.readFile('root/a')) as Uint8Array
    expect([0, 511, 512, 1023, 1024, 1399, 1400, 1535].map((at) => content[at])).toEqual([2, 2, 1, 1, 2, 2, 1, 1])
  })

  it('loses in a crash what a failed sync was to write, whatever is synced after it', async () => {
    let fails = false
    const files = new MemoryFiles({
      delay: (operation) => (fails && operation === 'sync' ? Promise.reject(new Error('EIO')) : Promise.resolve()),
    })
    await files.makeDirectory('root')
    const file = await files.open('root/a', { create: true })
    await file.write(0, new Uint8Array(1024).fill(1))
    await file.sync()
    await files.syncDirectory('root')
    await file.write(0, Uint8Array.of(2))
    fails = true
    await expect(file.sync()).rejects.toThrow('EIO')
    fails = false
    await file.write(512, Uint8Array.of(3))
    await file.sync()
    expect((await file.read(0, 1))[0]).toBe(2)
    files.crash(coin([1, 1, 1, 1]))
    const content = await files.readFile('root/a')
    expect([content?.[0], content?.[512]]).toEqual([1, 3])
  })

  it('lets no handle of before a crash go on', async () => {
    const files = await memory()
    const file = await files.open('root/a', { create: true })
    files.crash()
    await expect(file.write(0, Uint8Array.of(1))).rejects.toMatchObject({ code: 'DiskFailed' })
  })

  it('takes its stores along: un-synced batches are lost, and a removed directory is a removed store', async () => {
    const files = await memory()
    const factory = new MemoryKvFactory(files)
    const kv = await factory.open('root/db', { create: true })
    await kv.batch([{ key: utf8('a'), value: utf8('1') }], { sync: true })
    await kv.batch([{ key: utf8('b'), value: utf8('2') }], { sync: false })
    files.crash()
    expect(() => kv.getSync(utf8('a'))).toThrow('closed')
    const again = await factory.open('root/db', { create: false })
    expect([again.getSync(utf8('a')), again.getSync(utf8('b'))]).toEqual([utf8('1'), undefined])
    await again.close()
    await files.remove('root/db')
    await expect(factory.open('root/db', { create: false })).rejects.toMatchObject({ code: 'StateDamaged' })
    await factory.open('root/db', { create: true })
  })
})
