/**
 * Comparing state between nodes while they run.
 *
 * At every 1,024th index each node tells the others its state hash. What a quorum of voters agrees on is right; a node that
 * differs from it must stop serving. "Not enough answers" is a state of its own and never counts as agreement
 * (etcd's v3.5 post-mortem: failures to compare were taken for passes).
 */
import { ByteReader, ByteWriter, NitroError, hex } from '../../base/index.ts'
import type { Configuration } from './configuration.ts'

/** Distance between compared indexes. */
export const hashInterval = 1024

/** What is known about one index. */
export type HashVerdict = 'agreed' | 'diverged' | 'undecided'

const roundsKept = 8

/** Collects hashes by index and judges this node's own. */
export class HashCheck {
  private readonly rounds = new Map<number, Map<number, string>>()
  /** Highest index at which a quorum agreed with this node. */
  agreedIndex = 0

  /** Takes one node's hash; returns the verdict on `self` at that index. */
  add(index: number, from: number, hash: Uint8Array, self: number, voters: readonly number[]): HashVerdict {
    if (index % hashInterval !== 0 || index <= this.agreedIndex) return 'undecided'
    let round = this.rounds.get(index)
    if (round === undefined) this.rounds.set(index, (round = new Map<number, string>()))
    round.set(from, hex(hash))
    this.forgetOld()
    const mine = round.get(self)
    if (mine === undefined) return 'undecided'
    const quorum = Math.floor(voters.length / 2) + 1
    const counts = new Map<string, number>()
    for (const [id, text] of round) if (voters.includes(id)) counts.set(text, (counts.get(text) ?? 0) + 1)
    for (const [text, count] of counts) {
      if (count < quorum) continue
      if (text !== mine) return 'diverged'
      this.agreedIndex = index
      return 'agreed'
    }
    return 'undecided'
  }

  private forgetOld(): void {
    while (this.rounds.size > roundsKept) {
      this.rounds.delete(Math.min(...this.rounds.keys()))
    }
  }
}

/** One node's hash at one index, for the wire. */
export function encodeHashNote(index: number, hash: Uint8Array): Uint8Array {
  const writer = new ByteWriter(24)
  writer.u64(index)
  writer.raw(hash)
  return writer.take()
}

/** The inverse of {@link encodeHashNote}. Throws `MalformedFrame`. */
export function decodeHashNote(payload: Uint8Array): { readonly index: number; readonly hash: Uint8Array } {
  const reader = new ByteReader(payload)
  const note = { index: reader.u64(), hash: reader.raw(16).slice() }
  reader.finish()
  return note
}

/** What the exchange of hashes stands on. */
export interface HashExchangeOptions {
  readonly selfId: number
  readonly members: () => Configuration
  readonly send: (to: number, note: Uint8Array) => void
  /** This node's state at `index` is not what a quorum has. */
  readonly diverged: (index: number) => void
}

/** Tells and hears hashes, and judges by {@link HashCheck}. */
export class HashExchange {
  private readonly options: HashExchangeOptions
  private readonly check = new HashCheck()

  constructor(options: HashExchangeOptions) {
    this.options = options
  }

  /** Highest index at which a quorum agreed with this node. */
  get agreedIndex(): number {
    return this.check.agreedIndex
  }

  /** This node's hash at an index, for everybody. */
  tell(index: number, hash: Uint8Array): void {
    const { selfId, members, send } = this.options
    const note = encodeHashNote(index, hash)
    for (const member of members().members) if (member.id !== selfId) send(member.id, note)
    this.judge(index, selfId, hash)
  }

  /** Another node's hash. Throws `MalformedFrame`. */
  hear(from: number, payload: Uint8Array): void {
    const { index, hash } = decodeHashNote(payload)
    this.judge(index, from, hash)
  }

  private judge(index: number, from: number, hash: Uint8Array): void {
    const { selfId, members, diverged } = this.options
    const verdict = this.check.add(index, from, hash, selfId, members().confState.voters)
    if (verdict === 'diverged') diverged(index)
  }
}

/** Why a node stops whose state is not what a quorum has. */
export function diverged(index: number): NitroError {
  const message = `the state at index ${index} differs from what a quorum has; this node stops serving`
  return new NitroError('StateDiverged', message, { details: { index } })
}
