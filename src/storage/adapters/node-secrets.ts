/** The Secrets port over node:crypto. */
import { createHmac, scrypt } from 'node:crypto'
import type { ScryptCost, Secrets } from '../../../base/index.ts'

const keyBytes = 32

/** The platform's scrypt and HMAC. A derivation runs on a thread of the pool that also serves files: one at a time is enough. */
export const nodeSecrets: Secrets = {
  derive: (password, salt, cost) =>
    new Promise((resolve, reject) => {
      scrypt(password, salt, keyBytes, optionsOf(cost), (error, key) => (error === null ? resolve(key) : reject(error)))
    }),
  mac: (key, data) => createHmac('sha256', key).update(data).digest(),
}

/** Node refuses what needs more memory than it is told; scrypt takes 128 N r bytes and a little. */
function optionsOf({ logN, r, p }: ScryptCost): { N: number; r: number; p: number; maxmem: number } {
  const N = 2 ** logN
  return { N, r, p, maxmem: 128 * r * (N + p + 2) + (1 << 20) }
}
