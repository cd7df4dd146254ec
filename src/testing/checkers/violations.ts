/** What checkers found. A run goes on after a violation, so that all of them are seen. */

/** Found violations, each a sentence. */
export class Violations {
  readonly found: string[] = []

  /** Notes one; only the first hundred are kept. */
  add(what: string): void {
    if (this.found.length < 100) this.found.push(what)
  }
}
