/** What passwords and tokens stand on. Slow on purpose, or with keys: never called where the log is applied. */

/** How much work it is to derive a key with scrypt (RFC 7914). */
export interface ScryptCost {
  /** The base-2 logarithm of N. */
  readonly logN: number
  readonly r: number
  readonly p: number
}

/** Password hashing and message authentication. */
export interface Secrets {
  /** 32 bytes derived from a password and a salt by scrypt. */
  derive(password: string, salt: Uint8Array, cost: ScryptCost): Promise<Uint8Array>
  /** HMAC-SHA-256 (RFC 2104): 32 bytes. */
  mac(key: Uint8Array, data: Uint8Array): Uint8Array
}
