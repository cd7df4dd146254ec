/** A store in memory with the semantics commands rely on: ranges in byte order, one revision a write. */
import { compareBytes, concatBytes, equalBytes, text, utf8 } from '../../base/index.ts'
import type { BytesLike, Entry, KeyRange, RangeOptions, RangeResult, Store } from '../../src/api/index.ts'

const bytesOf = (input: BytesLike): Uint8Array => (typeof input === 'string' ? utf8(input) : input)

export class FakeStore implements Store {
  #records: Entry[] = []
  #revision = 0

  async put(key: BytesLike, value: BytesLike): Promise<{ revision: number }> {
    const bytes = bytesOf(key)
    const old = this.#records.find((entry) => equalBytes(entry.key, bytes))
    const revision = ++this.#revision
    this.#records = this.#records.filter((entry) => entry !== old)
    this.#records.push(
      entryOf(bytes, bytesOf(value), old?.createRevision ?? revision, revision, (old?.version ?? 0) + 1),
    )
    this.#records.sort((a, b) => compareBytes(a.key, b.key))
    return { revision }
  }

  async get(key: BytesLike): Promise<Entry | undefined> {
    return this.#records.find((entry) => equalBytes(entry.key, bytesOf(key)))
  }

  async delete(key: BytesLike): Promise<{ revision: number; deleted: number }> {
    return this.#remove((entry) => equalBytes(entry.key, bytesOf(key)))
  }

  async deleteRange(range: KeyRange): Promise<{ revision: number; deleted: number }> {
    return this.#remove((entry) => inRange(entry, range))
  }

  watch(): never {
    throw notHere()
  }

  follow(): never {
    throw notHere()
  }

  history(): never {
    throw notHere()
  }

  compact(): never {
    throw notHere()
  }

  txn(): never {
    throw notHere()
  }

  putIfAbsent(): never {
    throw notHere()
  }

  putIfRevision(): never {
    throw notHere()
  }

  update(): never {
    throw notHere()
  }

  async range(options: RangeOptions = {}): Promise<RangeResult> {
    const all = this.#records.filter((entry) => inRange(entry, options))
    if (options.reverse === true) all.reverse()
    const entries = options.countOnly === true ? [] : all.slice(0, options.limit ?? 10_000)
    return { entries, count: all.length, more: entries.length < all.length, revision: this.#revision }
  }

  async *entries(options: RangeOptions = {}): AsyncIterable<Entry> {
    yield* (await this.range(options)).entries
  }

  #remove(matches: (entry: Entry) => boolean): { revision: number; deleted: number } {
    const kept = this.#records.filter((entry) => !matches(entry))
    const deleted = this.#records.length - kept.length
    this.#records = kept
    if (deleted > 0) this.#revision++
    return { revision: this.#revision, deleted }
  }
}

/** Commands over these are tested on a real machine. */
function notHere(): Error {
  return new Error('this store has only keys')
}

function inRange({ key }: Entry, { prefix, start, end }: KeyRange): boolean {
  if (prefix !== undefined && !equalBytes(key.subarray(0, bytesOf(prefix).length), bytesOf(prefix))) return false
  if (start !== undefined && compareBytes(key, bytesOf(start)) < 0) return false
  return end === undefined || compareBytes(key, bytesOf(end)) < 0
}

function entryOf(
  key: Uint8Array,
  value: Uint8Array,
  createRevision: number,
  modRevision: number,
  version: number,
): Entry {
  return {
    key: concatBytes([key]),
    value: concatBytes([value]),
    createRevision,
    modRevision,
    version,
    lease: 0,
    keyText: () => text(key),
    text: () => text(value),
    json: <T>() => JSON.parse(text(value)) as T,
  }
}
