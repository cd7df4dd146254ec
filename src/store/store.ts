/**
 * The store over any engine: it checks what callers give, speaks the kv program's codecs, and makes entries of the answers.
 * It keeps no state beside a buffer for arguments.
 */
import { ByteReader, ByteWriter, NitroError, concatBytes } from '../../base/index.ts'
import {
  decodeCompactResult,
  decodeDeleteResult,
  decodeHistoryResult,
  decodePutResult,
  decodeRangeResult,
  decodeRemoveResult,
  decodeWriteResult,
  defaultLimits,
  encodeCompactArgs,
  encodeDeleteArgs,
  encodeHistoryArgs,
  encodeRangeArgs,
  encodeRemoveArgs,
  encodeWriteArgs,
  writePutArgs,
} from '../../execution/codec.ts'
import type { KeyRange as CodedRange, RangeRequest } from '../../execution/codec.ts'
import type {
  BytesLike,
  Change,
  ConditionalOptions,
  ConditionalResult,
  DeleteOptions,
  DeleteResult,
  Engine,
  EntriesOptions,
  Entry,
  FollowItem,
  FollowOptions,
  GetOptions,
  HistoryOptions,
  KeyHistory,
  KeyRange,
  PutResult,
  RangeOptions,
  RangeResult,
  ReadOptions,
  RequestOptions,
  Store,
  StoreTxn,
  UpdateOptions,
  UpdateResult,
  Watch,
  WatchOptions,
  WriteOptions,
  WriteResult,
} from '../api/index.ts'
import { putIfRevision, update } from './conditional.ts'
import type { UpdatePorts } from './conditional.ts'
import { StoredVersion, entriesOf, entryOf, entryOfGet, owned, pageOf } from './entry.ts'
import { follow } from './follow.ts'
import type { StateOfRange } from './follow.ts'
import { checkLimit, checkNumber, codedRange, keyBytes, putOperation, rangeRequest, valueBytes } from './input.ts'
import { storeTxn } from './txn.ts'
import { openWatch } from './watch.ts'

/**
 * Arguments of puts share buffers of this size; a buffer is freed when the last command that uses it is. All stores of a process share
 * them: of a hundred clients each would write to memory that was last used long ago.
 */
const arenaBytes = 16 * 1024
let arena = new ByteWriter(arenaBytes)
/** Records per page of {@link Store.entries}. */
const pageRecords = Math.min(1000, defaultLimits.rangeRecords)

/** An engine; one that can read an answer where it arrives saves each put a view and a promise. */
export interface StoreEngine extends Engine {
  /** As `command`, but resolves with what `read` makes of the payload `frame[start, end)`, and throws what that throws. */
  readonly commandAs?: <T>(
    program: string,
    method: string,
    args: Uint8Array,
    options: RequestOptions | undefined,
    read: (frame: Uint8Array, start: number, end: number) => T,
  ) => Promise<T>
}

/** Makes the store of an engine. */
export function createStore(engine: StoreEngine, ports: UpdatePorts): Store {
  return new EngineStore(engine, ports)
}

class EngineStore implements Store {
  private readonly engine: StoreEngine
  private readonly ports: UpdatePorts

  constructor(engine: StoreEngine, ports: UpdatePorts) {
    this.engine = engine
    this.ports = ports
  }

  put(key: BytesLike, value: BytesLike, options?: WriteOptions): Promise<PutResult> {
    let args: Uint8Array
    try {
      if (options !== undefined && hasWriteOptions(options)) return this.write(key, value, options)
      args = this.putArgs(keyBytes(key), valueBytes(value))
    } catch (error) {
      return Promise.reject(error)
    }
    const { commandAs } = this.engine
    return commandAs === undefined
      ? this.engine.command('kv', 'put', args, options).then(decodePutResult)
      : commandAs('kv', 'put', args, options, readPutResult)
  }

  /** The long form of a put. */
  private async write(key: BytesLike, value: BytesLike, options: WriteOptions): Promise<PutResult> {
    const args = encodeWriteArgs(putOperation(key, value, options))
    const { revision, previous } = decodeWriteResult(owned(await this.engine.command('kv', 'write', args, options)))
    return options.prev === true ? { revision, previous: entryOf(previous) } : { revision }
  }

  private putArgs(key: Uint8Array, value: Uint8Array): Uint8Array {
    const room = key.length + value.length + 8
    if (arena.length + room > arenaBytes) arena = new ByteWriter(Math.max(arenaBytes, room))
    const out = arena
    const start = out.length
    writePutArgs(out, key, value)
    return out.bytes.subarray(start, out.length)
  }

  get(key: BytesLike, options?: GetOptions): Promise<Entry | undefined> {
    let args: Uint8Array
    try {
      const revision = checkNumber(options?.revision, 'revision')
      // The caller may reuse its buffer; the request keeps its arguments until it is answered.
      args = typeof key === 'string' ? keyBytes(key) : new Uint8Array(keyBytes(key))
      if (revision > 0) return this.page({ start: args, revision }, options).then(({ entries }) => entries[0])
    } catch (error) {
      return Promise.reject(error)
    }
    return this.engine.query('kv', 'get', args, options).then(entryOfGet)
  }

