/**
 * An editing history in one form, whatever form the file had: a list of transactions, each made by one replica on the merge
 * of its parents.
 *
 * A replica is totally ordered here: each of its transactions has the one before it in its past. Where a file lets an agent be
 * concurrent with itself, the agent becomes several replicas whose numbers keep the file's order of (agent, sequence number),
 * so that ties between concurrent insertions fall as they would have fallen there.
 */

/** At `position`, `deleted` UTF-16 units go and then `inserted` comes. */
export type Patch = readonly [position: number, deleted: number, inserted: string]

/** Edits that one replica made in a row. */
export interface TraceTxn {
  /** 0 and up; the smaller number goes to the left where concurrent insertions tie. */
  readonly replica: number
  /** Indexes of earlier transactions; their merge is what the edits were made on. */
  readonly parents: readonly number[]
  readonly patches: readonly Patch[]
}

/** A history and what all of it must give. */
export interface Trace {
  readonly name: string
  readonly replicas: number
  readonly txns: readonly TraceTxn[]
  readonly endContent: string
}

/** A file that is no trace. */
export class TraceFormatError extends Error {
  override readonly name = 'TraceFormatError'
}

/** Units inserted or deleted: what one unit of time buys in the literature's tables. */
export function unitsOf(trace: Trace): number {
  let units = 0
  for (const { patches } of trace.txns) {
    for (const [, deleted, inserted] of patches) units += deleted + inserted.length
  }
  return units
}

/** Patches, each an edit a person or a program made. */
export function patchesOf(trace: Trace): number {
  return trace.txns.reduce((sum, { patches }) => sum + patches.length, 0)
}
