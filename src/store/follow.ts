/** A state and then every change of it: ranges and watches joined at a revision. */
import { isNitroError } from '../../base/index.ts'
import type { Entry, FollowItem, FollowOptions, KeyRange, Watch, WatchOptions } from '../api/index.ts'

/** A state of one revision. */
export interface StateOfRange {
  readonly revision: number
  readonly entries: readonly Entry[]
}

/** What following stands on. */
export interface FollowSource {
  /** All records of the range at one revision; throws `Compacted` when it was compacted away meanwhile. */
  read(range: KeyRange, signal: AbortSignal | undefined): Promise<StateOfRange>
  watch(options: WatchOptions): Watch
}

/** See `Store.follow`. */
export async function* follow(
  source: FollowSource,
  range: KeyRange,
  { prev, signal }: FollowOptions,
): AsyncGenerator<FollowItem, void, undefined> {
  for (;;) {
    const { revision, entries } = await readState(source, range, signal)
    yield { type: 'state', revision, entries }
    try {
      for await (const batch of source.watch({ ...range, fromRevision: revision + 1, prev, signal })) {
        yield { type: 'events', ...batch }
      }
      return
    } catch (error) {
      if (!isNitroError(error, 'Compacted')) throw error
      yield { type: 'reset', compactRevision: Number(error.details['compactRevision']) }
    }
  }
}

/** Reads until it succeeds: an outage ends neither a watch nor what is made of watches. */
async function readState(
  source: FollowSource,
  range: KeyRange,
  signal: AbortSignal | undefined,
): Promise<StateOfRange> {
  for (;;) {
    try {
      return await source.read(range, signal)
    } catch (error) {
      const passing = isNitroError(error) && (error.retryable || error.code === 'Compacted')
      if (!passing) throw error
    }
  }
}
