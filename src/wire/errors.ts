/** Errors in envelopes. A code this version does not know becomes `Unavailable`, with the code in its details. */
import { isErrorCode, NitroError } from '../../base/index.ts'
import type { ErrorDetails, Executed } from '../../base/index.ts'

/** A {@link NitroError} as plain data; its cause stays at home. */
export interface ErrorRecord {
  readonly code: string
  readonly message: string
  readonly retryable: boolean
  readonly executed: Executed
  readonly details: ErrorDetails
  readonly [key: string]: string | boolean | ErrorDetails
}

/** The plain data of an error. */
export function encodeError(error: NitroError): ErrorRecord {
  const { code, message, retryable, executed, details } = error
  return { code, message, retryable, executed, details }
}

/** The error of plain data. Throws `MalformedFrame` when that is not the shape of one. */
export function decodeError(value: unknown): NitroError {
  if (!isObject(value)) throw malformed()
  const { code, message, retryable, executed, details: given } = value
  if (typeof code !== 'string' || typeof message !== 'string' || typeof retryable !== 'boolean') throw malformed()
  if (!isExecuted(executed) || !isDetails(given)) throw malformed()
  const details = plainDetails(given)
  if (isErrorCode(code)) return new NitroError(code, message, { retryable, executed, details })
  return new NitroError('Unavailable', message, { retryable, executed, details: { ...details, code } })
}

/** Bytes come out of an envelope as Node's own kind. */
function plainDetails(details: ErrorDetails): ErrorDetails {
  const plain = ([name, value]: [string, ErrorDetails[string]]): [string, ErrorDetails[string]] => [
    name,
    value instanceof Uint8Array ? new Uint8Array(value) : value,
  ]
  return Object.fromEntries(Object.entries(details).map(plain))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

function isExecuted(value: unknown): value is Executed {
  return value === 'no' || value === 'maybe' || value === 'yes'
}

function isDetails(value: unknown): value is ErrorDetails {
  return isObject(value) && Object.values(value).every(isDetail)
}

function isDetail(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string')
  if (value === null || value instanceof Uint8Array) return true
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function malformed(): NitroError {
  return new NitroError('MalformedFrame', 'malformed error')
}
