/** Passwords and tokens for tests: as the platform's, but without the work. */
import { utf8 } from '../../base/index.ts'
import type { Secrets } from '../../base/index.ts'
import { nodeCrypto, nodeSecrets } from '../../src/storage/index.ts'

/** A hash in place of scrypt, so that nothing waits for a thread. */
export const quickSecrets: Secrets = {
  derive: (password, salt) => Promise.resolve(nodeCrypto.sha256(new Uint8Array([...salt, ...utf8(password)]))),
  mac: nodeSecrets.mac,
}
