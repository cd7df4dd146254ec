/** Commands that run another one: what stands after `--`, and what its end means. */
import type { Command } from 'commander'

/** What a child is started with. */
export interface ChildRun {
  readonly command: string
  readonly args: readonly string[]
  /** Beside the environment of this process. */
  readonly environment: Readonly<Record<string, string>>
  /** All it can read from standard input. */
  readonly input: Uint8Array
  /** It reads the standard input of this process instead. */
  readonly sharesInput?: boolean
  /** Asks it to end (SIGTERM), and ends it (SIGKILL) when it has not after some milliseconds. */
  readonly stop?: { readonly signal: AbortSignal; readonly killAfterMs: number }
}

/** How many words of a command line stand after `--`. */
export function wordsAfterDashes(args: readonly string[]): number {
  const at = args.indexOf('--')
  return at < 0 ? 0 : args.length - at - 1
}

/** The operands of a command, parted from the child's command line, which is the last `childWords` of them. */
export function splitOperands(command: Command, childWords: number): readonly [own: string[], child: string[]] {
  const at = command.args.length - childWords
  return [command.args.slice(0, at), command.args.slice(at)]
}
