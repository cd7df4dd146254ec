/**
 * The bytes of a message between peers.
 *
 * ```
 *   format u8 = 1 | type u8 | flags u8 | to uint | from uint | term uint
 *   then as the flags say: logTerm, index, commit, rejectHint, round (uint each) | context blob | entries | snapshot
 *   entries  = count uint, first index uint, then per entry: term uint, type u8, data blob
 *   snapshot = index uint, term uint, confState, data blob
 * ```
 *
 * Decoding is strict: unknown numbers, absurd counts, entries that do not follow the anchor of their append, and bytes
 * left over are refused. Payloads are views into the input. Local messages and storage messages have no bytes.
 */
import { NitroError, assert } from '../../base/index.ts'
import type { ByteReader, ByteWriter } from '../../base/index.ts'
import { localTypes, messageTypes, newMessage } from './message.ts'
import type { Message } from './message.ts'
import { noEntries } from './types.ts'
import type { ConfState, Entry, EntryType, NodeId, Snapshot } from './types.ts'

/** The format number that this version writes and reads. */
export const messageFormat = 1

/** More entries in one message than this are refused on both sides. */
export const entriesPerMessageMax = 1_048_576

const countMax = 2 ** 52

/** More members in one configuration than this are refused. */
const membersMax = 4_096

const entryTypes: readonly EntryType[] = ['normal', 'confChange', 'confChangeV2']
const typeNumbers: ReadonlyMap<string, number> = new Map(messageTypes.map((name, i) => [name, i]))

const hasLog = 1
const hasReject = 2
const hasCommit = 4
const hasRound = 8
const hasForce = 16
const hasContext = 32
const hasEntries = 64
const hasSnapshot = 128

/** Takes the data of an entry whose place is at the end of what is written so far; false: it is to be written there. */
export type SetAside = (data: Uint8Array) => boolean

/** Appends the bytes of a message, but for what `aside` takes. Asserts that it is one that travels. */
export function encodeMessage(writer: ByteWriter, m: Message, aside?: SetAside): void {
  assert(!localTypes.has(m.type) && m.responses.length === 0 && m.vote === 0, () => `${m.type} does not travel`)
  assert(m.entries.length <= entriesPerMessageMax, () => `${m.entries.length} entries in one message`)
  let flags = 0
  if (m.logTerm !== 0 || m.index !== 0) flags |= hasLog
  if (m.reject) flags |= hasReject
  if (m.commit !== 0) flags |= hasCommit
  if (m.round !== 0) flags |= hasRound
  if (m.force) flags |= hasForce
  if (m.context.length !== 0) flags |= hasContext
  if (m.entries.length !== 0) flags |= hasEntries
  if (m.snapshot !== undefined) flags |= hasSnapshot
  writer.u8(messageFormat)
  writer.u8(typeNumbers.get(m.type) as number)
  writer.u8(flags)
  writer.uint(m.to)
  writer.uint(m.from)
  writer.uint(m.term)
  if ((flags & hasLog) !== 0) {
    writer.uint(m.logTerm)
    writer.uint(m.index)
  }
  if ((flags & hasCommit) !== 0) writer.uint(m.commit)
  if ((flags & hasReject) !== 0) writer.uint(m.rejectHint)
  if ((flags & hasRound) !== 0) writer.uint(m.round)
  if ((flags & hasContext) !== 0) writer.blob(m.context)
  if ((flags & hasEntries) !== 0) writeEntries(writer, m.entries, aside)
  if (m.snapshot !== undefined) writeSnapshot(writer, m.snapshot)
}

/** Reads one message; the reader may hold more behind it. Throws MalformedFrame. */
export function decodeMessage(reader: ByteReader): Message {
  const format = reader.u8()
  if (format !== messageFormat) throw malformed(`unknown format ${format}`)
  const type = messageTypes[reader.u8()]
  if (type === undefined || localTypes.has(type)) throw malformed('not a type that travels')
  const flags = reader.u8()
  const m = newMessage(type, reader.uint())
  m.from = reader.uint()
  m.term = reader.uint()
  if ((flags & hasLog) !== 0) {
    m.logTerm = reader.uint()
    m.index = reader.uint()
  }
  if ((flags & hasCommit) !== 0) m.commit = reader.uint()
  if ((flags & hasReject) !== 0) {
    m.reject = true
    m.rejectHint = reader.uint()
  }
  if ((flags & hasRound) !== 0) m.round = reader.uint()
  m.force = (flags & hasForce) !== 0
  if ((flags & hasContext) !== 0) m.context = reader.blob()
  if ((flags & hasEntries) !== 0) m.entries = readEntries(reader)
  if ((flags & hasSnapshot) !== 0) m.snapshot = readSnapshot(reader)
  check(m)
  return m
}

