/** A concurrent history made anew: each replica sees exactly what its transactions' parents tell, and gives its updates. */
import type { Library, Replica } from './library.ts'
import type { Trace, TraceTxn } from '../traces/trace.ts'
import { isPlain, toUnits } from '../traces/units.ts'

/** What came of it. */
export interface Made {
  /** One update a transaction, in the trace's order; some may be empty, where a transaction changed nothing. */
  readonly updates: readonly Uint8Array[]
  /** The text that all of them give. */
  readonly text: string
}

/** Lets one replica of `library` for each of the trace make its transactions. */
export function updatesOf(library: Library, trace: Trace): Made {
  const replicas = Array.from({ length: trace.replicas }, (_none, at) => library.create(at + 1))
  const known = replicas.map(() => new Set<number>())
  const updates: Uint8Array[] = []
  const plain = isPlain(trace)
  trace.txns.forEach((txn, at) => {
    const replica = replicas[txn.replica] as Replica
    const seen = known[txn.replica] as Set<number>
    const missing = missingOf(trace.txns, txn.parents, seen)
    if (missing.length > 0) replica.apply(missing.map((index) => updates[index] as Uint8Array))
    updates.push(
      replica.update(() => {
        for (const patch of txn.patches) {
          const [position, deleted, inserted] = plain ? patch : toUnits(patch, replica.text())
          if (deleted > 0) replica.deleteText(position, deleted)
          if (inserted.length > 0) replica.insertText(position, inserted)
        }
      }),
    )
    seen.add(at)
  })
  const first = replicas[0] as Replica
  const all = trace.txns.map((_txn, at) => at)
  first.apply(all.filter((at) => !known[0]?.has(at)).map((at) => updates[at] as Uint8Array))
  const text = first.text()
  for (const replica of replicas) replica.free()
  return { updates, text }
}

/** Transactions in the past of `parents` that are not in `seen`, in order; `seen` has them afterwards. */
export function missingOf(txns: readonly TraceTxn[], parents: readonly number[], seen: Set<number>): number[] {
  const missing: number[] = []
  const open = [...parents]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (seen.has(at)) continue
    seen.add(at)
    missing.push(at)
    open.push(...(txns[at] as TraceTxn).parents)
  }
  return missing.sort((a, b) => a - b)
}
