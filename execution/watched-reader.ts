/**
 * A block reader that remembers a failure. What this node could not read others may have read: whatever a command, or the program it
 * runs, makes of that is no result.
 */
import { plainBytes } from '../base/index.ts'
import type { BlockReader } from './block-store.ts'

/** Reads for one machine. */
export class WatchedReader {
  private readonly readStored: BlockReader
  private failure: { readonly error: unknown } | undefined

  constructor(readStored: BlockReader) {
    this.readStored = readStored
  }

  readonly read: BlockReader = (...which) => {
    try {
      const block = this.readStored(...which)
      return block === undefined ? undefined : plainBytes(block)
    } catch (error) {
      this.failure = { error }
      throw error
    }
  }

  /** A command begins. */
  begin(): void {
    this.failure = undefined
  }

  /** Throws what reading has failed with since then. */
  check(): void {
    if (this.failure !== undefined) throw this.failure.error
  }
}
