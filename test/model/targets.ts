/** What sequences are played on: an embedded node, and a client of a node, each under virtual time. */
import { cluster } from '../../src/testing/index.ts'
import { noticeProgram } from '../../src/testing/workload/notices.ts'
import type { Target } from './play.ts'

/** Which interface. */
export type TargetKind = 'embedded' | 'remote'

/** Few, so that history is also compacted by itself. */
const keepsFew = 25
const keepsAll = 100_000

/** Starts a cluster of one, with a client if that is what is tested. */
export async function openTarget(kind: TargetKind, seed: number | string): Promise<Target> {
  const keeps = kind === 'embedded' ? keepsAll : keepsFew
  const world = cluster(1, {
    ...{ seed, programs: [noticeProgram], limits: { historyRevisions: keeps } },
    sizes: { logRetainEntries: 1_000, logRetainBytes: 1 << 20, logSegmentBytes: 1 << 20, flushIntervalMs: 200 },
  })
  world.startAll()
  await world.until(() => world.converged(), 10_000)
  const { store, leases, engine, programs } =
    kind === 'embedded' ? orThrow(world.node('n1')) : await world.answer(world.client('c').connect())
  return {
    ...{ store, leases, engine, keeps },
    notice: (method, args) => programs.call('notice', method, [...args]),
    answer: (promise) => world.answer(promise),
    pass: (ms) => world.run(ms),
  }
}

function orThrow<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the node did not open')
  return value
}
