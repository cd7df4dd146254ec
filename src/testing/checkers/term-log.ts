/** A log reduced to terms: where it begins, and the term of each entry. */
import { assert } from '../../../base/index.ts'
import type { Entry } from '../../../consensus/index.ts'

/** The shape of one node's log. */
export class TermLog {
  /** The entry before the first one; what is at or below it is known by the state alone. */
  baseIndex = 0
  baseTerm = 0
  private terms: number[] = []

  get lastIndex(): number {
    return this.baseIndex + this.terms.length
  }

  get lastTerm(): number {
    return this.terms.at(-1) ?? this.baseTerm
  }

  /** The term at an index; undefined below the base and after the end. */
  term(index: number): number | undefined {
    return index === this.baseIndex ? this.baseTerm : this.terms[index - this.baseIndex - 1]
  }

  /** Whether the entry is here, or was before the log began. */
  has(index: number, term: number): boolean {
    return index < this.baseIndex || this.term(index) === term
  }

  /** Adds entries; the first replaces everything from its index on. */
  append(entries: readonly Entry[]): void {
    const first = entries[0]
    if (first === undefined) return
    const keep = first.index - this.baseIndex - 1
    assert(keep >= 0 && keep <= this.terms.length, () => `entry ${first.index} leaves a hole after ${this.lastIndex}`)
    if (keep < this.terms.length) this.terms.length = keep
    for (const { term } of entries) this.terms.push(term)
  }

  /** A snapshot takes the place of everything, unless the log has its last entry. */
  restore(index: number, term: number): void {
    if (index <= this.baseIndex || this.term(index) === term) return
    this.baseIndex = index
    this.baseTerm = term
    this.terms = []
  }

  /** A copy that later changes leave alone. */
  clone(): TermLog {
    const copy = new TermLog()
    copy.baseIndex = this.baseIndex
    copy.baseTerm = this.baseTerm
    copy.terms = this.terms.slice()
    return copy
  }
}
