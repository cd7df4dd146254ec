/** How the log says that it can't be trusted. */
import { NitroError } from '../../../base/index.ts'

/**
 * A `LogDamaged` error. `what` is wrong, `where` is the file and place, `index` the highest log index that could still be
 * read before it (0 if none).
 */
export function damaged(what: string, where: string, index = 0): NitroError {
  return new NitroError('LogDamaged', `the log is damaged: ${what} (${where})`, { details: { what, where, index } })
}
