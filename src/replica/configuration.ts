/**
 * Who is in the cluster: the member table that goes with Raft's configuration.
 *
 * Raft knows numbers; people and links know names, addresses and incarnations. The table lives in the machine's metadata
 * (`machine.configuration`), changes only by applying configuration entries, and so is identical on every node at the
 * same index, hashed and part of every snapshot. It is the only source of truth about membership.
 *
 * Raft ids are given out by the log in rising order and never again, so a late message of a removed member can never be
 * mistaken for one of its successor.
 */
import { ByteReader, ByteWriter, NitroError, assert, equalBytes } from '../../base/index.ts'
import { emptyConfState } from '../../consensus/index.ts'
import type { ConfState } from '../../consensus/index.ts'

/** One member. `incarnation` is all zero while its place is reserved but no process has claimed it. */
export interface Member {
  readonly id: number
  readonly name: string
  readonly incarnation: Uint8Array
  readonly address: string
  /** What the member shall become: a learner that is to be a voter is promoted once it has caught up. */
  readonly target: 'voter' | 'learner'
}

/** The whole table. `members` is sorted by id. */
export interface Configuration {
  /** 32 bytes: the hash of the founding list. */
  readonly clusterId: Uint8Array
  readonly members: readonly Member[]
  /** The next raft id to give out. */
  readonly nextId: number
  /** Incarnations that were removed, oldest first, so that a removed process can be told so. Bounded. */
  readonly removed: readonly Uint8Array[]
  readonly confState: ConfState
}

/** A founding member, before it has an id. */
export interface Founder {
  readonly name: string
  readonly incarnation: Uint8Array
  readonly address: string
}

/** The member table's part of one configuration entry: what the raft change alone can't say. */
export interface MemberChange {
  /** Members to add or to overwrite by id. */
  readonly upsert: readonly Member[]
}

/** The incarnation of a place that nobody has claimed. */
export const unclaimed: Uint8Array = new Uint8Array(16)

const format = 1
const removedMax = 64

/** Whether a process has claimed this member's place. */
export function isClaimed(member: Member): boolean {
  return !equalBytes(member.incarnation, unclaimed)
}

/** The first configuration: ids 1..n in name order. */
export function foundingConfiguration(clusterId: Uint8Array, founders: readonly Founder[]): Configuration {
  const members = founders.map((founder, at): Member => ({ ...founder, id: at + 1, target: 'voter' }))
  return {
    clusterId,
    members,
    nextId: members.length + 1,
    removed: [],
    confState: {
      voters: members.map((member) => member.id),
      learners: [],
      votersOutgoing: [],
      learnersNext: [],
      autoLeave: false,
    },
  }
}

