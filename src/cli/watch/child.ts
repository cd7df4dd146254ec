/** A command for each event of a watch. */
import type { WatchEvent } from '../../api/index.ts'
import { bytesMember } from '../bytes-text.ts'
import { note, type CliContext } from '../context.ts'
import { ExitWith } from '../exit-codes.ts'

/** Handles one event and resolves when the command has ended. Throws `ExitWith` with the code of one that failed. */
export type EventRun = (revision: number, event: WatchEvent) => Promise<void>

/** What runs `words` for an event; undefined when there are none. */
export function childOf(
  context: CliContext,
  words: readonly string[],
  endpoints: readonly string[],
  keepGoing: boolean,
): EventRun | undefined {
  const [command, ...args] = words
  if (command === undefined) return undefined
  return async (revision, event) => {
    const code = await context.runChild({
      ...{ command, args },
      environment: { ...environmentOf(revision, event), NITROSTATE_ENDPOINTS: endpoints.join(',') },
      input: event.entry?.value ?? new Uint8Array(),
    })
    if (code === 0) return
    await note(context, `${command}: exit code ${code} at revision ${revision}`)
    if (!keepGoing) throw new ExitWith(code)
  }
}

function environmentOf(revision: number, { type, key, entry }: WatchEvent): Record<string, string> {
  const keyText = Object.entries(bytesMember('key', key)).map(([name, text]) => [
    `NITROSTATE_${name.toUpperCase()}`,
    text,
  ])
  return {
    ...(Object.fromEntries(keyText) as Record<string, string>),
    NITROSTATE_EVENT: type,
    NITROSTATE_REVISION: String(revision),
    NITROSTATE_VERSION: String(entry?.version ?? 0),
    NITROSTATE_LEASE: String(entry?.lease ?? 0),
  }
}
