/** The keys a benchmark uses: decimal numbers of a fixed width. */
import { NitroError, below, type Random } from '../../../base/index.ts'

/** Which keys there are. */
export interface KeyOptions {
  /** Bytes of each key. */
  readonly keySize: number
  /** How many different keys. */
  readonly keySpace: number
  /** In order, instead of at random. */
  readonly sequential: boolean
}

/** Gives the key of request number `sequence`. Throws `InvalidArgument` when the keys do not fit the size. */
export function keySource(options: KeyOptions, random: Random): (sequence: number) => Uint8Array {
  const { keySize, keySpace, sequential } = options
  if (String(keySpace - 1).length > keySize) {
    throw new NitroError('InvalidArgument', `${keySpace} different keys do not fit in --key-size ${keySize}`)
  }
  return (sequence) => numberedKey(sequential ? sequence % keySpace : below(random, keySpace), keySize)
}

/** Random letters and digits: values that are fit to be looked at. */
export function readableValue(size: number, random: Random): Uint8Array {
  return random.bytes(size).map((byte) => alphabet.charCodeAt(byte % alphabet.length))
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** `size` decimal digits, zeros first. */
export function numberedKey(number: number, size: number): Uint8Array {
  const key = new Uint8Array(size)
  let rest = number
  for (let at = size - 1; at >= 0; at--) {
    key[at] = 48 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
  return key
}
