/**
 * Frames of watches: all that a client asks of its watches in a turn, and all that a node has for them.
 *
 *   watch        { u8 0 open, uint id, key range, u8 options, uint fromRevision, uint credit
 *                | u8 1 close, uint id  |  u8 2 credit, uint id, uint bytes  |  u8 3 progress, uint id }*
 *   watchEvents  { u8 0 opened, uint id, uint revision
 *                | u8 1 events, u8 more, uint n, n ids, uint through, blob events  |  u8 2 progress, uint id, uint revision
 *                | u8 3 progress of all, uint revision, uint n, n ids it is not for  |  u8 4 ended, uint id, blob error }*
 *   options      bit 0 puts, 1 deletes, 2 emits, 3 previous records
 *
 * Ids are the client's, and used once in a connection. Events are those of `execution/event-codec.ts`; with `more` the last
 * revision goes on in the next events of the same watch. Errors are results as in `execution/result.ts`.
 */
import { ByteReader, ByteWriter, NitroError } from '../../base/index.ts'
import { decodeResult, errorResult, readKeyRange, writeKeyRange } from '../../execution/codec.ts'
import type { Caller } from '../../execution/codec.ts'
import type { WatchRequest } from '../api/index.ts'

const asks = { open: 0, close: 1, credit: 2, progress: 3 } as const
const tells = { opened: 0, events: 1, progress: 2, progressAll: 3, ended: 4 } as const
const bits = { puts: 1, deletes: 2, emits: 4, previous: 8 } as const
/** Watches one message can be about. */
const idsMax = 1 << 20

/** What a client asks, without what only concerns itself. */
export type WireWatchRequest = Omit<WatchRequest, 'progressMs'> & {
  /** Who it is for; undefined for whoever the channel is. Not in the frame. */
  readonly caller?: Caller | undefined
}

/** Gathers what a client asks. */
export class WatchAskWriter {
  private readonly out = new ByteWriter(1024)

  get empty(): boolean {
    return this.out.length === 0
  }

  open(id: number, request: WireWatchRequest): void {
    const { out } = this
    const { puts, deletes, emits, previous } = request
    out.u8(asks.open)
    out.uint(id)
    writeKeyRange(out, request.range)
    out.u8(
      (puts ? bits.puts : 0) | (deletes ? bits.deletes : 0) | (emits ? bits.emits : 0) | (previous ? bits.previous : 0),
    )
    out.uint(request.fromRevision)
    out.uint(request.creditBytes)
  }

  close(id: number): void {
    this.out.u8(asks.close)
    this.out.uint(id)
  }

  credit(id: number, bytes: number): void {
    this.out.u8(asks.credit)
    this.out.uint(id)
    this.out.uint(bytes)
  }

  progress(id: number): void {
    this.out.u8(asks.progress)
    this.out.uint(id)
  }

  /** The frame gathered so far; the writer is empty again. */
  take(): Uint8Array {
    const payload = this.out.take()
    this.out.clear()
    return payload
  }
}

/** Takes what a client asks. */
export interface WatchAsks {
  open(id: number, request: WireWatchRequest): void
  close(id: number): void
  credit(id: number, bytes: number): void
  progress(id: number): void
}

/** Reads a watch frame. Byte strings are views. Throws `MalformedFrame`, after what came before the damage. */
export function readWatchAsks(payload: Uint8Array, to: WatchAsks): void {
  const from = new ByteReader(payload)
  while (from.remaining > 0) {
    const kind = from.u8()
    const id = from.uint()
    if (kind === asks.open) to.open(id, readRequest(from))
    else if (kind === asks.close) to.close(id)
    else if (kind === asks.credit) to.credit(id, from.uint())
    else if (kind === asks.progress) to.progress(id)
    else throw malformed(`a watch is asked ${kind}`)
  }
}

function readRequest(from: ByteReader): WireWatchRequest {
  const range = readKeyRange(from)
  const options = from.u8()
  if (options > 15) throw malformed(`watch options ${options}`)
  const has = (bit: number): boolean => (options & bit) !== 0
  return {
    range,
    puts: has(bits.puts),
    deletes: has(bits.deletes),
    emits: has(bits.emits),
    previous: has(bits.previous),
    fromRevision: from.uint(),
    creditBytes: from.uint(),
  }
}

/** Gathers what a node tells. */
export class WatchTellWriter {
  private out = new ByteWriter(4096)

  get sizeBytes(): number {
    return this.out.length
  }

  opened(id: number, revision: number): void {
    this.out.u8(tells.opened)
    this.out.uint(id)
    this.out.uint(revision)
  }

  events(ids: readonly number[], more: boolean, through: number, events: Uint8Array): void {
    const { out } = this
    out.u8(tells.events)
    out.u8(more ? 1 : 0)
    this.ids(ids)
    out.uint(through)
    out.blob(events)
  }

  progress(id: number, revision: number): void {
    this.out.u8(tells.progress)
    this.out.uint(id)
    this.out.uint(revision)
  }

  progressAll(revision: number, except: readonly number[]): void {
    this.out.u8(tells.progressAll)
    this.out.uint(revision)
    this.ids(except)
  }

  ended(id: number, error: NitroError): void {
    this.out.u8(tells.ended)
    this.out.uint(id)
    this.out.blob(errorResult(error))
  }

  private ids(ids: readonly number[]): void {
    this.out.uint(ids.length)
    for (const id of ids) this.out.uint(id)
  }

  /** The frame gathered so far, handed over to the caller; the writer is empty again. */
  take(): Uint8Array {
    const payload = this.out.view()
    this.out = new ByteWriter(Math.min(Math.max(4096, payload.length), 64 << 10))
    return payload
  }
}

/** Takes what a node tells. */
export interface WatchTells {
  opened(id: number, revision: number): void
  events(ids: readonly number[], more: boolean, through: number, events: Uint8Array): void
  progress(id: number, revision: number): void
  progressAll(revision: number, except: readonly number[]): void
  ended(id: number, error: NitroError): void
}

/** Reads a watchEvents frame. Byte strings are views. Throws `MalformedFrame`, after what came before the damage. */
export function readWatchTells(payload: Uint8Array, to: WatchTells): void {
  const from = new ByteReader(payload)
  while (from.remaining > 0) {
    const kind = from.u8()
    if (kind === tells.opened) to.opened(from.uint(), from.uint())
    else if (kind === tells.events) {
      const more = from.u8()
      if (more > 1) throw malformed(`events with more ${more}`)
      to.events(readIds(from), more === 1, from.uint(), from.blob())
    } else if (kind === tells.progress) to.progress(from.uint(), from.uint())
    else if (kind === tells.progressAll) to.progressAll(from.uint(), readIds(from))
    else if (kind === tells.ended) to.ended(from.uint(), readError(from.blob()))
    else throw malformed(`a watch tells ${kind}`)
  }
}

function readIds(from: ByteReader): number[] {
  const count = from.uint()
  // Each takes a byte at least: a false count must not make room for itself.
  if (count > idsMax || count > from.remaining) throw malformed(`${count} watches`)
  const ids: number[] = []
  for (let i = 0; i < count; i++) ids.push(from.uint())
  return ids
}

function readError(bytes: Uint8Array): NitroError {
  let result
  try {
    result = decodeResult(bytes)
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : 'error')
  }
  if (result.ok) throw malformed('an end without an error')
  return result.error
}

function malformed(what: string): NitroError {
  return new NitroError('MalformedFrame', `malformed watch message: ${what}`)
}
