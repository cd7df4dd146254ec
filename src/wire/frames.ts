/**
 * The kinds of messages on a session, and the smallest of them.
 *
 * Kinds 0-15 belong to net/. Peers use 16-31, clients 32-47. Numbers are part of the protocol and are never reused.
 */
import { ByteReader, ByteWriter, NitroError } from '../../base/index.ts'

/** The number of every kind of message. */
export const frameKinds = {
  // between members
  raft: 16,
  forward: 17,
  forwardResult: 18,
  snapshotChunk: 19,
  snapshotControl: 20,
  bootstrap: 21,
  hash: 22,
  // between a client and a node
  commands: 32,
  results: 33,
  queries: 34,
  queryResults: 35,
  call: 36,
  reply: 37,
  stream: 38,
  leaderHint: 39,
  watch: 40,
  watchEvents: 41,
} as const

/** What a node says about where a client is served best. */
export interface LeaderHint {
  /** `host:port` of the leader; empty when the node knows none. */
  readonly leader: string
  /** The node is stopping: whoever is connected should go elsewhere, to the leader or anywhere. */
  readonly leaving: boolean
}

const addressBytesMax = 512

/** The bytes of a {@link LeaderHint}. */
export function encodeLeaderHint(hint: LeaderHint): Uint8Array {
  const out = new ByteWriter(64)
  out.u8(hint.leaving ? 1 : 0)
  out.string(hint.leader)
  return out.take()
}

/** Reads a {@link LeaderHint}. Throws `MalformedFrame`. */
export function decodeLeaderHint(payload: Uint8Array): LeaderHint {
  const from = new ByteReader(payload)
  const leaving = from.u8()
  const leader = from.string()
  from.finish()
  if (leaving > 1) throw new NitroError('MalformedFrame', `leader hint with flag ${leaving}`)
  if (leader.length > addressBytesMax) throw new NitroError('MalformedFrame', 'leader hint with an overlong address')
  return { leader, leaving: leaving === 1 }
}
