/** What a script prints: readable lines, one per check, and a count at the end. */
import { messageOf } from '../../../base/index.ts'

/** Counts checks and decides the exit code. */
export class Report {
  private passed = 0
  private readonly failures: string[] = []
  private readonly startedMs = performance.now()

  /** A heading. */
  section(title: string): void {
    this.print(`\n== ${title}`)
  }

  /** A line about what is going on. */
  note(line: string): void {
    this.print(`   ${line}`)
  }

  /** Runs one named check: it passes unless it throws. What it resolves with is a remark. Resolves with whether it passed. */
  async check(name: string, run: () => Promise<string | void> | string | void): Promise<boolean> {
    try {
      const remark = await run()
      this.passed++
      this.print(`ok   ${name}${typeof remark === 'string' && remark !== '' ? ` (${remark})` : ''}`)
      return true
    } catch (error) {
      this.failures.push(name)
      const told = error instanceof Failed ? error.message : error instanceof Error ? error.stack : messageOf(error)
      this.print(`FAIL ${name}\n     ${String(told).replaceAll('\n', '\n     ')}`)
      return false
    }
  }

  /** Prints `N passed, N failed` and gives the exit code. */
  finish(): number {
    const seconds = Math.round((performance.now() - this.startedMs) / 1000)
    for (const name of this.failures) this.print(`failed: ${name}`)
    this.print(`\n${this.passed} passed, ${this.failures.length} failed (${seconds} s)`)
    return this.failures.length === 0 && this.passed > 0 ? 0 : 1
  }

  private print(line: string): void {
    process.stdout.write(`${line}\n`)
  }
}

/** A check that did not hold, told without a stack. */
export class Failed extends Error {}

/** Fails the check unless `condition`. */
export function expect(condition: boolean, message: string | (() => string)): asserts condition {
  if (!condition) throw new Failed(typeof message === 'string' ? message : message())
}
