/**
 * Which version of each program runs, and which numbered flags are on: as what is active in the log, and as what a node offers.
 *
 * An active set is part of the replicated state. It only grows: a version is followed by a higher one, a flag that is on stays
 * on. A change of it is a command, so every node switches at the same place of the log.
 */
import { ByteReader, NitroError } from '../base/index.ts'
import type { ByteWriter } from '../base/index.ts'

/** One version of a program. */
export interface ProgramVersion {
  readonly name: string
  readonly version: number
  /** 32 hexadecimal digits over name, version and methods: two nodes that differ in it do not run the same. */
  readonly hash: string
}

/** Versions of programs, and flags. */
export interface ProgramSet {
  /** In order of names, then versions. What is active has one version of a name. */
  readonly programs: readonly ProgramVersion[]
  /** Ascending. */
  readonly flags: readonly number[]
}

/** Nothing runs. */
export const emptyProgramSet: ProgramSet = { programs: [], flags: [] }

/** The most versions, and the most flags, of one set: it has to fit into a hello. */
export const programSetMax = 128

/** Appends a set. */
export function writeProgramSet(writer: ByteWriter, set: ProgramSet): void {
  writer.uint(set.programs.length)
  for (const { name, version, hash } of set.programs) {
    writer.string(name)
    writer.uint(version)
    writer.string(hash)
  }
  writer.uint(set.flags.length)
  for (const flag of set.flags) writer.uint(flag)
}

/** Reads what {@link writeProgramSet} wrote. Throws `MalformedFrame`. */
export function readProgramSet(reader: ByteReader): ProgramSet {
  const programs: ProgramVersion[] = []
  for (let left = countOf(reader); left > 0; left--) {
    programs.push({ name: reader.string(), version: reader.uint(), hash: reader.string() })
  }
  const flags: number[] = []
  for (let left = countOf(reader); left > 0; left--) flags.push(reader.uint())
  for (let i = 1; i < programs.length; i++) {
    if (order(programs[i - 1] as ProgramVersion, programs[i] as ProgramVersion) >= 0) throw unordered()
  }
  for (let i = 1; i < flags.length; i++) if ((flags[i - 1] as number) >= (flags[i] as number)) throw unordered()
  return { programs, flags }
}

/** The set of bytes that hold nothing else. Throws `MalformedFrame`. */
export function decodeProgramSet(bytes: Uint8Array): ProgramSet {
  const reader = new ByteReader(bytes)
  const set = readProgramSet(reader)
  reader.finish()
  return set
}

/** By names, then versions. */
export function order(a: ProgramVersion, b: ProgramVersion): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  return a.version - b.version
}

/** A set as texts for people: `bank 2`, `flag 3`. */
export function namesOf({ programs, flags }: ProgramSet): string[] {
  return [...programs.map(({ name, version }) => `${name} ${version}`), ...flags.map((flag) => `flag ${flag}`)]
}

/** What of `wanted` is not offered, as texts for people. */
export function lacking(wanted: ProgramSet, offer: ProgramSet): string[] {
  return namesOf({
    programs: wanted.programs.filter((one) => !offers(offer, one)),
    flags: wanted.flags.filter((flag) => !offer.flags.includes(flag)),
  })
}

/** What a change adds to what is active; the rest of it is old. */
export function newIn(changes: ProgramSet, active: ProgramSet): ProgramSet {
  return {
    programs: changes.programs.filter(({ name, version }) => version > activeVersion(active, name)),
    flags: changes.flags.filter((flag) => !active.flags.includes(flag)),
  }
}

/** What is active after a change. */
export function afterActivation(active: ProgramSet, changes: ProgramSet): ProgramSet {
  const added = newIn(changes, active)
  const byName = new Map(active.programs.map((one) => [one.name, one]))
  for (const one of added.programs) byName.set(one.name, one)
  return {
    programs: [...byName.values()].sort(order),
    flags: [...active.flags, ...added.flags].sort((a, b) => a - b),
  }
}

/** What can be activated: the highest new version of each program, and each new flag, that all offer; undefined for nothing. */
export function nextActivation(active: ProgramSet, all: readonly ProgramSet[]): ProgramSet | undefined {
  const [first = emptyProgramSet, ...others] = all
  const added = newIn(first, active)
  const highest = new Map<string, ProgramVersion>()
  for (const one of added.programs) {
    // In order of versions, so the last one stays.
    if (others.every((offer) => offers(offer, one))) highest.set(one.name, one)
  }
  const flags = added.flags.filter((flag) => others.every((offer) => offer.flags.includes(flag)))
  return highest.size + flags.length === 0 ? undefined : { programs: [...highest.values()], flags }
}

/** The version of a program that is active; 0 for none. */
export function activeVersion(active: ProgramSet, name: string): number {
  return active.programs.find((one) => one.name === name)?.version ?? 0
}

function offers(offer: ProgramSet, one: ProgramVersion): boolean {
  return offer.programs.some((has) => has.name === one.name && has.version === one.version && has.hash === one.hash)
}

function countOf(reader: ByteReader): number {
  const count = reader.uint()
  if (count > programSetMax) throw new NitroError('MalformedFrame', `a set of ${count} programs or flags`)
  return count
}

function unordered(): NitroError {
  return new NitroError('MalformedFrame', 'programs or flags out of order')
}
