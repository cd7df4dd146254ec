/**
 * Damage to log, witness or identity, at the worst moment: the healthy node that is up lacks acknowledged writes, and only
 * the damaged node's vote stands between it and leadership.
 */
import { expect } from '../harness/index.ts'
import { damageFile, pathOf, usedBytes } from './files.ts'
import type { Lane } from './lane.ts'
import type { Case } from './table.ts'

const watchMs = 10_000

/** Runs one case against `victim` and leaves the lane whole. */
export async function runPromiseCase(lane: Lane, { target, damage, outcome }: Case, victim: string): Promise<string> {
  const { cluster } = lane
  const [away, stale] = lane.others(victim)
  await cluster.server(stale).kill()
  const client = await cluster.client([victim, away])
  await lane.write(client, 10)
  await client.close()
  await cluster.server(victim).kill()
  await cluster.server(away).stop()
  cluster.start(stale)
  const path = pathOf(target, cluster.at(victim).dataDir)
  if (target === 'log segment' && damage === 'flip middle byte') {
    expect(usedBytes(path) < (16 << 20) / 2, 'the middle of the segment is in use: the case needs a shorter log')
  }
  const done = damageFile(path, damage)
  cluster.start(victim)
  const reading = lane.readAlong(stale)
  let remark = done
  if (outcome === 'replaced') {
    await refuses(lane, victim)
    await cluster.nobodyLeads([victim, stale], watchMs)
    cluster.start(victim)
    remark += `: ${await refuses(lane, victim)}, again when started again`
    cluster.start(away)
    await cluster.whole([away, stale])
    await lane.replace(victim)
  } else {
    await cluster.whole([victim, stale])
    remark += `: ${victim} and ${stale} have a leader without the third`
    const found = await cluster.contents(stale, 'linearizable')
    lane.promises.verify(stale, found)
    cluster.start(away)
  }
  const records = await reading.stop()
  await lane.verifyAll()
  return `${remark}; ${records} records read meanwhile`
}

async function refuses(lane: Lane, victim: string): Promise<string> {
  const server = lane.cluster.server(victim)
  const { code } = await server.end()
  const said = /^error: (LogDamaged|IdentityLost): /m.exec(server.stderr)?.[1]
  expect(code === 1 && said !== undefined, () => `${victim} ended with code ${code}\n${server.tail()}`)
  expect(server.stderr.includes(`nitrostate member replace ${victim}`), () => `no advice:\n${server.tail()}`)
  return said
}
