/**
 * The bytes of an outcome.
 *
 *   u8 status   0 ok: the payload is all the rest, in the method's own encoding
 *               1, 2, 3 error with executed no, maybe, yes: string code, canonical details
 *
 * No message is in it: messages are for people and may differ between versions, results are replicated.
 */
import {
  ByteReader,
  ByteWriter,
  NitroError,
  decodeValueFrom,
  encodeValueTo,
  errorCodes,
  isErrorCode,
} from '../base/index.ts'
import type { ErrorDetails, Executed } from '../base/index.ts'

/** A decoded outcome. The payload is a view into the result's bytes. */
export type Result =
  | { readonly ok: true; readonly payload: Uint8Array }
  | { readonly ok: false; readonly error: NitroError }

const executedByStatus: readonly Executed[] = ['no', 'maybe', 'yes']

/** The first byte of a result that is no error. */
export const okStatus = 0

/** An ok outcome around a payload. */
export function okResult(payload: Uint8Array): Uint8Array {
  const out = new Uint8Array(1 + payload.length)
  out.set(payload, 1)
  return out
}

/** The outcome that says this error: its code, `executed` and details. */
export function errorResult(error: NitroError): Uint8Array {
  const writer = new ByteWriter(64)
  writer.u8(1 + executedByStatus.indexOf(error.executed))
  writer.string(error.code)
  encodeValueTo(writer, error.details)
  return writer.take()
}

/** Reads an outcome. Throws `MalformedFrame` for bytes that are none, `NotCanonical` for details that are not. */
export function decodeResult(bytes: Uint8Array): Result {
  const reader = new ByteReader(bytes)
  const status = reader.u8()
  if (status === okStatus) return { ok: true, payload: bytes.subarray(1) }
  const executed = executedByStatus[status - 1]
  if (executed === undefined) throw new NitroError('MalformedFrame', `result status ${status}`)
  const code = reader.string()
  const details = decodeValueFrom(reader)
  reader.finish()
  if (details === null || Object.getPrototypeOf(details) !== Object.prototype) {
    throw new NitroError('MalformedFrame', 'error without details')
  }
  return { ok: false, error: errorOf(code, executed, details as ErrorDetails) }
}

/** A newer machine may answer with a code that this version does not know. */
function errorOf(code: string, executed: Executed, details: ErrorDetails): NitroError {
  if (!isErrorCode(code)) {
    return new NitroError('UnsupportedFormat', `the machine answered ${code}`, {
      executed,
      details: { ...details, code },
    })
  }
  return new NitroError(code, describe(code, details), { executed, details })
}

function describe(code: keyof typeof errorCodes, details: ErrorDetails): string {
  const method = `${String(details['program'])}.${String(details['method'])}`
  if (code === 'ProgramError') return `${method} failed with ${String(details['code'])}`
  if (code === 'NonDeterministic') return `${method} is not deterministic: ${String(details['what'])}`
  return errorCodes[code].summary
}
