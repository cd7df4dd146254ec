import { describe, expect, it } from 'vitest'
import { isNitroError } from '../../base/index.ts'
import type { Identity } from '../../src/storage/index.ts'
import { MemoryFiles, readIdentity, writeIdentity } from '../../src/storage/index.ts'
import { incarnation } from './harness.ts'

const fresh: Identity = {
  name: 'n1',
  incarnation,
  clusterId: undefined,
  raftId: undefined,
  bootstrap: undefined,
  stage: 'new',
}
const member: Identity = {
  ...fresh,
  clusterId: new Uint8Array(32).fill(5),
  raftId: 7,
  bootstrap: [
    { name: 'n1', incarnation, address: '127.0.0.1:7401' },
    { name: 'ñ2', incarnation: incarnation.map((byte) => byte + 1), address: '[::1]:7402' },
  ],
  stage: 'member',
}

describe('the identity of a data directory', () => {
  it.each([fresh, member, { ...fresh, stage: 'joining' as const }, { ...member, bootstrap: [] }])(
    'is read back as it was written ($stage)',
    async (identity) => {
      const files = new MemoryFiles()
      expect(await readIdentity(files, 'data')).toBeUndefined()
      await writeIdentity(files, 'data', identity)
      files.crash()
      expect(await readIdentity(files, 'data')).toEqual(identity)
    },
  )

  it('is replaced whole: a crash leaves the old one or the new one', async () => {
    for (let at = 0; at < 12; at++) {
      const files = new MemoryFiles()
      await writeIdentity(files, 'data', fresh)
      const image = files.image()
      let left = at
      const disk = new MemoryFiles({
        image,
        delay: () => (left-- > 0 ? Promise.resolve() : Promise.reject(new Error('crash'))),
      })
      const written = await writeIdentity(disk, 'data', member).then(
        () => true,
        () => false,
      )
      left = Number.MAX_SAFE_INTEGER
      disk.crash({ u32: () => 0x7fff_ffff * (at % 3), bytes: (length) => new Uint8Array(length) })
      const found = await readIdentity(disk, 'data')
      if (written) expect(found).toEqual(member)
      else expect([fresh, member]).toContainEqual(found)
    }
  })

  it('is lost, not forgotten, when any byte of it is damaged or missing', async () => {
    const files = new MemoryFiles()
    await writeIdentity(files, 'data', member)
    const bytes = (await files.readFile('data/identity')) as Uint8Array
    const read = async (content: Uint8Array): Promise<unknown> =>
      readIdentity(new MemoryFiles({ image: new Map([['data/identity', content]]) }), 'data').catch((e: unknown) => e)
    for (let at = 0; at < bytes.length; at++) {
      const flipped = bytes.slice()
      flipped[at] = (flipped[at] as number) ^ (1 << (at % 8))
      expect(isNitroError(await read(flipped), 'IdentityLost'), `byte ${at}`).toBe(true)
      expect(isNitroError(await read(bytes.slice(0, at)), 'IdentityLost'), `length ${at}`).toBe(true)
    }
    expect(isNitroError(await read(Uint8Array.from([...bytes, 0])), 'IdentityLost')).toBe(true)
  })
})
