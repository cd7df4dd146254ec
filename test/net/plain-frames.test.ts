import { EventEmitter, once } from 'node:events'
import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as ws from 'ws'
import { PlainFrames } from '../../net/plain-frames.ts'

/** What `ws` reads with; its types do not name it. */
const { Receiver } = ws as unknown as {
  Receiver: new (options: { isServer: boolean; maxPayload: number }) => Writable
}
const maxBytes = 70_000

/** How a frame is sent: what is told of it, and its bytes. */
interface Sent {
  readonly told: readonly string[]
  readonly bytes: Buffer
}

function frame(first: number, payload: Uint8Array, key: Uint8Array | undefined): Buffer {
  const { length } = payload
  const masked = key === undefined ? 0 : 0x80
  const head =
    length < 126
      ? Buffer.of(first, masked | length)
      : length < 0x1_0000
        ? Buffer.of(first, masked | 126, length >> 8, length)
        : Buffer.of(first, masked | 127, 0, 0, 0, 0, 0, length >> 16, length >> 8, length)
  if (key === undefined) return Buffer.concat([head, payload])
  return Buffer.concat([head, key, payload.map((byte, i) => byte ^ (key[i % 4] as number))])
}

const digest = (payload: Uint8Array): string => `${payload.length} ${payload[0]} ${payload.at(-1)}`

const payloadOf = (length: number, byte: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i % 251 === 0 ? byte : i))
const lengths = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 200 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 65_000, max: maxBytes }) },
)

/** Frames to an end that expects masks, or does not. */
function frames(masked: boolean): fc.Arbitrary<Sent> {
  const zero = masked ? Uint8Array.of(0, 0, 0, 0) : undefined
  const payloads = fc.tuple(lengths, fc.nat(255)).map(([length, byte]) => payloadOf(length, byte))
  const keys = masked ? fc.uint8Array({ minLength: 4, maxLength: 4 }) : fc.constant(undefined)
  return fc.oneof(
    { weight: 6, arbitrary: payloads.map((payload) => one(0x82, payload, zero)) },
    { weight: 1, arbitrary: fc.tuple(payloads, keys).map(([payload, key]) => one(0x82, payload, key)) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom(0x89, 0x8a), fc.nat(125), keys).map(([first, length, key]) => ({
        told: [`${first === 0x89 ? 'ping' : 'pong'} ${length}`],
        bytes: frame(first, payloadOf(length, 7), key),
      })),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(payloads, payloads, keys).map(([a, b, key]) => ({
        told: [digest(Buffer.concat([a, b]))].filter(() => a.length + b.length <= maxBytes),
        bytes:
          a.length + b.length > maxBytes ? Buffer.alloc(0) : Buffer.concat([frame(0x02, a, key), frame(0x80, b, zero)]),
      })),
    },
  )
}

const one = (first: number, payload: Uint8Array, key: Uint8Array | undefined): Sent => ({
  told: [digest(payload)],
  bytes: frame(first, payload, key),
})

/** A socket that tells what it is given, with a receiver of `ws` behind the short way. */
class End {
  readonly told: string[] = []
  /** Messages that took the short way. */
  short = 0
  readonly errors: string[] = []
  readonly receiver: Writable
  private readonly socket = new EventEmitter()

  constructor(masked: boolean) {
    const receiver = new Receiver({ isServer: masked, maxPayload: maxBytes })
    this.receiver = receiver
    receiver.on('message', (data: Buffer) => this.told.push(digest(data)))
    receiver.on('ping', (data: Buffer) => this.told.push(`ping ${data.length}`))
    receiver.on('pong', (data: Buffer) => this.told.push(`pong ${data.length}`))
    receiver.on('error', (error: NodeJS.ErrnoException) => this.errors.push(error.code ?? error.message))
    this.socket.on('data', (chunk: Buffer) => receiver.write(chunk))
    const deliver = (payload: Uint8Array): void => {
      this.told.push(digest(payload))
      this.short++
    }
    new PlainFrames(this.socket as Socket, { masked, maxBytes, deliver })
  }

