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

/** Takes finished frames; false when the link is down or full. */
export type FrameSender = (to: number, channel: Channel, payload: Uint8Array) => boolean

const frameTargetBytes = 2 << 20

interface Pending {
  readonly to: number
  readonly channel: Channel
  readonly writer: ByteWriter
  count: number
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
    if (pending === undefined) {
      this.pending.set(key, (pending = { to: message.to, channel, writer: new ByteWriter(512), count: 0 }))
    }
    const { writer } = pending
    if (pending.count === 0) {
      writer.clear()
      writer.f64(logTimeMs)
    }
    pending.count++
    const start = writer.length
    writer.u32(0)
    encodeMessage(writer, message)
    patchU32(writer, start, writer.length - start - 4)
    if (writer.length >= frameTargetBytes) this.emit(pending)
  }

  /** Sends what was gathered. */
  flush(): void {
    for (const pending of this.pending.values()) if (pending.count > 0) this.emit(pending)
  }

  private emit(pending: Pending): void {
    pending.count = 0
    if (!this.send(pending.to, pending.channel, pending.writer.take())) this.lost(pending.to)
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
