/**
 * Three server processes, a thousand watches over fifty prefixes and twenty of everything, and clients that write, while the
 * leader is killed again and again. Each watch must get exactly the history filtered by it: nothing twice, nothing missing, in
 * order, revision by revision.
 *
 * `--writes`, `--kills`: it goes on until both are reached, 50,000 and 10 by default. `--short` is a run for every change: fewer
 * watches, 4,000 writes, 2 kills.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Faults } from './failover/faults.ts'
import { Cluster, expect, main, sleep } from './harness/index.ts'
import { Watchers } from './watch/watchers.ts'
import { Writes, writeSeveralProgram } from './watch/writes.ts'

const names = ['n1', 'n2', 'n3']
const prefixes = 50
const watchClients = 6
const writeClients = 8
/** While leaders die, writes are spread over the time that takes; what is left is written as fast as it goes. */
const burst = 10
const pauseMs = 60
const fastBurst = 50

await main('watch', async ({ report, directory, only }) => {
  const { values } = parseArgs({
    args: [...only],
    options: { writes: { type: 'string' }, kills: { type: 'string' }, short: { type: 'boolean', default: false } },
  })
  const { short } = values
  const plan = {
    writes: Number(values.writes ?? (short ? 4_000 : 50_000)),
    kills: Number(values.kills ?? (short ? 2 : 10)),
  }
  const fanOutWrites = short ? 1_000 : 10_000
  const watched = { prefixes, onPrefixes: short ? 200 : 1_000, onEverything: short ? 5 : 20 }
  expect(plan.writes >= 1 && plan.kills >= 0, `--writes ${values.writes} --kills ${values.kills}`)
  const program = writeSeveralProgram(join(directory, 'several.mjs'))
  const cluster = await Cluster.make({ directory, founders: names, args: ['--programs', program] })
  const writes = new Writes(prefixes)
  const watchers = new Watchers(writes.acknowledgedMs)
  try {
    report.section(
      `${watched.onPrefixes} + ${watched.onEverything} watches, ${plan.writes} writes, ${plan.kills} leaders die`,
    )
    await cluster.startWhole(names)
    const readers = await Promise.all(Array.from({ length: watchClients }, () => cluster.reader()))
    await report.check('every watch opens', async () => {
      const startMs = performance.now()
      await watchers.open(readers, watched)
      return `${watchers.size} in ${(performance.now() - startMs).toFixed(0)} ms`
    })
    const writers = await Promise.all(Array.from({ length: writeClients }, () => cluster.client()))
    const faults = new Faults(cluster, names, writes.remembering(await cluster.client()), (line) => report.note(line))
    const killed = (): boolean => faults.outages.length >= plan.kills
    const startMs = performance.now()
    writes.start(
      writers,
      () => (killed() ? fastBurst : burst),
      () => (killed() ? 0 : pauseMs),
    )
    await report.check('the leader dies again and again while clients write', async () => {
      await faults.run({ seconds: 0, kills: plan.kills })
      while (writes.count < plan.writes) await sleep(100)
      await writes.stop()
      const seconds = (performance.now() - startMs) / 1000
      return `${faults.outages.length} kills, ${faults.pauses} pauses, ${writes.count} writes in ${seconds.toFixed(0)} s`
    })
    await report.check('every watch comes to the last revision', async () => {
      const beginMs = performance.now()
      await watchers.reach(writes.count, 120_000)
      return `after ${(performance.now() - beginMs).toFixed(0)} ms more`
    })
    const history = writes.history()
    await report.check('each watch got the history filtered by it, nothing twice, nothing missing, in order', () =>
      watchers.compare(history, history.revision),
    )
    await report.check('the nine guarantees hold', () => watchers.guarantees(history, history.revision))
    await report.check('state hashes are equal at an equal index', () => cluster.hashesAgree(names))
    await report.check('slow readers were left behind, and read history instead', async () => {
      const left = await Promise.all(names.map((name) => timesLeft(cluster.at(name).address)))
      expect(short || left.some((count) => count > 0), 'none was slow enough')
      return `${left.join(', ')} times on ${names.join(', ')}, since their last starts`
    })
    const delays = watchers.delaysMs.toSorted((a, b) => a - b)
    const quantile = (share: number): string => (delays[Math.floor(share * (delays.length - 1))] ?? 0).toFixed(1)
    report.note(
      `from acknowledged to seen: median ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms, worst ${quantile(1)} ms`,
    )

    report.section('fan-out, with nothing broken')
    await report.check('every watch keeps up', async () => {
      const [before, beginMs, first] = [watchers.deliveries, performance.now(), writes.count]
      while (writes.count - first < fanOutWrites) {
        await Promise.all(writers.map((client) => Promise.all(Array.from({ length: 100 }, () => writes.one(client)))))
      }
      const wroteMs = performance.now() - beginMs
      await watchers.reach(writes.count, 60_000)
      const tookMs = performance.now() - beginMs
      const perSecond = (count: number, ms: number): string => Math.round(count / (ms / 1000)).toLocaleString('en')
      return (
        `${perSecond(writes.count - first, wroteMs)} writes/s, ` +
        `${perSecond(watchers.deliveries - before, tookMs)} events/s over ${watchers.size} watches`
      )
    })
    await report.check('and still each has the history filtered by it', () => {
      const whole = writes.history()
      return watchers.compare(whole, whole.revision)
    })
  } finally {
    watchers.close()
    await cluster.close()
  }
})

/** How often a node left a watch behind because its reader was slow. */
async function timesLeft(address: string): Promise<number> {
  const response = await fetch(`http://${address}/metrics`)
  return Number(/^nitrostate_watch_left_behind_total (\d+)$/m.exec(await response.text())?.[1] ?? Number.NaN)
}
