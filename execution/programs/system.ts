/** The system program: what the leader says about the machine itself. Members propose its commands, clients can't. */
import { ByteReader, emptyBytes } from '../../base/index.ts'
import type { Activation } from '../activation.ts'
import { readProgramSet } from '../program-set.ts'
import type { ProgramSet } from '../program-set.ts'
import { okResult } from '../result.ts'

/** The arguments of `activate`. Throws `MalformedFrame`. */
export function readActivateArgs(bytes: Uint8Array, at: number, end: number): ProgramSet {
  const reader = new ByteReader(bytes, at, end)
  const changes = readProgramSet(reader)
  reader.finish()
  return changes
}

/** Puts programs and flags in force from the next command on; what is older than what is active changes nothing. */
export function activate(activation: Activation, entry: Uint8Array, at: number, end: number): Uint8Array {
  const changes = readActivateArgs(entry, at, end)
  activation.activate(changes)
  return okResult(emptyBytes)
}
