/** What checkers found. A run goes on after a violation, so that all of them are seen. */
import type { Property } from './checker.ts'

/** A broken promise. */
export interface Violation {
  readonly property: Property
  readonly what: string
}

const keptMax = 100

/** Found violations. */
export class Violations {
  readonly all: Violation[] = []

  /** Notes one; only the first hundred are kept. */
  add(property: Property, what: string): void {
    if (this.all.length < keptMax) this.all.push({ property, what })
  }

  /** Each as a sentence that begins with the property. */
  get found(): readonly string[] {
    return this.all.map(({ property, what }) => `${property}: ${what}`)
  }
}
