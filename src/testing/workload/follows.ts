/** Followers: a state and its changes, from which the state of each revision can be told again. */
import { isNitroError } from '../../../base/index.ts'
import { createStore } from '../../store/index.ts'
import type { KeyedRecord } from '../checkers/facts.ts'
import type { Turn, WorkloadOperation } from './operation.ts'
import { recordOf } from './ranges.ts'
import { smallCreditBytes, withCredit } from './watchers.ts'

const prefixes = ['t/', 'lease/', 'r']

/** Follows a prefix for a while, beside what the client does next. */
export const followOperation: WorkloadOperation = {
  name: 'follow',
  weight: 0.05,
  run(turn) {
    void follow(turn)
    return Promise.resolve()
  },
}

async function follow(turn: Turn): Promise<void> {
  const { random, coverage, violations, desk } = turn.world
  const prefix = random.pick(prefixes)
  const controller = new AbortController()
  const pauseMs = random.pick([0, 0, 2_500])
  const { scheduler } = turn.client.life
  const { engine } = turn.connection
  // What a reader that dawdles does not take stays with the node, where compaction overtakes it.
  const store = createStore(pauseMs > 0 ? withCredit(engine, smallCreditBytes) : engine, turn.client.life)
  const timer = scheduler.after(random.between(2_000, 20_000), () => controller.abort(done))
  const records = new Map<string, KeyedRecord>()
  const tell = (revision: number): void => {
    const sorted = [...records.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
    turn.world.tell({ kind: 'follow', client: turn.client.name, prefix, revision, records: sorted })
  }
  try {
    for await (const item of store.follow({ prefix }, { signal: controller.signal })) {
      if (item.type === 'reset') {
        coverage.hit('follow: begun anew')
        continue
      }
      if (item.type === 'state') {
        records.clear()
        for (const entry of item.entries) records.set(entry.keyText(), recordOf(entry))
        coverage.hit('follow: state')
      } else {
        for (const event of item.events) {
          if (event.type === 'delete') records.delete(event.keyText())
          else if (event.type === 'put' && event.entry !== undefined)
            records.set(event.keyText(), recordOf(event.entry))
        }
        coverage.hit('follow: events')
      }
      tell(item.revision)
      if (pauseMs > 0 && !desk.hurry) await new Promise<void>((resolve) => void scheduler.after(pauseMs, resolve))
    }
  } catch (error) {
    const expected = error === done || isNitroError(error, 'Closed')
    if (!expected) violations.add('watch guarantees', `following ${prefix} ended: ${String(error)}`)
  } finally {
    timer.cancel()
  }
}

/** Why a follower stops. */
const done = new Error('followed long enough')
