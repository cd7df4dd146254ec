/** One key of the store as a sequential object, with the operations that clients of a run do on it. */
import type { Operation } from './history.ts'
import type { Model } from './search.ts'

/** What a key holds, and the revision of its last write: exactly, or as a lower bound when that was not told. */
export interface Register {
  readonly value: string | undefined
  readonly revision: number
  readonly exact: boolean
}

/**
 * Puts, deletes, gets and increments of one key; what was not answered could have been answered in any way. Revisions are part
 * of the answers: they put most writes in one order, which keeps the search small.
 */
export const registerModel: Model<Register, Operation> = {
  initial: { value: undefined, revision: 0, exact: false },
  step(state, one) {
    const known = one.outcome === 'ok'
    switch (one.kind) {
      case 'get':
        return !known || sees(state, one) ? state : undefined
      case 'put':
        return written(state, one.value, one.revision)
      case 'delete':
        if (known && one.deleted !== (state.value !== undefined)) return undefined
        return state.value === undefined ? state : written(state, undefined, one.revision)
      case 'increment': {
        const sum = String(Number(state.value ?? '0') + 1)
        return !known || one.result === sum ? written(state, sum, undefined) : undefined
      }
    }
  },
  alike: ({ kind, value }) => `${kind} ${value ?? ''}`,
  rank: (one) => (one.kind === 'put' || (one.kind === 'delete' && one.deleted) ? one.revision : undefined),
  key: ({ value, revision, exact }) => `${value === undefined ? '' : `=${value}`} ${revision} ${exact}`,
}

function sees({ value, revision, exact }: Register, { result, revision: seen }: Operation): boolean {
  if (result !== value) return false
  if (value === undefined || seen === undefined) return true
  return exact ? seen === revision : seen >= revision
}

function written(state: Register, value: string | undefined, revision: number | undefined): Register | undefined {
  if (revision === undefined) return { value, revision: state.revision, exact: false }
  return revision > state.revision ? { value, revision, exact: true } : undefined
}
