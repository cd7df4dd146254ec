/** The Crypto port in plain JavaScript: the same everywhere, for simulators and browsers. */
import { sha256 } from '@noble/hashes/sha2.js'
import type { Crypto } from '../../../base/index.ts'

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1
  return rest
})

/** SHA-256 from noble, CRC-32 by table. */
export const jsCrypto: Crypto = {
  sha256: (data) => sha256(data),
  createSha256() {
    const hash = sha256.create()
    return {
      update: (data) => void hash.update(data),
      digest: () => hash.digest(),
    }
  },
  crc32(data, seed = 0) {
    let crc = ~seed
    for (let at = 0; at < data.length; at++) {
      crc = (table[(crc ^ (data[at] as number)) & 0xff] as number) ^ (crc >>> 8)
    }
    return ~crc >>> 0
  },
}
