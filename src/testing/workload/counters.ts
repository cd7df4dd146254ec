/** Counters: a program that reads and writes, whose every execution counts. */
import { ProgramError } from '../../../execution/index.ts'
import type { Program } from '../../../execution/index.ts'
import type { WorkloadOperation } from './operation.ts'

const keys = ['c1', 'c2']

/** Counts in keys: `increment` with a key adds one and returns the sum. */
export const counterProgram: Program = {
  name: 'counter',
  version: 1,
  methods: {
    increment(tx, key) {
      if (typeof key !== 'string') throw new ProgramError('KeyNeeded')
      const before = tx.get(key)
      const sum = (before === undefined ? 0 : Number(new TextDecoder().decode(before))) + 1
      tx.put(key, String(sum))
      return sum
    },
  },
}

/** Adds one. */
export const incrementOperation: WorkloadOperation = {
  name: 'increment',
  weight: 0.25,
  async run(turn) {
    const key = turn.world.random.pick(keys)
    await turn.record('increment', key, undefined, async () => {
      const sum = await turn.connection.programs.call('counter', 'increment', key, turn.options)
      return { result: String(sum) }
    })
  },
}
