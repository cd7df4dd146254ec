/**
 * Numbered flags: changes of what the machine itself does with a command.
 *
 * A release that changes an answer keeps the old way beside the new one, gives the change the next number here and in
 * `docs/reference/flags.md`, and asks `flagOn(number)` of the machine's `Activation`. The flag is switched on by the log once every member
 * knows it. Numbers are never reused; a flag goes only when no log or state that began without it can be met any more.
 */

/** One change of behaviour. */
export interface Flag {
  readonly number: number
  /** What is different when it is on. */
  readonly summary: string
}

/** Users, roles and permissions, and commands that say who they are for. */
export const authFlag = 1

/** The flags that this release knows, in order of numbers. */
export const knownFlags: readonly Flag[] = [
  { number: authFlag, summary: 'Commands may say who they are for, and the auth program takes commands.' },
]
