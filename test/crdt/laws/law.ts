/** What a law is, and how it is tried: many random runs, and a count of how often it was put to a real test. */
import fc from 'fast-check'

/** Something that must hold for one type. */
export interface Law {
  /** Short name, as in the table of laws: L1, S1, ... */
  readonly id: string
  readonly says: string
  /** The type it is about. */
  readonly type: string
  /**
   * Truly concurrent pairs that a run must reach on average, or the law has been tried on nothing. 0 for laws that are not
   * about concurrency.
   */
  readonly concurrentPerRun: number
  /** Throws where the law is broken; tells the count how many concurrent pairs there were. */
  readonly property: (count: (concurrentPairs: number) => void) => fc.IProperty<unknown>
}

/** What came of trying a law. */
export interface Outcome {
  readonly law: Law
  readonly runs: number
  readonly concurrentPairs: number
  readonly floor: number
  /** Undefined when the law held and was really tried. */
  readonly failure: string | undefined
}

/** Tries a law with a seed; a failure tells the seed and the smallest history that breaks it. */
export function tryLaw(law: Law, runs: number, seed: number): Outcome {
  let concurrentPairs = 0
  const property = law.property((pairs) => {
    concurrentPairs += pairs
  })
  const result = fc.check(property, { numRuns: runs, seed })
  const floor = Math.floor(runs * law.concurrentPerRun)
  const base = { law, runs, concurrentPairs, floor }
  if (result.failed) {
    const cause = result.errorInstance instanceof Error ? result.errorInstance.stack : String(result.errorInstance)
    return { ...base, failure: `${cause}\n${fc.defaultReportMessage(result)}` }
  }
  const few = `only ${concurrentPairs} concurrent pairs were reached, ${floor} were wanted (seed ${seed})`
  return { ...base, failure: concurrentPairs < floor ? few : undefined }
}

/** Throws unless two byte strings are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array, what: string): void {
  if (Buffer.compare(a, b) !== 0) throw new Error(`${what}: ${hex(a)} is not ${hex(b)}`)
}

/** Throws unless two values are the same. */
export function same(a: unknown, b: unknown, what: string): void {
  const [x, y] = [show(a), show(b)]
  if (x !== y) throw new Error(`${what}: ${x} is not ${y}`)
}

/** A text that equal values share. */
export function show(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item)) ?? 'undefined'
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
