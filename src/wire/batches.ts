/**
 * Batches: all commands, queries or results of one turn in one frame.
 *
 *   commands, forward                      { uint tag, uint length, command }*
 *   results, forwardResult, queryResults   { uint tag, uint length, result }*
 *   queries                                { uint tag, u8 consistency, uint timeoutMs, latin1 program, latin1 method,
 *                                            uint length, args }*
 *
 * A tag is the sender's own number for the request; the answer carries it back. Nothing is allocated per item on the
 * way in: a visitor gets offsets into the frame.
 */
import { ByteReader, ByteWriter, NitroError } from '../../base/index.ts'
import type { Consistency } from '../api/index.ts'

const firstCapacity = 4096

/**
 * Memory of writers that were cleared, which is mostly still near: the next one that is written to takes what was given back last. Of
 * a thousand connections hardly any two gather at a time.
 */
const spares: ByteWriter[] = []
const sparesMax = 16
const spareBytesMax = 64 * 1024

function spare(writer: ByteWriter): void {
  if (spares.length >= sparesMax || writer.bytes.length > spareBytesMax) return
  writer.clear()
  spares.push(writer)
}

/** Gathers tagged byte strings: commands on their way out, results on their way back. */
export class CommandBatchWriter {
  /** Made with the first item: a writer that gets none holds no memory. */
  private made: ByteWriter | undefined
  private capacity: number
  private readonly leastCapacity: number
  /** Items since the last `take`. */
  count = 0

  /** Its memory begins with so many bytes, and later with as many as the last payload had and some room. */
  constructor(leastCapacity: number = firstCapacity) {
    this.leastCapacity = leastCapacity
    this.capacity = leastCapacity
  }

  private get out(): ByteWriter {
    return (this.made ??= spares.pop() ?? new ByteWriter(this.capacity))
  }

  /** Bytes since the last `take`. */
  get sizeBytes(): number {
    return this.made?.length ?? 0
  }

  /** Adds one item; the bytes are copied. */
  add(tag: number, bytes: Uint8Array): void {
    const out = this.out
    out.uint(tag)
    out.blob(bytes)
    this.count++
  }

  /** Adds one item of two pieces, a short one in `from[start, end)` and the rest; they are copied. */
  addParts(tag: number, from: Uint8Array, start: number, end: number, rest: Uint8Array): void {
    const out = this.out
    out.uint(tag)
    out.uint(end - start + rest.length)
    out.reserve(end - start)
    for (let at = start; at < end; at++) out.bytes[out.length++] = from[at] as number
    out.raw(rest)
    this.count++
  }

  /** The payload gathered so far; valid until the next `add` or `clear`. */
  view(): Uint8Array {
    return this.out.view()
  }

  /** Forgets what was gathered; its memory is the next writer's that needs some. */
  clear(): void {
    if (this.made !== undefined) spare(this.made)
    this.made = undefined
    this.count = 0
  }

  /** The payload gathered so far, handed over to the caller; the writer is empty again. */
  take(): Uint8Array {
    const payload = this.out.view()
    this.made = undefined
    this.capacity = capacityAfter(payload.length, this.leastCapacity)
    this.count = 0
    return payload
  }
}

/** Expect the next batch to be like the last, with some room. */
function capacityAfter(sizeBytes: number, least: number): number {
  return Math.min(Math.max(least, sizeBytes + (sizeBytes >> 2)), 1 << 20)
}

/** Gets each item of a batch: it stands in `bytes[start, end)`. */
export type TaggedVisitor = (tag: number, bytes: Uint8Array, start: number, end: number) => void

/**
 * Visits each item of a commands, forward, results, forwardResult or queryResults payload in order.
 * Throws `MalformedFrame`, after having visited the items before the damage.
 */
export function forEachCommand(payload: Uint8Array, visit: TaggedVisitor): void {
  const from = new ByteReader(payload)
  while (from.remaining > 0) {
    const tag = from.uint()
    const length = from.uint()
    if (length > from.remaining) throw new NitroError('MalformedFrame', `item of ${length} bytes in ${from.remaining}`)
    const start = from.at
    from.at = start + length
    visit(tag, payload, start, start + length)
  }
}

/** One query of a batch. */
export interface QueryRequest {
  tag: number
  consistency: Consistency
  /** What is left of the caller's deadline, in milliseconds. */
  timeoutMs: number
  program: string
  method: string
  /** A view into the frame. */
  args: Uint8Array
}

/** Gathers queries. */
export class QueryBatchWriter {
  private out = new ByteWriter(firstCapacity)
  /** Queries since the last `take`. */
  count = 0

  /** Bytes since the last `take`. */
  get sizeBytes(): number {
    return this.out.length
  }

  /** Adds one query; `timeoutMs` is rounded up to whole milliseconds. `program` and `method` are latin1. */
  add(
    tag: number,
    consistency: Consistency,
    timeoutMs: number,
    program: string,
    method: string,
    args: Uint8Array,
  ): void {
    const out = this.out
    out.uint(tag)
    out.u8(consistency === 'linearizable' ? 0 : 1)
    out.uint(Math.ceil(timeoutMs))
    out.latin1(program)
    out.latin1(method)
    out.blob(args)
    this.count++
  }

  /** The payload gathered so far, handed over to the caller; the writer is empty again. */
  take(): Uint8Array {
    const payload = this.out.view()
    this.out = new ByteWriter(capacityAfter(payload.length, firstCapacity))
    this.count = 0
    return payload
  }

  /** The payload gathered so far; valid until the next `add` or `clear`. */
  view(): Uint8Array {
    return this.out.view()
  }

  /** Forgets what was gathered and keeps its memory. */
  clear(): void {
    this.out.clear()
    this.count = 0
  }
}

/**
 * Visits each query of a queries payload in order. The request object is reused: copy what is kept.
 * Throws `MalformedFrame`, after having visited the queries before the damage.
 */
export function forEachQuery(payload: Uint8Array, visit: (query: Readonly<QueryRequest>) => void): void {
  const from = new ByteReader(payload)
  const query: QueryRequest = {
    tag: 0,
    consistency: 'linearizable',
    timeoutMs: 0,
    program: '',
    method: '',
    args: payload,
  }
  while (from.remaining > 0) {
    query.tag = from.uint()
    const consistency = from.u8()
    if (consistency > 1) throw new NitroError('MalformedFrame', `unknown consistency ${consistency}`)
    query.consistency = consistency === 0 ? 'linearizable' : 'committed'
    query.timeoutMs = from.uint()
    query.program = from.latin1()
    query.method = from.latin1()
    query.args = from.blob()
    visit(query)
  }
}
