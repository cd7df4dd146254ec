/** When a job is due: a function of the time it is given. `Date` only converts here; nothing reads the clock. */
import { Cron } from 'croner'
import { NitroError, messageOf } from '../../base/index.ts'
import type { OnceOptions } from '../api/index.ts'
import { checkMs } from './names.ts'

/** The first time after another one, both in ms since 1970; undefined when there is none any more. */
export type Schedule = (afterMs: number) => number | undefined

/** The schedule of options. Throws `InvalidArgument`. */
export function scheduleOf({ every, cron, timeZone = 'UTC' }: OnceOptions): Schedule {
  if ((every === undefined) === (cron === undefined)) {
    throw new NitroError('InvalidArgument', 'a job needs `every` or `cron`, and not both')
  }
  if (cron === undefined) {
    const intervalMs = checkMs(every, 'every', 1) as number
    return (afterMs) => (Math.floor(afterMs / intervalMs) + 1) * intervalMs
  }
  try {
    const pattern = new Cron(cron, { timezone: timeZone, paused: true })
    const next: Schedule = (afterMs) => pattern.nextRun(new Date(afterMs))?.getTime()
    // A time zone that does not exist is found out by the first use.
    next(0)
    return next
  } catch (error) {
    throw new NitroError('InvalidArgument', `cron ${JSON.stringify(cron)}: ${messageOf(error)}`, { cause: error })
  }
}
