/** Frames of HTTP/2 (RFC 9113) and literals of its headers, as far as a gRPC client needs them. */

/** Bytes before the payload of a frame. */
export const frameHeaderBytes = 9
/** Types of frames that matter here. */
export const frameTypes = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const
/** Flag of DATA and HEADERS: the last frame of its sender on this stream. */
export const endStream = 1
/** Flag of SETTINGS and PING. */
export const ack = 1
/** Flag of HEADERS. */
export const endHeaders = 4
/** Bytes that may be sent before anything was agreed. */
export const initialWindow = 65_535
/** A window that no load fills. */
export const largeWindow = 1 << 30
/** The setting that says how many bytes a new stream takes. */
export const initialWindowSetting = 4
/** Bytes of a setting. */
export const settingBytes = 6
/** What a client says first. */
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** A frame. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeaderBytes + payload.length)
  bytes.writeUIntBE(payload.length, 0, 3)
  bytes[3] = type
  bytes[4] = flags
  bytes.writeUInt32BE(stream, 5)
  bytes.set(payload, frameHeaderBytes)
  return bytes
}

/** Lets the other end send so many bytes more on the connection. */
export function windowUpdate(bytes: number): Buffer {
  const increment = Buffer.alloc(4)
  increment.writeUInt32BE(bytes)
  return frame(frameTypes.windowUpdate, 0, 0, increment)
}

/** A string literal without Huffman coding, shorter than 127 bytes. */
export function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}
