/** Cryptography as a port: hot paths use the platform's, pure tests a JavaScript one. */

/** Incremental SHA-256. */
export interface Sha256 {
  update(data: Uint8Array): void
  /** Ends the computation: 32 bytes. */
  digest(): Uint8Array
}

/** Hash functions. All are synchronous and deterministic. */
export interface Crypto {
  sha256(data: Uint8Array): Uint8Array
  createSha256(): Sha256
  /** CRC-32 (IEEE 802.3) of `data`, continuing from `seed`. */
  crc32(data: Uint8Array, seed?: number): number
}
