/** A deliberately broken variant of the product: what is changed, why that is wrong, and which promise it breaks. */
import type { Property } from '../../../src/testing/checkers/checker.ts'
import type { Climate } from './climates.ts'

/** One replacement in one file. */
export interface Patch {
  /** From the root of the repository. */
  readonly file: string
  /** Must be in the file exactly once. */
  readonly find: string
  readonly replace: string
}

/** A broken variant. */
export interface Mutant {
  readonly name: string
  /** Why this is a bug, in a sentence. */
  readonly why: string
  /** Where it does harm. */
  readonly climate: Climate
  readonly patches: readonly Patch[]
  /** The promises it breaks: the mutant is caught when a checker of one of them says so. */
  readonly breaks: readonly Property[]
}

/** A file with its patches applied. Throws if one of them does not fit exactly once. */
export function patched(file: string, text: string, mutant: Mutant): string {
  let out = text
  for (const { find, replace } of mutant.patches.filter((one) => one.file === file)) {
    const parts = out.split(find)
    if (parts.length !== 2) {
      throw new Error(`${mutant.name}: this is ${parts.length - 1} times in ${file}, not once:\n${find}`)
    }
    out = parts.join(replace)
  }
  return out
}
