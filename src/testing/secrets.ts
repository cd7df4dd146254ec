/** Passwords in a simulation: a hash in place of scrypt, whose thread would bring real time in. Tokens are signed as ever. */
import { utf8 } from '../../base/index.ts'
import type { Secrets } from '../../base/index.ts'
import { nodeCrypto, nodeSecrets } from '../storage/index.ts'

/** The Secrets of simulated nodes. */
export const simulatedSecrets: Secrets = {
  derive: (password, salt) => Promise.resolve(nodeCrypto.sha256(new Uint8Array([...salt, ...utf8(password)]))),
  mac: (key, data) => nodeSecrets.mac(key, data),
}
