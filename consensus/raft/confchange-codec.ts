/**
 * The bytes of a configuration change in an entry: format number, transition, steps, context.
 *
 * Leaving a joint configuration is encoded as no bytes at all, so that proposing it can never be refused for its size.
 */
import { ByteReader, ByteWriter, NitroError, emptyBytes } from '../../base/index.ts'
import { leaveJointChange } from './confchange.ts'
import type { AnyConfChange, ConfChangeSingle, ConfChangeType, Transition } from './confchange.ts'
import type { Entry, EntryType } from './types.ts'

const stepTypes: readonly ConfChangeType[] = ['addNode', 'removeNode', 'updateNode', 'addLearner']
const transitions: readonly Transition[] = ['auto', 'jointImplicit', 'jointExplicit']
const formatV1 = 1
const formatV2 = 2

/** More steps in one change than this are refused on both sides. */
export const changesMax = 1024

/** The entry type that carries a change. */
export function entryTypeOf(change: AnyConfChange): EntryType {
  return change.version === 1 ? 'confChange' : 'confChangeV2'
}

/** The bytes of a change. */
export function encodeConfChange(change: AnyConfChange): Uint8Array {
  const writer = new ByteWriter(32)
  if (change.version === 1) {
    writer.u8(formatV1)
    writer.u8(stepTypes.indexOf(change.type))
    writer.uint(change.nodeId)
  } else {
    if (change.transition === 'auto' && change.changes.length === 0 && change.context.length === 0) return emptyBytes
    writer.u8(formatV2)
    writer.u8(transitions.indexOf(change.transition))
    writer.uint(change.changes.length)
    for (const step of change.changes) {
      writer.u8(stepTypes.indexOf(step.type))
      writer.uint(step.nodeId)
    }
  }
  writer.blob(change.context)
  return writer.take()
}

/** Reads a change back. Throws MalformedFrame. */
export function decodeConfChange(type: EntryType, data: Uint8Array): AnyConfChange {
  if (type === 'normal') throw malformed('a normal entry is no configuration change')
  if (data.length === 0 && type === 'confChangeV2') return leaveJointChange
  const reader = new ByteReader(data)
  const format = reader.u8()
  if (format !== (type === 'confChange' ? formatV1 : formatV2)) throw malformed(`unknown change format ${format}`)
  const change: AnyConfChange = format === formatV1 ? readV1(reader) : readV2(reader)
  reader.finish()
  return change
}

/** The change that an entry carries, or undefined for a normal entry. Throws MalformedFrame. */
export function confChangeOf(entry: Entry): AnyConfChange | undefined {
  return entry.type === 'normal' ? undefined : decodeConfChange(entry.type, entry.data)
}

function readV1(reader: ByteReader): AnyConfChange {
  const step = readStep(reader)
  return { version: 1, type: step.type, nodeId: step.nodeId, context: reader.blob() }
}

function readV2(reader: ByteReader): AnyConfChange {
  const transition = transitions[reader.u8()]
  if (transition === undefined) throw malformed('unknown transition')
  const count = reader.uint()
  if (count > changesMax) throw malformed(`${count} steps in one change`)
  const changes: ConfChangeSingle[] = []
  for (let i = 0; i < count; i++) changes.push(readStep(reader))
  return { version: 2, transition, changes, context: reader.blob() }
}

function readStep(reader: ByteReader): ConfChangeSingle {
  const type = stepTypes[reader.u8()]
  if (type === undefined) throw malformed('unknown kind of change')
  return { type, nodeId: reader.uint() }
}

function malformed(what: string): NitroError {
  return new NitroError('MalformedFrame', `malformed configuration change: ${what}`)
}
