/**
 * What members can run, as they tell each other: programs in all their versions, and flags.
 *
 * A member is linked with if it has all that is in force; what it has beside that is its own affair until every member has it
 * and the leader proposes to switch.
 */
import { ByteWriter, NitroError, isNitroError } from '../../base/index.ts'
import { decodeProgramSet, emptyProgramSet, lacking, manifestOf, writeProgramSet } from '../../execution/index.ts'
import type { ProgramSet } from '../../execution/index.ts'
import type { Hello } from '../../net/index.ts'
import { decodeExtra } from './directory.ts'
import type { ReplicaOptions } from './options.ts'

/** Offers of hellos that were looked at: the leader compares them every turn while a switch is awaited. */
const read = new WeakMap<Hello, ProgramSet>()

/** What the sender of a hello can run; nothing if it does not say so. */
export function offerOf(hello: Hello): ProgramSet {
  let offer = read.get(hello)
  if (offer === undefined) read.set(hello, (offer = readOffer(hello)))
  return offer
}

function readOffer(hello: Hello): ProgramSet {
  try {
    return decodeProgramSet(decodeExtra(hello.extra).offer)
  } catch (error) {
    if (!isNitroError(error, 'MalformedFrame')) throw error
    return emptyProgramSet
  }
}

/** An offer, or a change, as bytes. */
export function encodeOffer(offer: ProgramSet): Uint8Array {
  const writer = new ByteWriter(256)
  writeProgramSet(writer, offer)
  return writer.take()
}

/** The inverse of {@link encodeOffer}. Throws `MalformedFrame`. */
export function decodeOffer(bytes: Uint8Array): ProgramSet {
  return decodeProgramSet(Uint8Array.from(bytes))
}

/** What this node can run, as it tells others, and what it asks of them. */
export class OwnOffer {
  /** What its machine accepts, in one comparable text. */
  readonly machine: string
  /** Its programs and flags. */
  readonly bytes: Uint8Array
  private readonly name: string

  constructor({ name, programs, flags, checkPrograms, limits }: ReplicaOptions) {
    const manifest = manifestOf(programs, limits, flags)
    this.name = name
    // Commands that one member refuses and another does not would make them differ.
    this.machine = `machine:${manifest.machine}${checkPrograms ? ':checked' : ''}`
    this.bytes = encodeOffer(manifest)
  }

  /**
   * Why a process can't be a member; undefined when it can. Members apply the log alike: one with other limits would diverge,
   * and one without what is in force would halt.
   */
  judge(
    name: string,
    machines: readonly string[],
    offer: ProgramSet,
    active: ProgramSet = emptyProgramSet,
  ): NitroError | undefined {
    if (!machines.includes(this.machine)) {
      const message = `${name} has other limits of the machine than ${this.name}, or checkPrograms differs`
      return new NitroError('UnsupportedVersion', message, { details: { name } })
    }
    const missing = lacking(active, offer).join(', ')
    if (missing === '') return undefined
    const message = `${name} lacks what is in force in this cluster: ${missing}; start it with these versions, too`
    return new NitroError('UnsupportedVersion', message, { details: { name, missing } })
  }
}
