/**
 * Three server processes whose leader is killed again and again, while clients write without a pause. Nothing acknowledged
 * may be lost, nothing may happen twice, and a new leader must be there soon.
 *
 * `--seconds` and `--kills`: it goes on until both are reached; by default 120 and 40.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Faults } from './failover/faults.ts'
import type { Outage } from './failover/faults.ts'
import { hangLeader } from './failover/hang.ts'
import { Writers } from './failover/writers.ts'
import { Cluster, expect, main, writeCounterProgram } from './harness/index.ts'

const names = ['n1', 'n2', 'n3']
const clientCount = 8
const counterCount = 20
const pauseMs = 4
const medianMsMax = 1_500
const hangs = 3
const hangMsMax = 4_000

await main('failover', async ({ report, directory, only }) => {
  const { values } = parseArgs({
    args: [...only],
    options: { seconds: { type: 'string', default: '120' }, kills: { type: 'string', default: '40' } },
  })
  const plan = { seconds: Number(values.seconds), kills: Number(values.kills) }
  expect(plan.seconds >= 0 && plan.kills >= 1, `--seconds ${values.seconds} --kills ${values.kills}`)
  const program = writeCounterProgram(join(directory, 'counter.mjs'))
  const cluster = await Cluster.make({ directory, founders: names, args: ['--programs', program] })
  try {
    report.section(`${clientCount} clients write, at least ${plan.kills} leaders die, for at least ${plan.seconds} s`)
    await cluster.startWhole(names)
    const clients = await Promise.all(Array.from({ length: clientCount }, () => cluster.client()))
    const writers = new Writers(clients, counterCount, pauseMs)
    const faults = new Faults(cluster, names, await cluster.client(), (line) => report.note(line))
    writers.start()
    await report.check('the cluster lives through all of it', async () => {
      await faults.run(plan)
      return `${faults.outages.length} kills, ${faults.pauses} pauses`
    })
    await report.check('every request gets its answer', async () => {
      await writers.stop()
      return `${writers.ledger.puts + writers.ledger.increments} answers, ${writers.repeated} made again`
    })
    const { ledger } = writers
    const { revision } = await (clients[0] as (typeof clients)[0]).store.put('probe', 'last')
    ledger.put('probe', 'last', revision, ledger.now)
    await report.check(
      'each acknowledged write has a revision of its own, later than all acknowledged before it',
      () => {
        expect(ledger.wrongs.length === 0, () => ledger.wrongs.join('\n'))
      },
    )
    await report.check('state hashes are equal at an equal index', () => cluster.hashesAgree(names))
    for (const name of names) {
      await report.check(`${name} holds just what was acknowledged, counters exactly`, () =>
        ledger.verify(cluster, name),
      )
    }
    await report.check(`the median time without a leader is below ${medianMsMax} ms`, () => {
      const plain = faults.outages.filter((outage) => outage.plain)
      report.note(`all ${faults.outages.length} kills, until a leader: ${spread(faults.outages, 'leaderMs')}`)
      report.note(`all ${faults.outages.length} kills, until a write: ${spread(faults.outages, 'writeMs')}`)
      report.note(`${plain.length} kills with both others running, until a leader: ${spread(plain, 'leaderMs')}`)
      report.note(`${plain.length} kills with both others running, until a write: ${spread(plain, 'writeMs')}`)
      const median = quantile(plain, 'leaderMs', 0.5)
      expect(median < medianMsMax, `it is ${median.toFixed(0)} ms`)
      return `${median.toFixed(0)} ms`
    })
    report.section('the leader hangs, and its connections stay open')
    for (let round = 1; round <= hangs; round++) {
      await report.check(`a follower's clients go on within ${hangMsMax} ms`, () =>
        hangLeader(cluster, names, hangMsMax),
      )
    }
    await report.check('state hashes are still equal', () => cluster.hashesAgree(names))
  } finally {
    await cluster.close()
  }
})

function quantile(outages: readonly Outage[], what: 'leaderMs' | 'writeMs', share: number): number {
  const sorted = outages.map((outage) => outage[what]).toSorted((a, b) => a - b)
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? 0
}

function spread(outages: readonly Outage[], what: 'leaderMs' | 'writeMs'): string {
  const [median, p90, worst] = [0.5, 0.9, 1].map((share) => quantile(outages, what, share).toFixed(0))
  return `median ${median} ms, p90 ${p90} ms, worst ${worst} ms`
}
