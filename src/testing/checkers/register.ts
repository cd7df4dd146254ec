/**
 * Linearizability of each key, a register with puts of unique values, deletes and gets: there must be an order of the
 * operations, in keeping with real time, in which every get sees the last write before it. The search is that of
 * Wing and Gong with the memory of Lowe; histories of one key are short here.
 */
import { describeOperation } from './history.ts'
import type { History, Operation } from './history.ts'
import type { Report } from './checker.ts'

/** Search steps after which a key is given up as too hard; it is reported, because then nothing was checked. */
const stepsMax = 500_000

/** Checks every key of a history that was not incremented. */
export function checkRegisters(history: History, report: Report): void {
  for (const key of history.keys()) {
    const all = history.on(key)
    if (all.some((one) => one.kind === 'increment')) continue
    // a get without an answer says nothing
    const operations = all.filter((one) => one.kind !== 'get' || one.outcome === 'ok')
    const verdict = search(operations)
    if (verdict === 'yes') continue
    const what = verdict === 'no' ? 'is not linearizable' : 'was too hard to check'
    report(`the history of ${key} ${what}:\n    ${operations.map(describeOperation).join('\n    ')}`)
  }
}

/** Whether some order explains what was seen. */
function search(operations: readonly Operation[]): 'yes' | 'no' | 'too hard' {
  const tried = new Set<string>()
  const done = Array.from({ length: operations.length }, () => false)
  let steps = 0
  // Everything that was answered must be placed; what is unknown may be.
  const extend = (value: string | undefined, missing: number): boolean => {
    if (missing === 0) return true
    if (++steps > stepsMax) return false
    const state = `${done.map(Number).join('')} ${value ?? ''}`
    if (tried.has(state)) return false
    tried.add(state)
    let firstEnd = Infinity
    for (const [i, one] of operations.entries()) if (!done[i]) firstEnd = Math.min(firstEnd, one.end)
    for (const [i, one] of operations.entries()) {
      if (done[i] || one.start > firstEnd) continue
      if (one.kind === 'get' && one.result !== value) continue
      if (one.kind === 'delete' && one.outcome === 'ok' && one.deleted !== (value !== undefined)) continue
      done[i] = true
      const next = one.kind === 'get' ? value : one.kind === 'put' ? one.value : undefined
      if (extend(next, missing - (one.outcome === 'ok' ? 1 : 0))) return true
      done[i] = false
    }
    return false
  }
  if (extend(undefined, operations.filter((one) => one.outcome === 'ok').length)) return 'yes'
  return steps > stepsMax ? 'too hard' : 'no'
}
