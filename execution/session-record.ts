/**
 * The stored form of a session, which is also what is hashed.
 *
 *   key    's', 16 bytes id
 *   value  u8 format 1, uint last use, uint answeredUpTo, uint n, n x (uint seq, blob answer) in order,
 *          16 bytes: hash of the id and everything before
 */
import { ByteReader, ByteWriter, NitroError, fromLatin1, hash128Into, isNitroError, latin1 } from '../base/index.ts'
import { sessionIdBytes } from './command.ts'
import { damaged } from './record.ts'
import { Session } from './session.ts'

const sessionFormat = 1
const prefix = 0x73
const hashBytesLength = 16
const writer = new ByteWriter(4096)

/** The key of a session's stored record. */
export function sessionKey(id: string): Uint8Array {
  const key = new Uint8Array(1 + sessionIdBytes)
  key[0] = prefix
  key.set(fromLatin1(id), 1)
  return key
}

/** Computes the session's hash again, and its stored value with it. */
export function hashSession(session: Session): void {
  write(session)
  hash128Into(session.hash, 0, writer.bytes, 0, writer.length)
  for (const lane of session.hash) writer.u32(lane)
  session.stored = writer.bytes.slice(sessionIdBytes, writer.length)
}

/** A session from its stored record. Throws `StateDamaged`, or `UnsupportedFormat` for an intact one of another version. */
export function decodeSession(key: Uint8Array, value: Uint8Array): Session {
  if (key.length !== 1 + sessionIdBytes || value.length < hashBytesLength)
    throw damaged('a session record is too short')
  const session = new Session(latin1(key, 1))
  const end = value.length - hashBytesLength
  const whole = new Uint8Array(sessionIdBytes + end)
  whole.set(key.subarray(1), 0)
  whole.set(value.subarray(0, end), sessionIdBytes)
  hash128Into(session.hash, 0, whole, 0, whole.length)
  const stored = new ByteReader(value, end)
  for (const lane of session.hash) if (stored.u32() !== lane) throw damaged('a session record has a wrong checksum')
  try {
    read(new ByteReader(whole, sessionIdBytes), session)
  } catch (thrown) {
    if (isNitroError(thrown, 'MalformedFrame')) throw damaged(`a session record: ${thrown.message}`)
    throw thrown
  }
  return session
}

function write(session: Session): void {
  writer.clear()
  writer.raw(fromLatin1(session.id))
  writer.u8(sessionFormat)
  writer.uint(session.lastUse)
  writer.uint(session.answeredUpTo)
  writer.uint(session.answers)
  for (let seq = session.answeredUpTo + 1; seq <= session.highest; seq++) {
    const answer = session.answerOf(seq)
    if (answer === undefined) continue
    writer.uint(seq)
    writer.blob(answer)
  }
}

function read(reader: ByteReader, session: Session): void {
  const format = reader.u8()
  if (format !== sessionFormat) throw new NitroError('UnsupportedFormat', `session record of format ${format}`)
  session.lastUse = reader.uint()
  session.advance(reader.uint())
  const count = reader.uint()
  for (let i = 0; i < count; i++) {
    const seq = reader.uint()
    session.keep(seq, reader.blob())
  }
  reader.finish()
}