  read(chunk: Buffer): void {
    // Memory of its own, as a socket's is: what begins within it must be counted from where it lies.
    this.socket.emit('data', Buffer.concat([Buffer.of(1, 2, 3), chunk]).subarray(3))
  }
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const out: Buffer[] = []
  let at = 0
  for (const length of cuts) {
    if (at >= bytes.length) break
    out.push(bytes.subarray(at, at + length))
    at += length
  }
  return [...out, bytes.subarray(at)].filter(({ length }) => length > 0)
}

describe.each([
  ['masked', true],
  ['unmasked', false],
])('plain frames, %s', (_, masked) => {
  const zero = masked ? Uint8Array.of(0, 0, 0, 0) : undefined

  test('all frames arrive once, whole and in order, however the bytes are cut', () => {
    const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 40_000 })), {
      maxLength: 60,
    })
    fc.assert(
      fc.property(fc.array(frames(masked), { maxLength: 12 }), cuts, (sent, lengthsOfChunks) => {
        const end = new End(masked)
        const bytes = Buffer.concat(sent.map((each) => each.bytes))
        for (const chunk of cut(bytes, lengthsOfChunks)) end.read(chunk)
        expect(end.told).toEqual(sent.flatMap(({ told }) => told))
        expect(end.errors).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  test('whole frames take the short way, before and after a ping and one that came in pieces', () => {
    const end = new End(masked)
    const plain = frame(0x82, payloadOf(300, 1), zero)
    end.read(Buffer.concat([plain, plain]))
    end.read(Buffer.concat([plain, frame(0x89, payloadOf(3, 1), zero), plain.subarray(0, 100)]))
    expect(end.short).toBe(3)
    end.read(Buffer.concat([plain.subarray(100), plain, plain.subarray(0, 3)]))
    end.read(plain.subarray(3))
    expect([end.short, end.told.length]).toEqual([5, 7])
  })

  test('nothing is delivered after a close', () => {
    const end = new End(masked)
    const plain = frame(0x82, payloadOf(30, 1), zero)
    end.read(Buffer.concat([plain, frame(0x88, Uint8Array.of(3, 0xe8), zero), plain]))
    end.read(plain)
    expect([end.told, end.errors]).toEqual([[digest(payloadOf(30, 1))], []])
  })

  test('what breaks the protocol is refused by ws, with what came before it delivered', async () => {
    const plain = frame(0x82, payloadOf(30, 1), zero)
    const other = masked ? undefined : Uint8Array.of(0, 0, 0, 0)
    for (const [bad, code] of [
      [frame(0x82, payloadOf(30, 1), other), masked ? 'WS_ERR_EXPECTED_MASK' : 'WS_ERR_UNEXPECTED_MASK'],
      [frame(0xc2, payloadOf(30, 1), zero), 'WS_ERR_UNEXPECTED_RSV_1'],
      [frame(0x83, payloadOf(30, 1), zero), 'WS_ERR_INVALID_OPCODE'],
      [frame(0x82, payloadOf(maxBytes + 1, 1), zero), 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'],
      [frame(0x09, payloadOf(3, 1), zero), 'WS_ERR_EXPECTED_FIN'],
      [frame(0xa9, payloadOf(3, 1), zero), 'WS_ERR_UNEXPECTED_RSV_2_3'],
      [frame(0x89, payloadOf(126, 1), zero), 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'],
      [Buffer.concat([frame(0x02, payloadOf(3, 1), zero), plain]), 'WS_ERR_INVALID_OPCODE'],
    ] as const) {
      const end = new End(masked)
      const failed = once(end.receiver, 'error')
      end.read(Buffer.concat([plain, bad, plain]))
      await failed
      expect([end.errors, end.told]).toEqual([[code], [digest(payloadOf(30, 1))]])
    }
  })
})
