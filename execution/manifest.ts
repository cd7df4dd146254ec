/** What a node would do with the log, in a form that two nodes can compare. */
import { encodeValue, hash128, hashText } from '../base/index.ts'
import { limitsWith } from './limits.ts'
import type { MachineLimits } from './limits.ts'
import type { Program } from './program.ts'
import { checkProgram } from './user-programs.ts'

/** One program of a manifest. */
export interface ManifestProgram {
  readonly name: string
  readonly version: number
}

/** The programs of a node, and a hash that also covers their methods and the machine's limits. */
export interface Manifest {
  /** In order of names. */
  readonly programs: readonly ManifestProgram[]
  /** 32 hexadecimal digits; equal hashes apply the same log alike, provided that versions were raised with behaviour. */
  readonly hash: string
}

/** The manifest of these programs and limits. Throws `InvalidArgument` for bad ones. */
export function manifestOf(programs: readonly Program[], limits: Partial<MachineLimits> = {}): Manifest {
  for (const program of programs) checkProgram(program)
  const sorted = [...programs].sort((a, b) => (a.name < b.name ? -1 : 1))
  const parts = sorted.map(({ name, version, methods }) => [name, version, Object.keys(methods).sort()])
  return {
    programs: sorted.map(({ name, version }) => ({ name, version })),
    hash: hashText(hash128(encodeValue([parts, { ...limitsWith(limits) }]))),
  }
}
