/**
 * Running one transcript: its kind is told by its commands.
 */
import { messageOf } from '../../base/index.ts'
import { difference, significantLines } from './compare.ts'
import { confChangeCommands, confChangeRunner } from './confchange.ts'
import { parseTranscript } from './datadriven.ts'
import type { Case } from './datadriven.ts'
import { Environment } from './environment.ts'
import { runInteraction } from './interaction.ts'
import { quorumCommands, runQuorum } from './quorum.ts'

/** A case that did not print what the transcript says. */
export interface Failure {
  readonly line: number
  readonly command: string
  readonly diff: readonly string[]
}

function runnerFor(cases: readonly Case[]): (one: Case) => string {
  const uses = (commands: readonly string[]): boolean => cases.every(({ name }) => commands.includes(name))
  if (uses(quorumCommands)) return runQuorum
  if (uses(confChangeCommands)) return confChangeRunner()
  const env = new Environment()
  return (one) => runInteraction(env, one)
}

/** Runs all cases; an empty list means that the transcript holds. A transcript without cases does not. */
export function runTranscript(text: string): Failure[] {
  const cases = parseTranscript(text)
  if (cases.length === 0) return [{ line: 1, command: '', diff: ['the file holds no case'] }]
  const run = runnerFor(cases)
  const failures: Failure[] = []
  for (const one of cases) {
    const actual = attempt(run, one).split('\n')
    const diff = difference(significantLines(one.expected), significantLines(actual))
    if (diff.length > 0) failures.push({ line: one.line, command: one.text, diff })
  }
  return failures
}

/** The transcript as it would be if what happens now were right; comments and commands stay as they are. */
export function rewriteTranscript(text: string): string {
  const lines = text.split('\n')
  const cases = parseTranscript(text)
  const run = runnerFor(cases)
  const out: string[] = []
  let at = 0
  for (const one of cases) {
    const head = one.line + one.input.length
    out.push(...lines.slice(at, head))
    const actual = attempt(run, one).replace(/\n+$/, '')
    out.push(...(/\n\s*\n/.test(actual) ? ['----', '----', actual, '----', '----'] : ['----', actual]))
    at = head + 1 + one.expected.length
    if (lines[head + 1] === '----') at += 3
  }
  out.push(...lines.slice(at))
  return out.join('\n')
}

function attempt(run: (one: Case) => string, one: Case): string {
  try {
    return run(one)
  } catch (thrown) {
    return `failed: ${messageOf(thrown)}`
  }
}
