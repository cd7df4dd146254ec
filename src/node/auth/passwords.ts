/**
 * Credentials: what is kept of a password. They are made and compared here, before a command is proposed, never where it is applied.
 *
 *   u8 format 1, u8 log2 of N, u8 r, u8 p, 16 bytes salt, 32 bytes scrypt(password, salt)
 *
 * The cost is the one that OWASP's cheat sheet on password storage gives for 16 MiB of memory. It stands in each credential, so it can
 * change with time.
 */
import { ByteReader, ByteWriter, NitroError } from '../../../base/index.ts'
import type { Random, ScryptCost, Secrets } from '../../../base/index.ts'

const format = 1
const saltBytes = 16
const hashBytes = 32
const cost: ScryptCost = { logN: 14, r: 8, p: 5 }
/** Passwords that may wait for their turn. */
const waitingMax = 64
/** Longest password: a longer one only costs time. */
const passwordLengthMax = 1_024

/** Makes and checks credentials, one at a time: a derivation takes the processor for a good tenth of a second. */
export class Passwords {
  private readonly secrets: Secrets
  private readonly random: Random
  private last: Promise<unknown> = Promise.resolve()
  private waiting = 0
  /** Stands for users who don't exist, so that they take as long as others. */
  private decoy: Uint8Array | undefined

  constructor(secrets: Secrets, random: Random) {
    this.secrets = secrets
    this.random = random
  }

  /** A new credential of a password. Throws `Overloaded`, `InvalidArgument`. */
  async credential(password: string): Promise<Uint8Array> {
    const salt = this.random.bytes(saltBytes)
    const hash = await this.derive(password, salt, cost)
    const writer = new ByteWriter(64)
    writer.u8(format)
    writer.u8(cost.logN)
    writer.u8(cost.r)
    writer.u8(cost.p)
    writer.raw(salt)
    writer.raw(hash)
    return writer.take()
  }

  /** Whether a password is the one of a credential; never, without one. Throws `Overloaded`, `InvalidArgument`, `UnsupportedFormat`. */
  async matches(credential: Uint8Array | undefined, password: string): Promise<boolean> {
    if (credential === undefined) {
      this.decoy ??= this.random.bytes(saltBytes)
      await this.derive(password, this.decoy, cost)
      return false
    }
    const reader = new ByteReader(credential)
    if (reader.u8() !== format) throw new NitroError('UnsupportedFormat', 'a credential of a later version')
    const made = { logN: reader.u8(), r: reader.u8(), p: reader.u8() }
    const salt = reader.raw(saltBytes)
    const hash = reader.raw(hashBytes)
    reader.finish()
    return sameSecret(hash, await this.derive(password, salt, made))
  }

  private derive(password: string, salt: Uint8Array, made: ScryptCost): Promise<Uint8Array> {
    if (password.length > passwordLengthMax) {
      throw new NitroError(
        'InvalidArgument',
        `a password of ${password.length} characters; at most ${passwordLengthMax}`,
      )
    }
    if (this.waiting >= waitingMax) throw new NitroError('Overloaded', `${waitingMax} passwords are already waiting`)
    this.waiting++
    const derived = this.last.then(() => this.secrets.derive(password, salt, made))
    const over = (): void => void this.waiting--
    this.last = derived.then(over, over)
    return derived
  }
}

/** Compares in a time that says nothing about where two secrets differ. */
export function sameSecret(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] ?? 0)
  return difference === 0
}