/** What no correct peer sends, and what would trip an assertion in the core. */
function check(m: Message): void {
  if (m.to === 0 || m.from === 0) throw malformed('a message without sender or target')
  // Room to count on from what a peer says.
  if (m.term > countMax || m.index > countMax) throw malformed('a term or index beyond 2^52')
  const forwarded = m.type === 'MsgProp' || m.type === 'MsgReadIndex'
  if (forwarded !== (m.term === 0)) throw malformed(`${m.type} of term ${m.term}`)
  if (m.type !== 'MsgApp' && m.type !== 'MsgProp' && m.entries.length > 0) throw malformed(`${m.type} with entries`)
  if (m.type === 'MsgSnap' && m.snapshot === undefined) throw malformed('MsgSnap without a snapshot')
  if (m.type !== 'MsgSnap' && m.snapshot !== undefined) throw malformed(`${m.type} with a snapshot`)
  if (m.type !== 'MsgApp') return
  let term = m.logTerm
  for (let i = 0; i < m.entries.length; i++) {
    const entry = m.entries[i] as Entry
    if (entry.index !== m.index + 1 + i) throw malformed('entries do not follow their anchor')
    if (entry.term < term || entry.term > m.term) throw malformed('terms of entries fall, or are of the future')
    term = entry.term
  }
}

function writeEntries(writer: ByteWriter, entries: readonly Entry[], aside: SetAside | undefined): void {
  writer.uint(entries.length)
  writer.uint((entries[0] as Entry).index)
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as Entry
    writer.uint(entry.term)
    writer.u8(entryTypes.indexOf(entry.type))
    writer.uint(entry.data.length)
    if (aside?.(entry.data) !== true) writer.raw(entry.data)
  }
}

function readEntries(reader: ByteReader): readonly Entry[] {
  const count = reader.uint()
  // Each entry takes at least three bytes, so a count can be refused before anything is allocated for it.
  if (count === 0 || count > entriesPerMessageMax || count * 3 > reader.remaining) throw malformed(`${count} entries`)
  const first = reader.uint()
  if (!Number.isSafeInteger(first + count)) throw malformed('index above 2^53')
  const entries: Entry[] = []
  for (let i = 0; i < count; i++) {
    const term = reader.uint()
    const type = entryTypes[reader.u8()]
    if (type === undefined) throw malformed('unknown entry type')
    // Proposals have no place yet: all their indexes are 0.
    entries.push({ term, index: first === 0 ? 0 : first + i, type, data: reader.blob() })
  }
  return entries.length === 0 ? noEntries : entries
}

/** Appends the bytes of a snapshot; also used by those who keep snapshots. */
export function writeSnapshot(writer: ByteWriter, snapshot: Snapshot): void {
  writer.uint(snapshot.meta.index)
  writer.uint(snapshot.meta.term)
  writeConfState(writer, snapshot.meta.confState)
  writer.blob(snapshot.data)
}

/** Reads what {@link writeSnapshot} wrote. Throws MalformedFrame. */
export function readSnapshot(reader: ByteReader): Snapshot {
  const index = reader.uint()
  const term = reader.uint()
  const confState = readConfState(reader)
  return { meta: { index, term, confState }, data: reader.blob() }
}

/** Appends the bytes of a configuration. */
export function writeConfState(writer: ByteWriter, state: ConfState): void {
  for (const ids of [state.voters, state.learners, state.votersOutgoing, state.learnersNext]) {
    writer.uint(ids.length)
    for (const id of ids) writer.uint(id)
  }
  writer.u8(state.autoLeave ? 1 : 0)
}

/** Reads what {@link writeConfState} wrote. Throws MalformedFrame. */
export function readConfState(reader: ByteReader): ConfState {
  const voters = readIds(reader)
  const learners = readIds(reader)
  const votersOutgoing = readIds(reader)
  const learnersNext = readIds(reader)
  const autoLeave = reader.u8()
  if (autoLeave > 1) throw malformed('a flag that is neither 0 nor 1')
  return { voters, learners, votersOutgoing, learnersNext, autoLeave: autoLeave === 1 }
}

function readIds(reader: ByteReader): NodeId[] {
  const count = reader.uint()
  if (count > membersMax || count > reader.remaining) throw malformed(`${count} members`)
  const ids: NodeId[] = []
  let last = 0
  for (let i = 0; i < count; i++) {
    const id = reader.uint()
    if (id <= last) throw malformed('member ids are not ascending')
    ids.push(id)
    last = id
  }
  return ids
}

function malformed(what: string): NitroError {
  return new NitroError('MalformedFrame', `malformed raft message: ${what}`)
}
