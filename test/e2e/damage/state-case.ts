/** Damage to the state: repaired in place, and the node is the member that it was. */
import { existsSync } from 'node:fs'
import { expect } from '../harness/index.ts'
import { damageFile, databases, pathOf } from './files.ts'
import type { Lane } from './lane.ts'
import type { Case, Outcome } from './table.ts'

/** Starts after the damage; LevelDB may end the process on a damaged table, once. */
const startsMax = 2

/** Runs one case against `victim` and leaves the lane whole. */
export async function runStateCase(lane: Lane, { target, damage, outcome }: Case, victim: string): Promise<string> {
  const { cluster } = lane
  const before = await cluster.status(victim)
  const client = await cluster.client()
  await lane.write(client, 30)
  await client.close()
  await cluster.server(victim).stop()
  if (target === 'half-received snapshot') await dieWhileReceiving(lane, victim)
  else lane.hasTables(victim)
  const done = damageFile(pathOf(target, cluster.at(victim).dataDir), damage)
  const reading = lane.readAlong(victim)
  const starts = await startUntilItStays(lane, victim)
  const records = await reading.stop()
  const found = outcomeOf(lane, victim)
  expect(found === outcome, () => `${done}: ${found} instead of ${outcome}\n${cluster.server(victim).tail()}`)
  await lane.verifyAll()
  const after = await cluster.status(victim)
  expect(before?.id === after?.id && before?.incarnation === after?.incarnation, 'it is another member now')
  const left = databases(cluster.at(victim).dataDir)
  expect(left.length === 1, `leftovers: ${left.join(', ')}`)
  return `${done}${starts > 1 ? `; LevelDB ended the process, ${starts} starts` : ''}; ${records} records read meanwhile`
}

async function startUntilItStays(lane: Lane, victim: string): Promise<number> {
  const { cluster } = lane
  for (let starts = 1; ; starts++) {
    const server = cluster.start(victim)
    const end = await Promise.race([server.ended, cluster.whole([...lane.others(victim), victim])])
    if (typeof end === 'string') return starts
    const bySignal = end.signal !== null || (end.code ?? 0) > 128
    expect(bySignal && starts < startsMax, () => `${victim} ended: ${JSON.stringify(end)}\n${server.tail()}`)
  }
}

function outcomeOf(lane: Lane, victim: string): Outcome {
  const { stderr } = lane.cluster.server(victim)
  if (stderr.includes('fetching the state from a peer')) return 'fetched'
  return stderr.includes('rebuilding the state from the log') ? 'rebuilt' : 'replayed'
}

/** Makes the node need a snapshot and ends it in the middle of receiving one. */
async function dieWhileReceiving(lane: Lane, victim: string): Promise<void> {
  const { cluster } = lane
  const { dataDir } = cluster.at(victim)
  damageFile(pathOf('state CURRENT', dataDir), 'remove')
  cluster.start(victim, { environment: { NITROSTATE_FAILPOINT: 'state:before-replacement-write:crash:40' } })
  const exit = await cluster.server(victim).end()
  expect(exit.signal === 'SIGKILL', () => `${JSON.stringify(exit)}\n${cluster.server(victim).tail()}`)
  const found = databases(dataDir)
  expect(found.length === 2 && existsSync(found[1] as string), `databases: ${found.join(', ')}`)
}
