/** Notices: a program that tells watchers something, beside what it writes; and fails sometimes when it has done both. */
import { ProgramError } from '../../../execution/index.ts'
import type { Program } from '../../../execution/index.ts'
import type { WorkloadOperation } from './operation.ts'

const keys = ['t/n1', 't/n2']

/** `post` writes a key and emits an event under it; `fail` does the same and takes it back. */
export const noticeProgram: Program = {
  name: 'notice',
  version: 1,
  methods: {
    post: (tx, args) => post(tx, args),
    fail(tx, args) {
      post(tx, args)
      throw new ProgramError('ChangedItsMind')
    },
  },
}

type Post = NonNullable<Program['methods']>[string]

const post: Post = (tx, args) => {
  if (!Array.isArray(args)) throw new ProgramError('ArgumentsNeeded')
  const [key, value] = args as readonly unknown[]
  if (typeof key !== 'string' || typeof value !== 'string') throw new ProgramError('ArgumentsNeeded')
  tx.put(key, value)
  tx.emit(`${key}/seen`, value)
  return tx.revision
}

/** Posts, or fails to. */
export const noticeOperation: WorkloadOperation = {
  name: 'notice',
  weight: 0.1,
  async run(turn) {
    const { random, desk, coverage } = turn.world
    const key = random.pick(keys)
    const value = turn.world.freshValue()
    const method = random.chance(0.3) ? 'fail' : 'post'
    const known = desk.known()
    const client = turn.client.name
    turn.world.tell({ kind: 'attempt', client, value, keys: [key, `${key}/seen`] })
    const done = await turn.attempt(
      'posts',
      () => turn.connection.programs.call('notice', method, [key, value], turn.options),
      ['ProgramError'],
    )
    if (done === undefined) return
    if ('refused' in done) {
      coverage.hit('program: taken back')
      turn.world.tell({ kind: 'undone', client, value })
      return
    }
    coverage.hit('program: emitted an event')
    const changes = [
      { type: 'put', key, value },
      { type: 'emit', key: `${key}/seen`, value },
    ] as const
    const none = { condition: [], succeeded: true, before: [], after: [] } as const
    turn.world.tell({ kind: 'write', client, known, revision: Number(done.value), changes, ...none })
  },
}
