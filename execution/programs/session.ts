/** The built-in session program: opens, closes, and consumes numbers. */
import { ByteReader, NitroError, latin1 } from '../../base/index.ts'
import { sessionIdBytes, sessionMethods } from '../command.ts'
import { okResult } from '../result.ts'
import type { Sessions } from '../sessions.ts'

const yes = okResult(Uint8Array.of(1))
const no = okResult(Uint8Array.of(0))

/** Applies a session method with the arguments in `bytes[at, end)` and returns its result. */
export function runSession(sessions: Sessions, method: number, bytes: Uint8Array, at: number, end: number): Uint8Array {
  const reader = new ByteReader(bytes, at, end)
  const id = latin1(reader.raw(sessionIdBytes))
  if (method === sessionMethods.cancel) {
    const seq = reader.uint()
    reader.finish()
    if (seq === 0) throw new NitroError('InvalidArgument', 'numbers begin at 1')
    const outcome = sessions.cancel(id, seq)
    return typeof outcome === 'boolean' ? answer(outcome) : outcome
  }
  reader.finish()
  return answer(method === sessionMethods.open ? sessions.add(id) : sessions.close(id))
}

function answer(done: boolean): Uint8Array {
  return done ? yes : no
}
