/**
 * A snapshot that was saved during a run is restored into a new cluster, in a world of its own: it must hold what was
 * acknowledged up to its revision, and give out no revision again.
 */
import { saveSnapshotFile, nodeCrypto } from '../storage/index.ts'
import { restoreSnapshot } from '../node/index.ts'
import type { History, Operation } from './checkers/history.ts'
import { cluster } from './cluster.ts'
import type { Cluster } from './cluster.ts'
import { limitsOf } from './knobs.ts'
import type { Knobs } from './knobs.ts'
import { addressOf, dataDir } from './member.ts'
import type { SavedSnapshot } from './operator.ts'
import { standardPrograms } from './workload/standard.ts'

const formMs = 10_000
const backup = 'backup'

/** Restores and checks; what is wrong is added to the violations of the run. */
export async function checkRestored(
  seed: string,
  saved: SavedSnapshot,
  history: History,
  run: Cluster,
  knobs: Knobs,
): Promise<void> {
  const world = cluster(3, {
    ...{
      seed,
      programs: standardPrograms,
      limits: limitsOf(knobs),
      sizes: knobs.sizes,
    },
    ...{ tickMs: knobs.tickMs, electionTimeoutMs: knobs.electionTimeoutMs, disk: knobs.disk },
  })
  const peers = Object.fromEntries(world.names.map((name) => [name, addressOf(name)]))
  let revision = 0
  for (const name of world.names) {
    await world.prepare(name, async (files) => {
      await files.makeDirectory(backup)
      await saveSnapshotFile(files, `${backup}/snapshot`, listed(saved.chunks), nodeCrypto)
      const restored = await restoreSnapshot({
        ...{ file: `${backup}/snapshot`, dataDir, name, listen: addressOf(name), peers, files },
        random: world.random.split(`incarnation of ${name}`),
      })
      revision = restored.revision
    })
  }
  const report = (what: string): void => run.violations.add('acknowledged is kept', `restored: ${what}`)
  if (revision < saved.revisionMin || revision > saved.revisionMax) {
    report(`the snapshot is of revision ${revision}, not of ${saved.revisionMin} to ${saved.revisionMax}`)
  }
  world.startAll()
  if (!(await world.until(() => world.converged(), formMs))) {
    run.violations.add('progress', 'the restored cluster does not form')
    return
  }
  const client = await world.answer(world.client('c').connect())
  for (const key of history.keys()) {
    const entry = await world.answer(client.store.get(key))
    const wrong = judge(key, history.on(key), revision, entry?.text(), entry?.modRevision)
    if (wrong !== undefined) report(wrong)
  }
  const { revision: next } = await world.answer(client.store.put('new', 'value'))
  if (next <= revision + 1_000_000_000) report(`revision ${next} follows a backup of revision ${revision}`)
  await world.until(() => world.converged(), formMs)
  for (const { property, what } of world.violations.all) run.violations.add(property, `restored: ${what}`)
  run.coverage.hit('operator: restored into a new cluster')
  run.trace.add(run.time.nowMs, 'operator', 'restored', undefined, world.trace.hash)
}

/** What is wrong with the content of a key, if anything. Counters have no acknowledged revisions to compare with. */
function judge(
  key: string,
  operations: readonly Operation[],
  revision: number,
  value: string | undefined,
  modRevision: number | undefined,
): string | undefined {
  if (operations.some((one) => one.kind === 'increment')) return undefined
  const newest = operations
    .filter((one) => one.outcome === 'ok' && (one.kind === 'put' || (one.kind === 'delete' && one.deleted)))
    .filter((one) => (one.revision ?? Infinity) <= revision)
    .toSorted((a, b) => (b.revision ?? 0) - (a.revision ?? 0))[0]
  if (value !== undefined && (modRevision ?? Infinity) > revision) return `${key} has revision ${modRevision}`
  if (newest?.revision === undefined) return undefined
  if (value === undefined) {
    const gone = newest.kind === 'delete' || operations.some((one) => one.kind === 'delete' && one.outcome !== 'ok')
    return gone ? undefined : `${key} is missing; ${newest.value} was acknowledged at ${newest.revision}`
  }
  if ((modRevision ?? 0) < newest.revision) return `${key} is ${value} @${modRevision}, older than @${newest.revision}`
  if (modRevision === newest.revision && value !== newest.value) return `${key} is ${value}, not ${newest.value}`
  return undefined
}

async function* listed(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}
