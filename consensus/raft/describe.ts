/**
 * Text for people: messages, entries, Readys, progress and configurations, in the format of etcd/raft's transcripts.
 */
import { isNitroError, messageOf } from '../../base/index.ts'
import { asV2 } from './confchange.ts'
import type { ConfChangeSingle } from './confchange.ts'
import { confChangeOf } from './confchange-codec.ts'
import type { Message } from './message.ts'
import type { Progress } from './progress.ts'
import type { Ready } from './ready.ts'
import type { Configuration, ProgressMap } from './tracker.ts'
import { sortedIds } from './tracker.ts'
import { localAppendThread, localApplyThread, none } from './types.ts'
import type { ConfState, Entry, EntryType, HardState, NodeId, Role, Snapshot, SoftState } from './types.ts'

/** Turns the payload of a normal entry into text. */
export type EntryFormatter = (data: Uint8Array) => string

const roleNames: Readonly<Record<Role, string>> = {
  follower: 'StateFollower',
  candidate: 'StateCandidate',
  leader: 'StateLeader',
  preCandidate: 'StatePreCandidate',
}

const entryTypeNames: Readonly<Record<EntryType, string>> = {
  normal: 'EntryNormal',
  confChange: 'EntryConfChange',
  confChangeV2: 'EntryConfChangeV2',
}

const progressNames = { probe: 'StateProbe', replicate: 'StateReplicate', snapshot: 'StateSnapshot' } as const
const stepLetters = { addNode: 'v', addLearner: 'l', removeNode: 'r', updateNode: 'u' } as const

/** `StateLeader` and so on. */
export function describeRole(role: Role): string {
  return roleNames[role]
}

const escapes: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
}

/** Bytes in double quotes; what is not printable ASCII is escaped. */
function quote(data: Uint8Array): string {
  let text = '"'
  for (const byte of data) {
    if (byte === 0x22 || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte)
    else text += escapes[byte] ?? `\\x${byte.toString(16).padStart(2, '0')}`
  }
  return `${text}"`
}

/** `Term:1 Vote:2 Commit:3`. */
export function describeHardState(state: HardState): string {
  const vote = state.vote === none ? '' : ` Vote:${state.vote}`
  return `Term:${state.term}${vote} Commit:${state.commit}`
}

/** `Lead:1 State:StateLeader`. */
export function describeSoftState(state: SoftState): string {
  return `Lead:${state.lead} State:${roleNames[state.role]}`
}

/** All five parts of a configuration. */
export function describeConfState(state: ConfState): string {
  const list = (ids: readonly NodeId[]): string => `[${ids.join(' ')}]`
  return (
    `Voters:${list(state.voters)} VotersOutgoing:${list(state.votersOutgoing)} Learners:${list(state.learners)} ` +
    `LearnersNext:${list(state.learnersNext)} AutoLeave:${state.autoLeave}`
  )
}

/** Position and configuration of a snapshot. */
export function describeSnapshot(snapshot: Snapshot): string {
  const { index, term, confState } = snapshot.meta
  return `Index:${index} Term:${term} ConfState:${describeConfState(confState)}`
}

/** `v1 l2 r3`: the steps of a change. */
export function describeChanges(changes: readonly ConfChangeSingle[]): string {
  return changes.map((step) => `${stepLetters[step.type]}${step.nodeId}`).join(' ')
}

/** `term/index type payload`. */
export function describeEntry(entry: Entry, format: EntryFormatter = quote): string {
  const text = entry.type === 'normal' ? format(entry.data) : describeChangeOf(entry)
  return `${entry.term}/${entry.index} ${entryTypeNames[entry.type]}${text === '' ? '' : ` ${text}`}`
}

function describeChangeOf(entry: Entry): string {
  try {
    const change = confChangeOf(entry)
    return change === undefined ? '' : describeChanges(asV2(change).changes)
  } catch (thrown) {
    if (isNitroError(thrown)) return messageOf(thrown)
    throw thrown
  }
}

/** One entry per line. */
export function describeEntries(entries: readonly Entry[], format: EntryFormatter = quote): string {
  return entries.map((entry) => `${describeEntry(entry, format)}\n`).join('')
}

function describeTarget(id: NodeId): string {
  if (id === none) return 'None'
  if (id === localAppendThread) return 'AppendThread'
  if (id === localApplyThread) return 'ApplyThread'
  return id.toString(16)
}

