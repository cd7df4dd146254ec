/** Durability: what was acknowledged is there at the end, unless something newer took its place. */
import { describeOperation } from './history.ts'
import type { History } from './history.ts'
import type { Final, Report } from './checker.ts'

/** Compares the final content of the store with the acknowledged writes. */
export function checkDurability(
  history: History,
  finals: ReadonlyMap<string, Final | undefined>,
  report: Report,
): void {
  for (const [key, final] of finals) {
    const operations = history.on(key)
    if (operations.some((one) => one.kind === 'increment')) continue
    const writes = operations.filter((one) => one.kind !== 'get')
    const acknowledged = writes.filter((one) => one.outcome === 'ok' && (one.kind === 'put' || one.deleted))
    const newest = acknowledged.toSorted((a, b) => (b.revision ?? 0) - (a.revision ?? 0))[0]
    if (final !== undefined && !writes.some((one) => one.value === final.value)) {
      report(`${key} holds ${final.value}, which nobody wrote`)
    }
    if (newest === undefined || newest.revision === undefined) continue
    const told = describeOperation(newest)
    if (final === undefined) {
      const gone = newest.kind === 'delete' || writes.some((one) => one.kind === 'delete' && one.outcome !== 'ok')
      if (!gone) report(`an acknowledged write is lost: ${told}`)
    } else if (final.revision < newest.revision) {
      report(`an acknowledged write is lost: ${told}; ${key} holds ${final.value} @${final.revision}`)
    } else if (final.revision === newest.revision && final.value !== newest.value) {
      report(`${key} holds ${final.value} where this was acknowledged: ${told}`)
    }
  }
}

/** Counters: every acknowledged increment counts once, every one of unknown outcome at most once. */
export function checkCounters(history: History, finals: ReadonlyMap<string, Final | undefined>, report: Report): void {
  for (const [key, final] of finals) {
    const increments = history.on(key).filter((one) => one.kind === 'increment')
    if (increments.length === 0) continue
    const acknowledged = increments.filter((one) => one.outcome === 'ok')
    const results = new Set(acknowledged.map((one) => one.result))
    if (results.size < acknowledged.length) report(`two increments of ${key} were given the same number`)
    const count = final === undefined ? 0 : Number(final.value)
    if (count >= acknowledged.length && count <= increments.length) continue
    report(
      `${key} is ${count} after ${acknowledged.length} acknowledged increments of ${increments.length}:\n    ` +
        increments.map(describeOperation).join('\n    '),
    )
  }
}
