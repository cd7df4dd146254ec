/**
 * The store over any engine: it checks what callers give, speaks the kv program's codecs, and makes entries of the answers.
 * It keeps no state beside a buffer for arguments.
 */
import { ByteWriter, NitroError, concatBytes } from '../../base/index.ts'
import {
  decodeDeleteResult,
  decodeGetResult,
  decodePutResult,
  decodeRangeResult,
  defaultLimits,
  encodeDeleteArgs,
  encodeRangeArgs,
  writePutArgs,
} from '../../execution/codec.ts'
import type { RangeRequest } from '../../execution/codec.ts'
import type {
  BytesLike,
  DeleteResult,
  Engine,
  Entry,
  FollowItem,
  FollowOptions,
  KeyRange,
  RangeOptions,
  RangeResult,
  ReadOptions,
  RequestOptions,
  Store,
  Watch,
  WatchOptions,
  WriteResult,
} from '../api/index.ts'
import { StoredEntry } from './entry.ts'
import { follow } from './follow.ts'
import type { StateOfRange } from './follow.ts'
import { checkLimit, codedRange, keyBytes, valueBytes } from './input.ts'
import { openWatch } from './watch.ts'

/** Arguments of puts share buffers of this size; a buffer is freed when the last command that uses it is. */
const arenaBytes = 64 * 1024
/** Records per page of {@link Store.entries}. */
const pageRecords = 1000

/** Makes the store of an engine. */
export function createStore(engine: Engine): Store {
  return new EngineStore(engine)
}

class EngineStore implements Store {
  private readonly engine: Engine
  private arena = new ByteWriter(arenaBytes)

  constructor(engine: Engine) {
    this.engine = engine
  }

  put(key: BytesLike, value: BytesLike, options?: RequestOptions): Promise<WriteResult> {
    let args: Uint8Array
    try {
      args = this.putArgs(keyBytes(key), valueBytes(value))
    } catch (error) {
      return Promise.reject(error)
    }
    return this.engine.command('kv', 'put', args, options).then(decodePutResult)
  }

  private putArgs(key: Uint8Array, value: Uint8Array): Uint8Array {
    const room = key.length + value.length + 8
    if (this.arena.length + room > arenaBytes) this.arena = new ByteWriter(Math.max(arenaBytes, room))
    const out = this.arena
    const start = out.length
    writePutArgs(out, key, value)
    return out.bytes.subarray(start, out.length)
  }

  get(key: BytesLike, options?: ReadOptions): Promise<Entry | undefined> {
    let args: Uint8Array
    try {
      // The caller may reuse its buffer; the request keeps its arguments until it is answered.
      args = typeof key === 'string' ? keyBytes(key) : new Uint8Array(keyBytes(key))
    } catch (error) {
      return Promise.reject(error)
    }
    return this.engine.query('kv', 'get', args, options).then(entryOf)
  }

  async delete(key: BytesLike, options?: RequestOptions): Promise<DeleteResult> {
    const args = encodeDeleteArgs({ start: keyBytes(key) })
    return decodeDeleteResult(await this.engine.command('kv', 'delete', args, options))
  }

  async deleteRange(range: KeyRange, options?: RequestOptions): Promise<DeleteResult> {
    const args = encodeDeleteArgs(codedRange(range))
    return decodeDeleteResult(await this.engine.command('kv', 'delete', args, options))
  }

  async range(options: RangeOptions = {}): Promise<RangeResult> {
    return this.page(
      {
        ...codedRange(options),
        limit: checkLimit(options.limit),
        reverse: options.reverse,
        keysOnly: options.keysOnly,
        countOnly: options.countOnly,
      },
      options,
    )
  }

  private async page(request: RangeRequest, options: ReadOptions): Promise<RangeResult> {
    const payload = await this.engine.query('kv', 'range', encodeRangeArgs(request), options)
    const { revision, count, more, records } = decodeRangeResult(owned(payload))
    return { revision, count, more, entries: records.map((record) => new StoredEntry(record)) }
  }

  async *entries(options: RangeOptions = {}): AsyncIterable<Entry> {
    const { reverse, keysOnly, countOnly } = options
    if (countOnly === true) throw new NitroError('InvalidArgument', 'entries with countOnly would give nothing')
    let left = checkLimit(options.limit) || Infinity
    let range = codedRange(options)
    for (;;) {
      const limit = Math.min(left, pageRecords, defaultLimits.rangeRecords)
      const { entries, more } = await this.page({ ...range, limit, reverse, keysOnly }, options)
      yield* entries
      left -= entries.length
      const last = entries.at(-1)
      if (!more || left <= 0 || last === undefined) return
      range = reverse === true ? { start: range.start, end: last.key } : { ...range, start: keyAfter(last.key) }
    }
  }

  watch(options: WatchOptions = {}): Watch {
    return openWatch(this.engine, options)
  }

  follow(range: KeyRange = {}, options: FollowOptions = {}): AsyncIterable<FollowItem> {
    const read = (of: KeyRange, signal: AbortSignal | undefined): Promise<StateOfRange> => this.wholeRange(of, signal)
    return follow({ read, watch: (watched) => this.watch(watched) }, range, options)
  }

  /** All records of a range at one revision. Throws `Compacted` when that revision was compacted away between two pages. */
  private async wholeRange(range: KeyRange, signal: AbortSignal | undefined): Promise<StateOfRange> {
    let rest = codedRange(range)
    const entries: Entry[] = []
    let revision = 0
    for (;;) {
      const page = await this.page({ ...rest, revision, limit: pageRecords }, { signal })
      // The first page is of the present, and the others of the same moment.
      revision = revision === 0 ? page.revision : revision
      entries.push(...page.entries)
      const last = page.entries.at(-1)
      if (!page.more || last === undefined) return { revision, entries }
      rest = { ...rest, start: keyAfter(last.key) }
    }
  }
}

function entryOf(payload: Uint8Array): Entry | undefined {
  const { record } = decodeGetResult(owned(payload))
  return record === undefined ? undefined : new StoredEntry(record)
}

/**
 * An answer may be a small view into the frame of many answers; an entry that is kept must not keep all of that. It may
 * also be a Buffer, which callers did not ask for.
 */
function owned(payload: Uint8Array): Uint8Array {
  const own = payload.constructor === Uint8Array && payload.length * 2 >= payload.buffer.byteLength
  return own ? payload : new Uint8Array(payload)
}

/** The smallest key greater than `key`. */
function keyAfter(key: Uint8Array): Uint8Array {
  return concatBytes([key, Uint8Array.of(0)])
}
