/** Waiting for something to become true, and watching that it does not. */
import { setTimeout as delay } from 'node:timers/promises'
import { messageOf } from '../../../base/index.ts'
import { Failed } from './report.ts'

/** Sleeps. */
export const sleep = (ms: number): Promise<void> => delay(ms)

/**
 * Polls `look` until it gives something other than undefined or false, and resolves with that. Errors count as "not yet";
 * the last one is part of the failure.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMs = 30_000, everyMs = 100, why = (): string => '' } = {},
): Promise<T> {
  const endMs = performance.now() + timeoutMs
  let last = ''
  for (;;) {
    try {
      const found = await look()
      if (found !== undefined && found !== false) return found
      last = ''
    } catch (error) {
      last = `: ${messageOf(error)}`
    }
    if (performance.now() > endMs) throw new Failed(`not within ${timeoutMs} ms: ${what}${last}${indented(why())}`)
    await sleep(everyMs)
  }
}

const indented = (text: string): string => (text === '' ? '' : `\n${text}`)

/** Runs `look` again and again for `ms`; it throws when it sees what must not be. Resolves with how often it looked. */
export async function watch(ms: number, look: () => Promise<void>, everyMs = 200): Promise<number> {
  const endMs = performance.now() + ms
  let looks = 0
  while (performance.now() < endMs) {
    await look()
    looks++
    await sleep(everyMs)
  }
  return looks
}