/** A message on one line, with its entries, snapshot and responses on lines of their own if there are several. */
export function describeMessage(m: Message, format: EntryFormatter = quote, indent = ''): string {
  let text = `${indent}${describeTarget(m.from)}->${describeTarget(m.to)} ${m.type} Term:${m.term} Log:${m.logTerm}/${m.index}`
  if (m.reject) text += ` Rejected (Hint: ${m.rejectHint})`
  if (m.commit !== 0) text += ` Commit:${m.commit}`
  if (m.vote !== none) text += ` Vote:${m.vote}`
  const entries = entriesToShow(m)
  if (entries.length === 1) {
    text += ` Entries:[${describeEntry(entries[0] as Entry, format)}]`
  } else if (entries.length > 1) {
    text += ' Entries:['
    for (const entry of entries) text += `\n${indent}  ${describeEntry(entry, format)}`
    text += `\n${indent}]`
  }
  if (m.snapshot !== undefined && m.snapshot.meta.index !== 0) {
    text += `\n${indent}  Snapshot: ${describeSnapshot(m.snapshot)}`
  }
  if (m.responses.length > 0) {
    text += ' Responses:['
    for (const response of m.responses) text += `\n${describeMessage(response, format, `${indent}  `)}`
    text += `\n${indent}]`
  }
  return text
}

/** A read's name is shown as the one entry it is in etcd/raft. */
function entriesToShow(m: Message): readonly Entry[] {
  if (m.type !== 'MsgReadIndex' && m.type !== 'MsgReadIndexResp') return m.entries
  return [{ term: 0, index: 0, type: 'normal', data: m.context }]
}

/** All parts of a Ready that are not empty. */
export function describeReady(ready: Ready, format: EntryFormatter = quote): string {
  let text = ''
  if (ready.softState !== undefined) text += `${describeSoftState(ready.softState)}\n`
  if (ready.hardState !== undefined) text += `HardState ${describeHardState(ready.hardState)}\n`
  if (ready.readStates.length > 0) {
    text += `ReadStates [${ready.readStates.map((read) => `{${read.index} [${read.context.join(' ')}]}`).join(' ')}]\n`
  }
  if (ready.entries.length > 0) text += `Entries:\n${describeEntries(ready.entries, format)}`
  if (ready.snapshot !== undefined) text += `Snapshot ${describeSnapshot(ready.snapshot)}\n`
  if (ready.committedEntries.length > 0) {
    text += `CommittedEntries:\n${describeEntries(ready.committedEntries, format)}`
  }
  if (ready.messages.length > 0) {
    text += 'Messages:\n'
    for (const m of ready.messages) text += `${describeMessage(m, format)}\n`
  }
  return text === '' ? '<empty Ready>' : `Ready MustSync=${ready.mustSync}:\n${text}`
}

/** `(1 2 3)`. */
function describeMajority(ids: readonly NodeId[]): string {
  return `(${ids.join(' ')})`
}

/** `voters=(2 3)&&(1) learners=(4) autoleave`. */
export function describeConfiguration(config: Configuration): string {
  let text = `voters=${describeMajority(config.incoming)}`
  if (config.outgoing.length > 0) text += `&&${describeMajority(config.outgoing)}`
  if (config.learners.length > 0) text += ` learners=${describeMajority(config.learners)}`
  if (config.learnersNext.length > 0) text += ` learners_next=${describeMajority(config.learnersNext)}`
  if (config.autoLeave) text += ' autoleave'
  return text
}

/** `StateReplicate match=14 next=15 paused inflight=3[full]`. */
export function describeProgress(progress: Progress): string {
  let text = `${progressNames[progress.state]} match=${progress.match} next=${progress.next}`
  if (progress.isLearner) text += ' learner'
  if (progress.paused()) text += ' paused'
  if (progress.pendingSnapshot > 0) text += ` pendingSnap=${progress.pendingSnapshot}`
  if (!progress.recentActive) text += ' inactive'
  const { inflights } = progress
  if (inflights.count > 0) text += ` inflight=${inflights.count}${inflights.full() ? '[full]' : ''}`
  return text
}

/** One member per line, sorted by id. */
export function describeProgressMap(map: ProgressMap): string {
  let text = ''
  for (const id of sortedIds(map.keys())) {
    const progress = map.get(id)
    if (progress !== undefined) text += `${id}: ${describeProgress(progress)}\n`
  }
  return text
}
