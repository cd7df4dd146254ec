/**
 * Arguments and results of the session program. Its commands carry the session's id as an argument and no session header:
 * each is idempotent, and a full window can't block them.
 *
 *   open    16 bytes id            -> u8 1 created, 0 it was open
 *   close   16 bytes id            -> u8 1 closed, 0 it was unknown
 *   cancel  16 bytes id, uint seq  -> u8 1 the number will never execute, 0 it has executed
 */
import { ByteReader, ByteWriter, assert } from '../base/index.ts'
import { sessionIdBytes } from './command.ts'

/** Arguments of session.open and session.close. */
export function encodeSessionArgs(session: Uint8Array): Uint8Array {
  assert(session.length === sessionIdBytes, 'session id of 16 bytes')
  return session.slice()
}

/** Arguments of session.cancel: consumes `seq`, so that its command, arriving later, is already answered `Cancelled`. */
export function encodeCancelArgs(session: Uint8Array, seq: number): Uint8Array {
  const writer = new ByteWriter(32)
  writer.raw(encodeSessionArgs(session))
  writer.uint(seq)
  return writer.take()
}

/** The payload of a session method's result: created, closed, or cancelled before it executed. */
export function decodeSessionResult(payload: Uint8Array): boolean {
  const reader = new ByteReader(payload)
  const done = reader.u8() === 1
  reader.finish()
  return done
}
