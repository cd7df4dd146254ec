/**
 * Sessions: what makes a numbered command execute at most once.
 *
 * A session keeps the answers of its numbers above `answeredUpTo` in a ring, so finding a duplicate is one look. Commands
 * may arrive in any order. The least recently used session (by log order) is evicted when there are too many; answers and
 * that order are replicated state and part of the hash.
 */
import { NitroError, addHash, equalBytes, latin1, present, subtractHash } from '../base/index.ts'
import type { Hash128, KvChange } from '../base/index.ts'
import { sessionIdBytes } from './command.ts'
import type { CommandHeader } from './command.ts'
import type { MachineLimits } from './limits.ts'
import { errorResult } from './result.ts'
import { damaged } from './record.ts'
import { Session } from './session.ts'
import { decodeSession, hashSession, sessionKey } from './session-record.ts'

const evicted = errorResult(new NitroError('SessionEvicted', '', { executed: 'maybe' }))
const superseded = errorResult(new NitroError('Superseded', '', { executed: 'maybe' }))
const cancelled = errorResult(new NitroError('Cancelled', '', { executed: 'no' }))

/** Bytes a touched session adds to what the next flush writes, besides its answers. */
const recordBytes = 48

const recentSlots = 4096
const noneRecent = Array.from<Session | undefined>({ length: recentSlots })

/** Every open session of a machine. */
export class Sessions {
  /** Uses ever counted; the order of sessions by use. */
  uses = 0
  /** Roughly what the next seal will write, in bytes. */
  dirtyBytes = 0
  private readonly limits: MachineLimits
  private readonly open = new Map<string, Session>()
  /** Sessions seen lately, by the first bits of their ids; only a shortcut to `open`. */
  private readonly recent = noneRecent.slice()
  /** Ends of the list by use: the head is evicted next. */
  private head: Session | undefined
  private tail: Session | undefined
  private dirty: Session[] = []
  private gone: string[] = []
  private stale: Session[] = []
  private readonly sum: Hash128 = new Uint32Array(4)

  constructor(limits: MachineLimits) {
    this.limits = limits
  }

  get count(): number {
    return this.open.size
  }

  /**
   * Admits a numbered command. A session: execute it and then call {@link answer}. Result bytes: they are its answer, and
   * nothing may be executed.
   */
  admit(bytes: Uint8Array, header: CommandHeader): Session | Uint8Array {
    const session = this.find(bytes, header.sessionAt)
    if (session === undefined) return evicted
    this.touch(session)
    session.advance(header.answeredUpTo)
    const { seq } = header
    if (seq <= session.answeredUpTo) return superseded
    const known = session.answerOf(seq)
    if (known !== undefined) return known
    return this.refusal(session, seq) ?? session
  }

  /** Keeps the result of an admitted command. */
  answer(session: Session, seq: number, result: Uint8Array): void {
    if (!session.isOpen) return
    session.keep(seq, result)
    this.dirtyBytes += result.length
  }

  /** Opens a session, evicting the least recently used one if there are too many. False: it was open already. */
  add(id: string): boolean {
    const known = this.open.get(id)
    if (known !== undefined) {
      this.touch(known)
      return false
    }
    if (this.open.size >= this.limits.sessions) this.remove(this.head as Session)
    const session = new Session(id)
    this.open.set(id, session)
    this.touch(session)
    return true
  }

  /** Closes a session. False: it was not open. */
  close(id: string): boolean {
    const session = this.open.get(id)
    if (session === undefined) return false
    this.remove(session)
    return true
  }

  /** Consumes a number. True: its command will never execute; false: it has. An error's result if it can't be said. */
  cancel(id: string, seq: number): boolean | Uint8Array {
    const session = this.open.get(id)
    if (session === undefined) return evicted
    this.touch(session)
    if (seq <= session.answeredUpTo) return false
    const known = session.answerOf(seq)
    if (known !== undefined) return equalBytes(known, cancelled)
    const refusal = this.refusal(session, seq)
    if (refusal !== undefined) return refusal
    this.answer(session, seq, cancelled)
    return true
  }

