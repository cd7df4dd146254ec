/** What a traced process sent: WebSocket frames put together from the writes of each connection, and messages out of them. */
import { ByteReader } from '../../../base/index.ts'
import { decodeMessage } from '../../../consensus/index.ts'
import type { Message } from '../../../consensus/index.ts'
import { frameKinds } from '../../../src/wire/index.ts'
import type { Syscall } from './strace.ts'

/** Something that left the process. */
export interface Sent {
  /** Line of the trace at which the write of its first byte began. */
  readonly line: number
  readonly seconds: number
  /** A message to a peer; undefined for answers to clients. */
  readonly message: Message | undefined
}

/** All messages to peers and all answers to clients, in order of their first byte. */
export function sentIn(calls: readonly Syscall[]): Sent[] {
  const connections = new Map<string, Connection>()
  for (const call of calls) {
    if (!call.target.startsWith('TCP')) continue
    const length = call.result ?? call.data.length
    if (length <= 0) continue
    const name = `${call.fd} ${call.target}`
    const connection = connections.get(name) ?? new Connection()
    connections.set(name, connection)
    connection.wrote(call.data.subarray(0, length), call)
  }
  return [...connections.values()].flatMap(({ sent }) => sent).toSorted((a, b) => a.line - b.line)
}

/** One direction of one connection. */
class Connection {
  readonly sent: Sent[] = []
  private bytes = Buffer.alloc(0)
  /** The write in which the bytes not yet understood begin. */
  private first: Syscall | undefined
  /** The request or response before the first frame is over. */
  private upgraded = false

  wrote(data: Buffer, call: Syscall): void {
    if (this.bytes.length === 0) this.first = call
    this.bytes = Buffer.concat([this.bytes, data])
    if (!this.upgraded) {
      const end = this.bytes.indexOf('\r\n\r\n')
      if (end < 0) return
      this.upgraded = true
      this.take(end + 4, call)
    }
    for (;;) {
      const frame = frameAt(this.bytes)
      if (frame === undefined) return
      this.understand(frame.opcode, frame.payload)
      this.take(frame.size, call)
    }
  }

  private take(size: number, call: Syscall): void {
    this.bytes = this.bytes.subarray(size)
    this.first = call
  }

  private understand(opcode: number, payload: Buffer): void {
    const { began: line, seconds } = this.first as Syscall
    // Version 0 is a handshake.
    if (opcode !== 2 || payload[0] === 0) return
    if (payload[1] === frameKinds.results) this.sent.push({ line, seconds, message: undefined })
    if (payload[1] !== frameKinds.raft) return
    const reader = new ByteReader(payload, 2 + 8)
    while (reader.remaining > 0) {
      const length = reader.u32()
      const start = reader.at
      reader.raw(length)
      this.sent.push({ line, seconds, message: decodeMessage(new ByteReader(payload, start, start + length)) })
    }
  }
}

/** The whole frame at the start (RFC 6455 section 5.2), if it is there. Mask keys are zero. */
function frameAt(bytes: Buffer): { opcode: number; payload: Buffer; size: number } | undefined {
  if (bytes.length < 2) return undefined
  const second = bytes[1] as number
  let length = second & 0x7f
  let at = 2
  if (length >= 126) {
    const size = length === 126 ? 2 : 6
    // The upper two of eight bytes are zero: no frame is that long.
    at = length === 126 ? 2 : 4
    if (bytes.length < at + size) return undefined
    length = bytes.readUIntBE(at, size)
    at += size
  }
  if ((second & 0x80) !== 0) at += 4
  if (bytes.length < at + length) return undefined
  return { opcode: (bytes[0] as number) & 0x0f, payload: bytes.subarray(at, at + length), size: at + length }
}
