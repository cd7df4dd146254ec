/**
 * Raft messages on their way out: gathered per peer and channel during a turn, one frame each at its end.
 *
 * Appends with entries go over the bulk link, everything else over the control link, so that a megabyte of entries never
 * delays a vote or a heartbeat. Each control frame of a leader carries its log clock.
 */
import { ByteReader, ByteWriter } from '../../base/index.ts'
import { decodeMessage, encodeMessage } from '../../consensus/index.ts'
import type { Message } from '../../consensus/index.ts'

/** The two links of a peer pair. */
export type Channel = 'control' | 'bulk'

/** Takes finished frames, in pieces; false when the link is down or full. */
export type FrameSender = (to: number, channel: Channel, parts: readonly Uint8Array[]) => boolean

const frameTargetBytes = 2 << 20
/** Entries from this size on are sent as they lie in the log, to each peer, without a copy. */
const asideBytesMin = 4096

/** The frame that is being gathered for one channel of a peer. */
class Pending {
  readonly to: number
  readonly channel: Channel
  readonly writer = new ByteWriter(512)
  count = 0
  /** Data that is sent from where it is, and what length the writer had at its place. */
  private aside: Uint8Array[] = []
  private readonly places: number[] = []
  private asideBytes = 0
  readonly setAside = (data: Uint8Array): boolean => {
    if (data.length < asideBytesMin) return false
    this.aside.push(data)
    this.places.push(this.writer.length)
    this.asideBytes += data.length
    return true
  }

  constructor(to: number, channel: Channel) {
    this.to = to
    this.channel = channel
  }

  /** Bytes of the frame so far. */
  get sizeBytes(): number {
    return this.writer.length + this.asideBytes
  }

  /** Hands out the frame's pieces in order; the next frame begins empty. */
  take(): Uint8Array[] {
    const written = this.writer.take()
    const parts: Uint8Array[] = []
    let at = 0
    for (let i = 0; i < this.aside.length; i++) {
      const place = this.places[i] as number
      parts.push(written.subarray(at, place), this.aside[i] as Uint8Array)
      at = place
    }
    parts.push(at === 0 ? written : written.subarray(at))
    this.writer.clear()
    this.aside = []
    this.places.length = 0
    this.asideBytes = 0
    this.count = 0
    return parts
  }
}

/** Gathers messages into frames. */
export class Outbox {
  private readonly pending = new Map<string, Pending>()
  private readonly send: FrameSender
  private readonly lost: (to: number) => void

  constructor(send: FrameSender, lost: (to: number) => void) {
    this.send = send
    this.lost = lost
  }

  /** Adds a message; `logTimeMs` is the leader's log clock, or 0. */
  add(message: Message, logTimeMs: number): void {
    const channel: Channel = message.type === 'MsgApp' ? 'bulk' : 'control'
    const key = `${message.to}${channel}`
    let pending = this.pending.get(key)
    if (pending === undefined) this.pending.set(key, (pending = new Pending(message.to, channel)))
    const { writer } = pending
    if (pending.count === 0) writer.f64(logTimeMs)
    pending.count++
    const start = writer.length
    const before = pending.sizeBytes
    writer.u32(0)
    encodeMessage(writer, message, pending.setAside)
    patchU32(writer, start, pending.sizeBytes - before - 4)
    if (pending.sizeBytes >= frameTargetBytes) this.emit(pending)
  }

  /** Sends what was gathered. */
  flush(): void {
    for (const pending of this.pending.values()) if (pending.count > 0) this.emit(pending)
  }

  private emit(pending: Pending): void {
    if (!this.send(pending.to, pending.channel, pending.take())) this.lost(pending.to)
  }
}

function patchU32(writer: ByteWriter, at: number, value: number): void {
  for (let i = 0; i < 4; i++) writer.bytes[at + i] = (value >>> (8 * i)) & 0xff
}

/** Reads a frame of messages: its log time, then each message in order. Throws `MalformedFrame`. */
export function readMessages(payload: Uint8Array, each: (message: Message) => void): number {
  const reader = new ByteReader(payload)
  const logTimeMs = reader.f64()
  while (reader.remaining > 0) {
    const length = reader.u32()
    const start = reader.at
    reader.raw(length)
    each(decodeMessage(new ByteReader(payload, start, start + length)))
  }
  return logTimeMs
}