  async delete(key: BytesLike, options?: DeleteOptions): Promise<DeleteResult> {
    return this.remove({ start: keyBytes(key) }, options)
  }

  async deleteRange(range: KeyRange, options?: DeleteOptions): Promise<DeleteResult> {
    return this.remove(codedRange(range), options)
  }

  private async remove(range: CodedRange, options?: DeleteOptions): Promise<DeleteResult> {
    if (options?.prev !== true) {
      return decodeDeleteResult(await this.engine.command('kv', 'delete', encodeDeleteArgs(range), options))
    }
    const args = encodeRemoveArgs({ range, prevKv: true })
    const payload = await this.engine.command('kv', 'remove', args, options)
    const { revision, deleted, previous } = decodeRemoveResult(owned(payload))
    return { revision, deleted, previous: entriesOf(previous) }
  }

  async range(options: RangeOptions = {}): Promise<RangeResult> {
    return this.page(rangeRequest(options), options)
  }

  private async page(request: RangeRequest, options?: ReadOptions): Promise<RangeResult> {
    return pageOf(decodeRangeResult(owned(await this.engine.query('kv', 'range', encodeRangeArgs(request), options))))
  }

  async *entries(options: EntriesOptions = {}): AsyncIterable<Entry> {
    const { sort = 'key', countOnly } = options as RangeOptions
    if (countOnly === true) throw new NitroError('InvalidArgument', 'entries with countOnly would give nothing')
    if (sort !== 'key') throw new NitroError('InvalidArgument', 'entries come in the order of keys; range has others')
    let left = checkLimit(options.limit) || Infinity
    for await (const { entries } of this.pages(rangeRequest(options), () => Math.min(left, pageRecords), options)) {
      yield* entries
      left -= entries.length
      if (left <= 0) return
    }
  }

  /** The pages of a range, all at the revision of the request, or else of the first. */
  private async *pages(
    first: RangeRequest,
    limit: () => number,
    options: ReadOptions,
  ): AsyncGenerator<RangeResult, void, undefined> {
    let request = first
    for (;;) {
      const page = await this.page({ ...request, limit: limit() }, options)
      yield page
      const last = page.entries.at(-1)
      if (!page.more || last === undefined) return
      const revision = request.revision || page.revision
      const rest = request.reverse === true ? { fromKey: false, end: last.key } : { start: keyAfter(last.key) }
      request = { ...request, ...rest, revision }
    }
  }

  async history(key: BytesLike, options: HistoryOptions = {}): Promise<KeyHistory> {
    const revision = checkNumber(options.revision, 'revision')
    const args = encodeHistoryArgs({ key: keyBytes(key), revision, limit: checkLimit(options.limit) })
    const { versions, ...facts } = decodeHistoryResult(owned(await this.engine.query('kv', 'history', args, options)))
    return { ...facts, versions: versions.map((version) => new StoredVersion(version)) }
  }

  async compact(revision: number, options?: RequestOptions): Promise<WriteResult> {
    const args = encodeCompactArgs(checkNumber(revision, 'revision'))
    return decodeCompactResult(await this.engine.command('kv', 'compact', args, options))
  }

  txn(): StoreTxn {
    return storeTxn(this.engine)
  }

  putIfAbsent(key: BytesLike, value: BytesLike, options?: ConditionalOptions): Promise<ConditionalResult> {
    return putIfRevision(this, key, value, 0, options)
  }

  putIfRevision(
    key: BytesLike,
    value: BytesLike,
    modRevision: number,
    options?: ConditionalOptions,
  ): Promise<ConditionalResult> {
    return putIfRevision(this, key, value, modRevision, options)
  }

  update(
    key: BytesLike,
    change: (entry: Entry | undefined) => Change | Promise<Change>,
    options?: UpdateOptions,
  ): Promise<UpdateResult> {
    return update(this, this.ports, key, change, options)
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
    const entries: Entry[] = []
    let revision: number | undefined
    for await (const page of this.pages(codedRange(range), () => pageRecords, { signal })) {
      // The first page is of the present, and the others of the same moment.
      revision ??= page.revision
      entries.push(...page.entries)
    }
    return { revision: revision as number, entries }
  }
}

/** As {@link decodePutResult}, of a part of a frame. */
function readPutResult(frame: Uint8Array, start: number, end: number): PutResult {
  const reader = new ByteReader(frame, start, end)
  const revision = reader.uint()
  reader.finish()
  return { revision }
}

function hasWriteOptions({ lease, prev, ignoreValue, ignoreLease }: WriteOptions): boolean {
  return (lease ?? prev ?? ignoreValue ?? ignoreLease) !== undefined
}

/** The smallest key greater than `key`. */
function keyAfter(key: Uint8Array): Uint8Array {
  return concatBytes([key, Uint8Array.of(0)])
}
