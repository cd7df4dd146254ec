/**
 * A million puts over a hundred thousand keys through three real servers: how fast, how much memory, how much log is kept.
 * Then all three die at once, come back, and must have it all.
 *
 * `--total` puts; by default 1,000,000.
 */
import { parseArgs } from 'node:util'
import { Cluster, expect, main, sleep, until } from './harness/index.ts'
import type { Scene } from './harness/index.ts'
import { VolumeLoad, keyName } from './volume/load.ts'
import { sizesOf } from './volume/sizes.ts'
import type { Sizes } from './volume/sizes.ts'

const names = ['n1', 'n2', 'n3']
const keysMax = 100_000
const valueBytes = 256
const clientCount = 4
const lookEveryMs = 500
const tellEvery = 10
const sampleKeys = 2_000
const peakRssMax = 400
/** 16 MiB are retained; segments are dropped whole, and the next one is prepared ahead. */
const logMax = 128
const serveMsMax = 5_000

await main('volume', async ({ report, directory, only }) => {
  const { values } = parseArgs({ args: [...only], options: { total: { type: 'string', default: '1000000' } } })
  const total = Number(values.total)
  expect(total >= 1, `--total ${values.total}`)
  const keys = Math.min(keysMax, total)
  const cluster = await Cluster.make({ directory, founders: names })
  try {
    report.section(`${total} puts of ${valueBytes} B over ${keys} keys, ${clientCount} clients`)
    await cluster.startWhole(names)
    const clients = await Promise.all(Array.from({ length: clientCount }, () => cluster.client()))
    const load = new VolumeLoad(clients, keys, valueBytes)
    const peaks = new Map<string, { rss: number; log: number }>()
    await report.check('every put is acknowledged', () => loadWatched(report, cluster, load, total, peaks))
    await report.check(`no server takes more than ${peakRssMax} MiB of memory`, () => {
      const shown = names.map((name) => `${name} ${peaks.get(name)?.rss.toFixed(0)} MiB`).join(', ')
      expect(
        [...peaks.values()].every(({ rss }) => rss > 0 && rss < peakRssMax),
        shown,
      )
      return shown
    })
    await report.check(`no log takes more than ${logMax} MiB`, () => {
      const shown = names.map((name) => `${name} ${peaks.get(name)?.log.toFixed(0)} MiB`).join(', ')
      expect(
        [...peaks.values()].every(({ log }) => log < logMax),
        shown,
      )
      return shown
    })
    await report.check('state hashes are equal at an equal index', () => cluster.hashesAgree(names))

    report.section('a follower misses so much that only a snapshot helps')
    await report.check('it catches up while others write', () => leaveBehind(cluster, load))
    await report.check('state hashes are equal at an equal index', () => cluster.hashesAgree(names))

    report.section('all three die and come back')
    await Promise.all(names.map((name) => cluster.server(name).kill()))
    await report.check(`they serve within ${serveMsMax} ms`, () => comeBack(cluster))
    await report.check(`${sampleKeys} keys have their last value on each`, () => verifySample(cluster, load, keys))
    await report.check('state hashes are equal again', () => cluster.hashesAgree(names))
    await report.check(`none took more than ${peakRssMax} MiB on the way`, () => {
      const sizes = names.map((name) => sizesOf(cluster, name))
      const shown = sizes.map((one, at) => `${names[at]}: ${shownSizes(one)}`).join(', ')
      expect(
        sizes.every(({ peakRss }) => peakRss < peakRssMax),
        shown,
      )
      return shown
    })
  } finally {
    await cluster.close()
  }
})