  /** The sum of the hashes of all sessions; those used since the last call are hashed now. */
  hash(): Hash128 {
    for (const session of this.stale) {
      session.isStale = false
      if (!session.isOpen) continue
      subtractHash(this.sum, session.hash)
      hashSession(session)
      addHash(this.sum, session.hash)
    }
    this.stale.length = 0
    return this.sum
  }

  /** What to store so that the disk has every change since the last call. */
  seal(): KvChange[] {
    this.hash()
    const changes: KvChange[] = []
    for (const id of this.gone) {
      if (!this.open.has(id)) changes.push({ key: sessionKey(id), value: undefined })
    }
    for (const session of this.dirty) {
      session.isDirty = false
      if (!session.isOpen) continue
      changes.push({ key: sessionKey(session.id), value: present(session.stored, 'stored session') })
      session.stored = undefined
    }
    this.gone = []
    this.dirty = []
    this.dirtyBytes = 0
    return changes
  }

  /** Takes a stored session in. Throws `StateDamaged`. */
  load(key: Uint8Array, value: Uint8Array): void {
    const session = decodeSession(key, value)
    if (this.open.has(session.id)) throw damaged('a session is stored twice')
    this.open.set(session.id, session)
    addHash(this.sum, session.hash)
  }

  /** Restores the order by use once all are loaded. Throws `StateDamaged`. */
  finishLoad(uses: number): void {
    const sessions = [...this.open.values()].sort((a, b) => a.lastUse - b.lastUse)
    let before = 0
    for (const session of sessions) {
      if (session.lastUse <= before || session.lastUse > uses) throw damaged('sessions have no order')
      before = session.lastUse
      this.append(session)
    }
    this.uses = uses
  }

  /** The session whose id stands at `at`; one seen lately is found without making a string. */
  private find(bytes: Uint8Array, at: number): Session | undefined {
    const slot = ((bytes[at] as number) | ((bytes[at + 1] as number) << 8)) & (recentSlots - 1)
    const recent = this.recent[slot]
    if (recent !== undefined && recent.isOpen && hasId(recent, bytes, at)) return recent
    const session = this.open.get(latin1(bytes, at, at + sessionIdBytes))
    if (session !== undefined) this.recent[slot] = session
    return session
  }

  private refusal(session: Session, seq: number): Uint8Array | undefined {
    const { sessionWindow, sessionAnswerBytes } = this.limits
    if (seq > session.answeredUpTo + sessionWindow) return limitExceeded('sessionWindow', sessionWindow)
    if (session.answerBytes >= sessionAnswerBytes) return limitExceeded('sessionAnswerBytes', sessionAnswerBytes)
    return undefined
  }

  /** The session is the most recently used one, and will be hashed and written again. */
  private touch(session: Session): void {
    session.lastUse = ++this.uses
    if (this.tail !== session) {
      this.unlink(session)
      this.append(session)
    }
    if (!session.isStale) {
      session.isStale = true
      this.stale.push(session)
    }
    if (!session.isDirty) {
      session.isDirty = true
      this.dirty.push(session)
      this.dirtyBytes += recordBytes + session.answerBytes
    }
  }

  private remove(session: Session): void {
    this.unlink(session)
    this.open.delete(session.id)
    session.isOpen = false
    subtractHash(this.sum, session.hash)
    this.gone.push(session.id)
    this.dirtyBytes += recordBytes
  }

  private append(session: Session): void {
    session.before = this.tail
    session.after = undefined
    if (this.tail === undefined) this.head = session
    else this.tail.after = session
    this.tail = session
  }

  private unlink(session: Session): void {
    const { before, after } = session
    if (before !== undefined) before.after = after
    else if (this.head === session) this.head = after
    if (after !== undefined) after.before = before
    else if (this.tail === session) this.tail = before
    session.before = undefined
    session.after = undefined
  }
}

function hasId(session: Session, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < sessionIdBytes; i++) if (session.id.charCodeAt(i) !== bytes[at + i]) return false
  return true
}

function limitExceeded(name: string, limit: number): Uint8Array {
  return errorResult(new NitroError('LimitExceeded', '', { executed: 'no', details: { name, limit } }))
}
