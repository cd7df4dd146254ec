/** What a node would do with the log, in a form that two nodes can compare. */
import { NitroError, encodeValue, hash128, hashText } from '../base/index.ts'
import { knownFlags } from './flags.ts'
import { limitsWith } from './limits.ts'
import type { MachineLimits } from './limits.ts'
import type { Program } from './program.ts'
import { order, programSetMax } from './program-set.ts'
import type { ProgramSet, ProgramVersion } from './program-set.ts'
import { checkProgram } from './user-programs.ts'

/** What a node can run, and a hash of what its machine accepts. */
export interface Manifest extends ProgramSet {
  /** 32 hexadecimal digits over the limits of the machine, which must be the same on every node. */
  readonly machine: string
}

/**
 * The manifest of these programs, limits and flags. Equal hashes apply the same log alike, provided that versions were raised
 * with behaviour. Throws `InvalidArgument` for bad ones.
 */
export function manifestOf(
  programs: readonly Program[],
  limits: Partial<MachineLimits> = {},
  flags: readonly number[] = knownFlags.map(({ number }) => number),
): Manifest {
  if (programs.length > programSetMax) {
    throw new NitroError('InvalidArgument', `${programs.length} programs, where ${programSetMax} are allowed`)
  }
  return {
    programs: programs.map(versionOf).sort(order),
    flags: [...new Set(flags)].sort((a, b) => a - b),
    machine: hashText(hash128(encodeValue({ ...limitsWith(limits) }))),
  }
}

/** One version of a program, comparable. Throws `InvalidArgument` for a bad one. */
export function versionOf(program: Program): ProgramVersion {
  checkProgram(program)
  const { name, version, methods } = program
  return { name, version, hash: hashText(hash128(encodeValue([name, version, Object.keys(methods).sort()]))) }
}