/** Writes it all; now and then notes how far it is and what the servers take. */
async function loadWatched(
  report: Scene['report'],
  cluster: Cluster,
  load: VolumeLoad,
  total: number,
  peaks: Map<string, { rss: number; log: number }>,
): Promise<string> {
  const startedMs = performance.now()
  let done = false
  const look = (tell: boolean): void => {
    const seconds = (performance.now() - startedMs) / 1000
    if (tell) report.note(`${seconds.toFixed(0).padStart(4)} s  ${load.acknowledged} puts`)
    for (const name of names) {
      const sizes = sizesOf(cluster, name)
      const { rss = 0, log = 0 } = peaks.get(name) ?? {}
      peaks.set(name, { rss: Math.max(rss, sizes.peakRss), log: Math.max(log, sizes.log) })
      if (tell) report.note(`        ${name}: ${shownSizes(sizes)}`)
    }
  }
  const watching = (async () => {
    for (let looks = 1; !done; looks++) {
      await sleep(lookEveryMs)
      look(looks % tellEvery === 0)
    }
  })()
  try {
    let left = total
    await load.run(() => left-- > 0)
  } finally {
    done = true
    await watching
  }
  const seconds = (performance.now() - startedMs) / 1000
  look(true)
  return `${load.acknowledged} in ${seconds.toFixed(1)} s, ${(load.acknowledged / seconds).toFixed(0)} puts per second`
}

/** Kills a follower, writes until the leader's log begins after what it has, and starts it while the writing goes on. */
async function leaveBehind(cluster: Cluster, load: VolumeLoad): Promise<string> {
  const leader = await cluster.whole(names)
  const behind = names.find((name) => name !== leader) as string
  const { lastIndex = 0 } = (await cluster.status(behind)) ?? {}
  await cluster.server(behind).kill()
  const before = load.acknowledged
  let over = false
  const back = (async () => {
    await until('the log begins later', async () => ((await cluster.status(leader))?.firstIndex ?? 0) > lastIndex + 1, {
      timeoutMs: 120_000,
    })
    const startedMs = performance.now()
    cluster.start(behind)
    await until(
      `${behind} has got a snapshot`,
      async () => ((await cluster.status(behind))?.firstIndex ?? 0) > lastIndex + 1,
      { timeoutMs: 120_000, why: () => cluster.tails(names) },
    )
    return performance.now() - startedMs
  })().finally(() => (over = true))
  await Promise.all([load.run(() => !over), back])
  await cluster.whole(names)
  const puts = load.acknowledged - before
  return `${behind} has its snapshot ${(await back).toFixed(0)} ms after its start, ${puts} puts meanwhile`
}

/** Starts all; they serve when all are ready under one leader and a put is acknowledged. */
async function comeBack(cluster: Cluster): Promise<string> {
  const startedMs = performance.now()
  for (const name of names) cluster.start(name)
  const client = await cluster.client()
  await client.store.put('back', 'again', { timeoutMs: 60_000 })
  const writeMs = performance.now() - startedMs
  await cluster.whole(names, 60_000)
  const wholeMs = performance.now() - startedMs
  const told = `a write after ${writeMs.toFixed(0)} ms, all three serve after ${wholeMs.toFixed(0)} ms`
  expect(wholeMs < serveMsMax, told)
  return told
}

async function verifySample(cluster: Cluster, load: VolumeLoad, keys: number): Promise<string> {
  const step = Math.max(1, Math.floor(keys / sampleKeys))
  let looked = 0
  for (const name of names) {
    const client = await cluster.only(name)
    for (let key = 0; key < keys; key += step) {
      const entry = await client.store.get(keyName(key), { consistency: 'committed' })
      expect(entry?.text() === load.last(key), () => `${name} has ${entry?.text().trim()} at ${keyName(key)}`)
      looked++
    }
    const { count } = await client.store.range({ prefix: 'volume/', countOnly: true, consistency: 'committed' })
    expect(count === load.keysWritten, `${name} counts ${count} of ${load.keysWritten} keys`)
  }
  return `${looked} looked at, and every key counted`
}

function shownSizes({ rss, peakRss, log, state }: Sizes): string {
  const [now, peak, inLog, inState] = [rss, peakRss, log, state].map((size) => size.toFixed(0))
  return `memory ${now} MiB, at most ${peak}; log ${inLog} MiB, state ${inState} MiB`
}
