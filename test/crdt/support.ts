/** What tests of documents share. */
import { isNitroError } from '../../base/index.ts'
import type { ErrorCode } from '../../base/index.ts'

/** The code with which something is refused, or undefined. */
export function codeOf(run: () => unknown): ErrorCode | undefined {
  try {
    run()
  } catch (thrown) {
    if (isNitroError(thrown)) return thrown.code
    throw thrown
  }
  return undefined
}

/** Bytes that must be there. */
export function must(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new Error('nothing to commit')
  return bytes
}
