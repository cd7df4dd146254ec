/** The Crypto port over node:crypto and node:zlib: an order of magnitude faster than JavaScript. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Crypto, Sha256 } from '../../../base/index.ts'

/** The platform's hash functions. */
export const nodeCrypto: Crypto = {
  sha256: (data) => createHash('sha256').update(data).digest(),
  createSha256(): Sha256 {
    const hash = createHash('sha256')
    return {
      update: (data) => void hash.update(data),
      digest: () => hash.digest(),
    }
  },
  crc32: (data, seed = 0) => crc32(data, seed),
}