/** Founders in byte order of their names, as every node lists them. */
export function sortFounders(founders: readonly Founder[]): Founder[] {
  return founders.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

/** The bytes whose SHA-256 is the cluster id: names and incarnations, not addresses, in order. */
export function foundingBytes(founders: readonly Founder[]): Uint8Array {
  const writer = new ByteWriter()
  writer.string('nitrostate founding list')
  writer.uint(founders.length)
  for (const founder of founders) {
    writer.string(founder.name)
    writer.raw(founder.incarnation)
  }
  return writer.take()
}

/** The table after one applied configuration entry. Members that no part of `confState` names any more drop out. */
export function nextConfiguration(before: Configuration, change: MemberChange, confState: ConfState): Configuration {
  const byId = new Map(before.members.map((member) => [member.id, member]))
  let nextId = before.nextId
  for (const member of change.upsert) {
    byId.set(member.id, member)
    nextId = Math.max(nextId, member.id + 1)
  }
  const kept = new Set([
    ...confState.voters,
    ...confState.learners,
    ...confState.votersOutgoing,
    ...confState.learnersNext,
  ])
  const members: Member[] = []
  const gone: Uint8Array[] = []
  for (const member of byId.values()) {
    if (kept.has(member.id)) members.push(member)
    else if (isClaimed(member)) gone.push(member.incarnation)
  }
  members.sort((a, b) => a.id - b.id)
  assert(
    members.length === kept.size,
    () => `the member table has ${members.map((m) => m.id).join()} for configuration ${[...kept].join()}`,
  )
  return {
    clusterId: before.clusterId,
    members,
    nextId,
    removed: [...before.removed, ...gone].slice(-removedMax),
    confState,
  }
}

/**
 * Whether a change may be applied to this table: new ids are above every id ever given, names stay unique. Every node
 * judges alike, so a change raced by another becomes a no-op everywhere.
 */
export function changeFits(before: Configuration, change: MemberChange, removes: readonly number[]): boolean {
  const names = new Map(
    before.members.filter((member) => !removes.includes(member.id)).map((member) => [member.name, member.id]),
  )
  for (const member of change.upsert) {
    const known = before.members.some((other) => other.id === member.id)
    if (!known && member.id < before.nextId) return false
    const holder = names.get(member.name)
    if (holder !== undefined && holder !== member.id) return false
    names.set(member.name, member.id)
  }
  return true
}

/** The member of this name, or undefined. While one is being replaced, the newest. */
export function memberByName(configuration: Configuration, name: string): Member | undefined {
  return configuration.members.findLast((member) => member.name === name)
}

/** The member with this raft id, or undefined. */
export function memberById(configuration: Configuration, id: number): Member | undefined {
  return configuration.members.find((member) => member.id === id)
}

/** Whether this incarnation was a member once and is none now. */
export function wasRemoved(configuration: Configuration, incarnation: Uint8Array): boolean {
  return configuration.removed.some((one) => equalBytes(one, incarnation))
}

/** The part of a member in the configuration that counts now. */
export function memberRole(configuration: Configuration, id: number): 'voter' | 'learner' | 'leaving' {
  const { voters, votersOutgoing } = configuration.confState
  if (voters.includes(id)) return 'voter'
  return votersOutgoing.includes(id) ? 'leaving' : 'learner'
}

function writeMember(writer: ByteWriter, member: Member): void {
  writer.uint(member.id)
  writer.string(member.name)
  writer.raw(member.incarnation)
  writer.string(member.address)
  writer.u8(member.target === 'voter' ? 1 : 0)
}

function readMember(reader: ByteReader): Member {
  return {
    id: reader.uint(),
    name: reader.string(),
    incarnation: reader.raw(16).slice(),
    address: reader.string(),
    target: reader.u8() === 1 ? 'voter' : 'learner',
  }
}

function writeList<T>(writer: ByteWriter, items: readonly T[], write: (item: T) => void): void {
  writer.uint(items.length)
  for (const item of items) write(item)
}

function readList<T>(reader: ByteReader, read: () => T): T[] {
  const length = reader.uint()
  if (length > 10_000) throw new NitroError('MalformedFrame', `a list of ${length} members`)
  return Array.from({ length }, read)
}

/** The table as bytes, for the machine's metadata and snapshots. */
export function encodeConfiguration(configuration: Configuration): Uint8Array {
  const writer = new ByteWriter()
  const ids = (list: readonly number[]): void => writeList(writer, list, (id) => writer.uint(id))
  writer.u8(format)
  writer.raw(configuration.clusterId)
  writeList(writer, configuration.members, (member) => writeMember(writer, member))
  writer.uint(configuration.nextId)
  writeList(writer, configuration.removed, (incarnation) => writer.raw(incarnation))
  const { confState } = configuration
  ids(confState.voters)
  ids(confState.learners)
  ids(confState.votersOutgoing)
  ids(confState.learnersNext)
  writer.u8(confState.autoLeave ? 1 : 0)
  return writer.take()
}

/** The inverse of {@link encodeConfiguration}. Throws `UnsupportedFormat` or `MalformedFrame`. */
export function decodeConfiguration(bytes: Uint8Array): Configuration {
  const reader = new ByteReader(bytes)
  const ids = (): number[] => readList(reader, () => reader.uint())
  const found = reader.u8()
  if (found !== format) throw new NitroError('UnsupportedFormat', `configuration format ${found}`)
  const configuration: Configuration = {
    clusterId: reader.raw(32).slice(),
    members: readList(reader, () => readMember(reader)),
    nextId: reader.uint(),
    removed: readList(reader, () => reader.raw(16).slice()),
    confState: {
      voters: ids(),
      learners: ids(),
      votersOutgoing: ids(),
      learnersNext: ids(),
      autoLeave: reader.u8() === 1,
    },
  }
  reader.finish()
  return configuration
}

/** A member change as bytes: the context of a configuration entry. */
export function encodeMemberChange(change: MemberChange): Uint8Array {
  const writer = new ByteWriter()
  writer.u8(format)
  writeList(writer, change.upsert, (member) => writeMember(writer, member))
  return writer.take()
}

/** The inverse of {@link encodeMemberChange}; no bytes (a leave of a joint configuration) are no change. */
export function decodeMemberChange(bytes: Uint8Array): MemberChange {
  if (bytes.length === 0) return { upsert: [] }
  const reader = new ByteReader(bytes)
  const found = reader.u8()
  if (found !== format) throw new NitroError('UnsupportedFormat', `member change format ${found}`)
  const change = { upsert: readList(reader, () => readMember(reader)) }
  reader.finish()
  return change
}

/** The table of a member that has not received any yet. */
export function emptyConfiguration(clusterId: Uint8Array): Configuration {
  return { clusterId, members: [], nextId: 1, removed: [], confState: emptyConfState }
}
