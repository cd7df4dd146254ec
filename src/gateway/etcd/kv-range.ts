/**
 * Reads of any size. The store answers with a page at most; etcd answers with everything, so here pages of one revision are put
 * together, and what the store does not order or filter for being too much is ordered and filtered here.
 */
import { compareBytes, concatBytes, isNitroError } from '../../../base/index.ts'
import { decodeRangeResult, encodeRangeArgs } from '../../../execution/codec.ts'
import type { KvEntry, RangeRequest, RangeResult } from '../../../execution/codec.ts'
import type { Engine, ReadOptions } from '../../api/index.ts'

/** Reads a range, whatever its size. Throws NitroError. */
export async function readRange(engine: Engine, request: RangeRequest, options: ReadOptions): Promise<RangeResult> {
  let first: RangeResult
  try {
    first = await page(engine, request, options)
  } catch (error) {
    if (!isNitroError(error, 'LimitExceeded')) throw error
    return sorted(await scan(engine, request, options), request)
  }
  if (!first.more || first.records.length >= wanted(request)) return first
  if (!isByKey(request)) return sorted(await scan(engine, request, options), request)
  return following(engine, request, options, first)
}

async function page(engine: Engine, request: RangeRequest, options: ReadOptions): Promise<RangeResult> {
  return decodeRangeResult(await engine.query('kv', 'range', encodeRangeArgs(request), options))
}

function wanted({ limit = 0 }: RangeRequest): number {
  return limit === 0 ? Infinity : limit
}

function isByKey({ sort }: RangeRequest): boolean {
  return sort === undefined || sort === 'key'
}

/** The first page and those behind it, as one answer. */
async function following(
  engine: Engine,
  request: RangeRequest,
  options: ReadOptions,
  first: RangeResult,
): Promise<RangeResult> {
  const records: KvEntry[] = []
  let more = false
  for await (const one of pagesFrom(engine, request, options, first)) {
    records.push(...one.records)
    more = one.more
  }
  return { revision: first.revision, count: first.count, more, records }
}

/** Reads a range in key order page by page, all of the revision that the first page was read at. Throws NitroError. */
export async function* readPages(
  engine: Engine,
  request: RangeRequest,
  options: ReadOptions,
): AsyncGenerator<RangeResult> {
  yield* pagesFrom(engine, request, options, await page(engine, request, options))
}

async function* pagesFrom(
  engine: Engine,
  request: RangeRequest,
  options: ReadOptions,
  first: RangeResult,
): AsyncGenerator<RangeResult> {
  const revision = request.revision === undefined || request.revision === 0 ? first.revision : request.revision
  let left = wanted(request)
  let current = first
  for (;;) {
    yield current
    left -= current.records.length
    const last = current.records.at(-1)
    if (!current.more || left <= 0 || last === undefined) return
    const next =
      request.reverse === true
        ? { end: last.key, fromKey: false }
        : { start: concatBytes([last.key, Uint8Array.of(0)]) }
    const limit = left === Infinity ? 0 : left
    current = await page(engine, { ...request, ...next, revision, limit }, { ...options, consistency: 'committed' })
  }
}

/** Every record of a range in key order; the filters are left to {@link sorted}. */
async function scan(engine: Engine, request: RangeRequest, options: ReadOptions): Promise<RangeResult> {
  const { start, end, fromKey, revision } = request
  const plain: RangeRequest = { start, end, fromKey, revision }
  const first = await page(engine, plain, options)
  return first.more ? following(engine, plain, options, first) : first
}

/** What the request asks for out of all records of its range. */
function sorted(all: RangeResult, request: RangeRequest): RangeResult {
  const { minModRevision = 0, maxModRevision = 0, minCreateRevision = 0, maxCreateRevision = 0 } = request
  const kept = all.records.filter(
    ({ modRevision, createRevision }) =>
      modRevision >= minModRevision &&
      createRevision >= minCreateRevision &&
      (maxModRevision === 0 || modRevision <= maxModRevision) &&
      (maxCreateRevision === 0 || createRevision <= maxCreateRevision),
  )
  if (!isByKey(request)) kept.sort(comparing(request))
  if (request.reverse === true) kept.reverse()
  const records = kept.slice(0, wanted(request))
  return {
    revision: all.revision,
    count: all.count,
    more: records.length < kept.length,
    records: request.keysOnly === true ? records.map((record) => ({ ...record, value: new Uint8Array(0) })) : records,
  }
}

function comparing({ sort }: RangeRequest): (a: KvEntry, b: KvEntry) => number {
  switch (sort) {
    case 'version':
      return (a, b) => a.version - b.version
    case 'create':
      return (a, b) => a.createRevision - b.createRevision
    case 'mod':
      return (a, b) => a.modRevision - b.modRevision
    default:
      return (a, b) => compareBytes(a.value, b.value)
  }
}
