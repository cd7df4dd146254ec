/** One session: its number line and the answers above what its client has acknowledged. */
import type { Hash128 } from '../base/index.ts'

/** An open session, a node of the list by use. */
export class Session {
  /** Sixteen bytes as latin1. */
  readonly id: string
  /** Invariant: no answer is kept at or below this number. */
  answeredUpTo = 0
  /** The highest number that has an answer; at least `answeredUpTo`. */
  highest = 0
  /** Answers kept. */
  answers = 0
  /** Bytes of the answers kept. */
  answerBytes = 0
  /** The count of session uses at its last one. */
  lastUse = 0
  /** The hash of its record when it was last computed; zero before. */
  readonly hash: Hash128 = new Uint32Array(4)
  /** Its stored value when it was last hashed; undefined once that is taken to be written. */
  stored: Uint8Array | undefined = undefined
  isOpen = true
  /** In the list of sessions to hash again. */
  isStale = false
  /** In the list of sessions to write. */
  isDirty = false
  before: Session | undefined = undefined
  after: Session | undefined = undefined
  /** The answer of `seq` at `seq % length`; the length is a power of two above `highest - answeredUpTo`. */
  private ring: (Uint8Array | undefined)[] = [undefined, undefined, undefined, undefined]

  constructor(id: string) {
    this.id = id
  }

  /** The kept answer of a number above `answeredUpTo`, or undefined when it has not been executed. */
  answerOf(seq: number): Uint8Array | undefined {
    return seq > this.highest ? undefined : this.ring[seq & (this.ring.length - 1)]
  }

  /** Keeps the answer of a number that has none, above `answeredUpTo`. */
  keep(seq: number, answer: Uint8Array): void {
    if (seq - this.answeredUpTo >= this.ring.length) this.widen(seq - this.answeredUpTo)
    this.ring[seq & (this.ring.length - 1)] = answer
    if (seq > this.highest) this.highest = seq
    this.answers++
    this.answerBytes += answer.length
  }

  /** Forgets the answers up to a number; a lower one than before changes nothing. */
  advance(upTo: number): void {
    if (upTo <= this.answeredUpTo) return
    const mask = this.ring.length - 1
    for (let seq = this.answeredUpTo + 1; seq <= upTo && seq <= this.highest; seq++) {
      const answer = this.ring[seq & mask]
      if (answer === undefined) continue
      this.ring[seq & mask] = undefined
      this.answers--
      this.answerBytes -= answer.length
    }
    this.answeredUpTo = upTo
    if (this.highest < upTo) this.highest = upTo
  }

  private widen(span: number): void {
    let length = this.ring.length
    while (length <= span) length *= 2
    const ring = Array.from<Uint8Array | undefined>({ length })
    for (let seq = this.answeredUpTo + 1; seq <= this.highest; seq++) {
      ring[seq & (length - 1)] = this.ring[seq & (this.ring.length - 1)]
    }
    this.ring = ring
  }
}
