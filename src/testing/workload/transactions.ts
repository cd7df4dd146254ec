/** Transactions on few keys: under a condition on what was seen before, nested, with reads before and after their changes. */
import type { Entry, Op } from '../../api/index.ts'
import { del, get, key, put, txn } from '../../store/index.ts'
import type { Change } from '../checkers/watch.ts'
import type { Turn, WorkloadOperation } from './operation.ts'

/** Keys of transactions. */
export const txnKeys: readonly string[] = ['t/1', 't/2', 't/3', 't/4', 't/5']

/** Puts one value into some keys and deletes another, if nobody has changed the key it looked at. */
export const transactionOperation: WorkloadOperation = {
  name: 'transaction',
  weight: 0.3,
  async run(turn) {
    const { random, desk, coverage } = turn.world
    const value = turn.world.freshValue()
    const keys = shuffled(turn, txnKeys)
    const written = keys.slice(0, 1 + Math.floor(random.between(0, 3)))
    const removed = random.chance(0.4) ? keys.at(-1) : undefined
    const looked = keys[0] as string
    const seen = await turn.attempt('reads before a transaction', () =>
      turn.connection.store.get(looked, { ...turn.options, consistency: 'committed' }),
    )
    if (seen === undefined || 'refused' in seen) return
    // Sometimes it asks for what cannot be.
    const mod = random.chance(0.1) ? 1_000_000 : (seen.value?.modRevision ?? 0)
    const nested = random.chance(0.3)
    const puts: readonly Op[] = written.map((one) => put(one, value))
    const writes = nested
      ? [
          txn()
            .if(key(looked).mod.eq(mod))
            .then(...puts),
        ]
      : puts
    const removal: readonly Op[] = removed === undefined ? [] : [del(removed)]
    const operations: readonly Op[] = [get(looked), ...writes, ...removal, get(looked)]
    const known = desk.known()
    turn.world.tell({ kind: 'attempt', client: turn.client.name, value, keys: written })
    const answer = await turn.attempt('runs a transaction', () =>
      turn.connection.store
        .txn()
        .if(key(looked).mod.eq(mod))
        .then(...operations)
        .else(get(looked))
        .commit(turn.options),
    )
    if (answer === undefined || 'refused' in answer) return
    const { revision, succeeded } = answer.value
    const results = answer.value.results as readonly unknown[]
    coverage.hit(succeeded ? 'transaction: done' : 'transaction: condition failed')
    if (succeeded && nested) coverage.hit('transaction: nested')
    const changes: Change[] = succeeded ? written.map((one) => ({ type: 'put', key: one, value })) : []
    const found = succeeded && removed !== undefined && (results.at(-2) as { readonly deleted: number }).deleted > 0
    if (found) changes.push({ type: 'delete', key: removed })
    turn.world.tell({
      ...{ kind: 'write', client: turn.client.name, known, revision, changes },
      condition: [{ key: looked, mod }],
      succeeded,
      before: [{ key: looked, value: textOf(results[0]) }],
      after: [{ key: looked, value: textOf(results.at(-1)) }],
    })
  },
}

function textOf(result: unknown): string | undefined {
  return (result as Entry | undefined)?.text()
}

function shuffled(turn: Turn, list: readonly string[]): string[] {
  const out = [...list]
  for (let at = out.length - 1; at > 0; at--) {
    const other = Math.floor(turn.world.random.between(0, at + 1))
    const one = out[at] as string
    out[at] = out[other] as string
    out[other] = one
  }
  return out
}
