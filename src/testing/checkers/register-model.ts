/** One key of the store as a sequential object, with the operations that clients of a run do on it. */
import type { Operation } from './history.ts'
import type { Model } from './search.ts'

/** What a key holds. */
export interface Register {
  readonly value: string | undefined
}

const absent: Register = { value: undefined }

/** Puts, deletes, gets and increments of one key; what was not answered could have been answered in any way. */
export const registerModel: Model<Register, Operation> = {
  initial: absent,
  step(state, one) {
    const known = one.outcome === 'ok'
    switch (one.kind) {
      case 'get':
        return !known || one.result === state.value ? state : undefined
      case 'put':
        return { value: one.value }
      case 'delete':
        return !known || one.deleted === (state.value !== undefined) ? absent : undefined
      case 'increment': {
        const sum = String(Number(state.value ?? '0') + 1)
        return !known || one.result === sum ? { value: sum } : undefined
      }
    }
  },
  alike: ({ kind, value }) => `${kind} ${value ?? ''}`,
  key: ({ value }) => (value === undefined ? '' : `=${value}`),
}
