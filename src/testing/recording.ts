/** Recording what clients of a virtual cluster do, and checking it: linearizability for tests of one's own. */
import type { Store } from '../api/index.ts'
import { isNitroError } from '../../base/index.ts'
import type { Final } from './checkers/checker.ts'
import type { Operation } from './checkers/history.ts'
import type { Cluster } from './cluster.ts'

/** What a recorded store can do. Each value may be put once in a run: readers are matched with writers by it. */
export type RecordedStore = Pick<Store, 'put' | 'get' | 'delete'>

/** The store of a client, with everything it does written into the history of the cluster. Keys and values are text. */
export function recordStore(world: Cluster, client: string, store: Store): RecordedStore {
  const { history } = world
  const settle = async <T>(operation: Operation, answer: Promise<T>, told: (value: T) => void): Promise<T> => {
    try {
      const value = await answer
      told(value)
      return value
    } catch (error) {
      history.gaveUp(operation, !isNitroError(error) || error.executed !== 'no')
      throw error
    }
  }
  const text = (value: string | Uint8Array): string =>
    typeof value === 'string' ? value : new TextDecoder().decode(value)
  return {
    put(key, value, options) {
      const operation = history.begin(client, 'put', text(key), text(value))
      return settle(operation, store.put(key, value, options), ({ revision }) =>
        history.answered(operation, undefined, revision),
      )
    },
    get(key, options) {
      // Other reads may be old, which is what was asked for.
      if (options?.consistency === 'committed') return store.get(key, options)
      const operation = history.begin(client, 'get', text(key))
      return settle(operation, store.get(key, options), (entry) =>
        history.answered(operation, entry?.text(), entry?.modRevision),
      )
    },
    delete(key, options) {
      const operation = history.begin(client, 'delete', text(key))
      return settle(operation, store.delete(key, options), ({ revision, deleted }) =>
        history.answered(operation, undefined, revision, deleted > 0),
      )
    },
  }
}

/**
 * Ends a recorded run: reads every key once more, lets every checker judge, and gives what is wrong, each as a sentence.
 * The cluster must be able to answer. To be called once.
 */
export async function checkHistory(world: Cluster): Promise<readonly string[]> {
  const { history } = world
  const client = await world.answer(world.client('checker').connect())
  const recorded = recordStore(world, 'checker', client.store)
  const finals = new Map<string, Final | undefined>()
  for (const key of history.keys()) {
    const entry = await world.answer(recorded.get(key))
    finals.set(key, entry === undefined ? undefined : { value: entry.text(), revision: entry.modRevision })
  }
  await world.answer(client.close())
  world.checkers.finished({ history, finals })
  return world.violations.found
}
