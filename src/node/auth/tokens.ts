/**
 * Tokens: a user's name, signed with a key that all members know from the log. So every node can read one, nothing is written to
 * hand one out, and all of them are void when permissions are put in force anew.
 *
 *   base64url(u8 format 1, string user, uint auth revision, uint end in log time), '.', base64url(HMAC-SHA-256 of the first part)
 *
 * A user without a name is a member: with such a token, nodes pass on to each other what they have checked.
 */
import { ByteReader, ByteWriter, isNitroError, utf8 } from '../../../base/index.ts'
import type { Secrets } from '../../../base/index.ts'
import { sameSecret } from './passwords.ts'

const format = 1
/** No token that was made here is longer. */
const tokenLengthMax = 1_024

/** What a token says. */
export interface TokenClaims {
  readonly user: string
  /** The auth revision at which it was made. */
  readonly authRevision: number
  /** Log time from which on it counts no more, in milliseconds. */
  readonly endMs: number
}

/** Makes a token. */
export function signToken(secrets: Secrets, signingKey: Uint8Array, claims: TokenClaims): string {
  const writer = new ByteWriter(64)
  writer.u8(format)
  writer.string(claims.user)
  writer.uint(claims.authRevision)
  writer.uint(claims.endMs)
  const body = encode(writer.view())
  return `${body}.${encode(secrets.mac(signingKey, utf8(body)))}`
}

/** What a token says; undefined for one that was not signed with this key. */
export function readToken(secrets: Secrets, signingKey: Uint8Array, token: string): TokenClaims | undefined {
  if (token.length > tokenLengthMax) return undefined
  const [body = '', signature = '', ...rest] = token.split('.')
  if (rest.length > 0 || !sameSecret(utf8(encode(secrets.mac(signingKey, utf8(body)))), utf8(signature)))
    return undefined
  try {
    const reader = new ByteReader(Buffer.from(body, 'base64url'))
    if (reader.u8() !== format) return undefined
    const claims = { user: reader.string(), authRevision: reader.uint(), endMs: reader.uint() }
    reader.finish()
    return claims
  } catch (thrown) {
    if (isNitroError(thrown, 'MalformedFrame')) return undefined
    throw thrown
  }
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url')
}
