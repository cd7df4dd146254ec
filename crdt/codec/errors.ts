/** The errors of decoding: whatever bytes are given, nothing else is thrown. */
import { NitroError, isNitroError } from '../../base/index.ts'

/** Bytes that no encoder of ours writes. */
export function notCanonical(what: string): NitroError {
  return new NitroError('NotCanonical', `not the canonical form: ${what}`)
}

/** Runs a decoder; a read past the end becomes `NotCanonical`, too. */
export function decoding<T>(run: () => T): T {
  try {
    return run()
  } catch (thrown) {
    if (isNitroError(thrown, 'MalformedFrame')) throw notCanonical(thrown.message)
    throw thrown
  }
}
