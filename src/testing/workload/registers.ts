/** Registers: keys with puts of unique values, deletes and linearizable gets. */
import type { WorkloadOperation } from './operation.ts'

const keys = ['r1', 'r2', 'r3']

/** Puts a value that nobody else writes. */
export const putOperation: WorkloadOperation = {
  name: 'put',
  weight: 0.35,
  async run(turn) {
    const key = turn.world.random.pick(keys)
    const value = turn.world.freshValue()
    await turn.record('put', key, value, async () => {
      const { revision } = await turn.connection.store.put(key, value, turn.options)
      return { revision }
    })
  },
}

/** Deletes a key, whether or not it is there. */
export const deleteOperation: WorkloadOperation = {
  name: 'delete',
  weight: 0.1,
  async run(turn) {
    const key = turn.world.random.pick(keys)
    await turn.record('delete', key, undefined, async () => {
      const { revision, deleted } = await turn.connection.store.delete(key, turn.options)
      return { revision, deleted: deleted > 0 }
    })
  },
}

/** Reads a key behind a barrier. */
export const getOperation: WorkloadOperation = {
  name: 'get',
  weight: 0.3,
  async run(turn) {
    const key = turn.world.random.pick(keys)
    await turn.record('get', key, undefined, async () => {
      const entry = await turn.connection.store.get(key, turn.options)
      return { result: entry?.text(), revision: entry?.modRevision }
    })
  },
}
