/**
 * Three servers, and thirty processes that fight for five locks, while servers and contenders are killed and stopped at random. Each
 * holder reads a counter and writes it one higher, and writes to a resource outside that compares tokens. Some holders are stopped between
 * read and write for twice the time to live.
 *
 * With guards the counters are exact; the same without loses updates, or it would show nothing.
 *
 * `--seconds` of trouble in each of the two rounds, 60 by default; `--stops`, how many holders are stopped at least, 10 by default;
 * `--contenders`; `--seed`, printed, repeats what is done to whom. `--short` is a run for every change: 8 s and half as many contenders.
 * `--commands` runs the commands of the command line only, which come first.
 */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { Cluster, expect, main } from './harness/index.ts'
import type { Report } from './harness/index.ts'
import { commands } from './locks/commands.ts'
import { bundlePrograms } from './locks/programs.ts'
import { Round } from './locks/round.ts'
import type { RoundOptions } from './locks/round.ts'

const names = ['n1', 'n2', 'n3']
const locks = ['red', 'green', 'blue', 'a/b', 'a-b']

await main('locks', async ({ report, directory, only }) => {
  const { values } = parseArgs({
    args: [...only],
    options: {
      seconds: { type: 'string' },
      stops: { type: 'string', default: '10' },
      contenders: { type: 'string' },
      seed: { type: 'string', default: String(randomInt(2 ** 32)) },
      commands: { type: 'boolean', default: false },
      short: { type: 'boolean', default: false },
    },
  })
  const { short } = values
  const seconds = Number(values.seconds ?? (short ? 8 : 60))
  const contenders = Number(values.contenders ?? (short ? 15 : 30))
  const holderStops = Number(values.stops)
  const ttlMs = short ? 1_500 : 2_000
  expect(seconds >= 0, `--seconds ${values.seconds}`)
  expect(holderStops >= 1 && contenders >= 2, `--stops ${values.stops} --contenders ${values.contenders}`)
  const programs = await bundlePrograms()
  const cluster = await Cluster.make({ directory, founders: names })
  const shared = { cluster, names, programs, contenders, locks, ttlMs, seconds, holderStops, seed: values.seed }
  try {
    report.note(`--seed ${values.seed}`)
    await cluster.startWhole(names)
    await commands(report, cluster)
    if (values.commands) return
    report.section(`${contenders} contenders, ${locks.length} locks, ${seconds} s of trouble, guarded writes`)
    await guardedRound(report, { ...shared, guarded: true })
    report.section('the same without guards')
    await unguardedRound(report, { ...shared, guarded: false })
  } finally {
    await cluster.close()
  }
})

async function guardedRound(report: Report, options: RoundOptions): Promise<void> {
  const round = await Round.start(options)
  try {
    await troubled(report, round)
    const { ledger } = round
    await report.check('no token is given twice', () => ledger.checkTokens())
    await report.check(
      'counters are exact: each increment once, on the one before it, in the order of grants',
      async () => {
        const client = await options.cluster.client()
        const counted = await ledger.count(client, round.prefix, locks, true)
        expect(counted.acknowledged > 0, 'nothing was written')
        const unknown = `${counted.unknownWritten} of ${counted.unknown} unknown outcomes`
        return `${counted.counted} = ${counted.acknowledged} acknowledged + ${unknown}`
      },
    )
    await report.check('a holder that was stopped knows when it goes on that it holds nothing', () => {
      expect(ledger.woke.length >= options.holderStops, `only ${ledger.woke.length} were stopped`)
      expect(
        ledger.woke.every((state) => state === 'lost'),
        `they saw ${ledger.woke.join(', ')}`,
      )
      return `${ledger.woke.length} holders`
    })
    await report.check('what a stopped holder writes is refused', () => {
      const refused = ledger.stoppedWith('refused')
      expect(refused > 0, 'none was refused')
      return `${refused} refused, ${ledger.stoppedWith('unknown')} unknown, ${ledger.stoppedWith('acknowledged')} accepted`
    })
    await report.check('the resource accepted tokens that never fall, and refused stale ones', async () => {
      const { accepted, refused } = ledger.checkResource(await round.seen())
      expect(refused > 0, `none of ${accepted} was stale`)
      return `${accepted} accepted, ${refused} refused`
    })
    await report.check('state hashes are equal at an equal index', () => options.cluster.hashesAgree(names))
    report.note(`other ends: ${[...ledger.codes].map(([code, count]) => `${code} ${count}`).join(', ')}`)
  } finally {
    await round.close()
  }
}

async function unguardedRound(report: Report, options: RoundOptions): Promise<void> {
  const round = await Round.start(options)
  try {
    await troubled(report, round)
    await report.check('updates are lost', async () => {
      const client = await options.cluster.client()
      const { written, counted } = await round.ledger.count(client, round.prefix, locks, false)
      expect(written > counted, `all of ${written} increments were counted`)
      return `${written - counted} of ${written}`
    })
  } finally {
    await round.close()
  }
}

/** What is the same in both rounds, up to their end. */
async function troubled(report: Report, round: Round): Promise<void> {
  await report.check('every contender begins', () => round.allBegin())
  await report.check('servers and contenders are killed and stopped', async () => {
    await round.trouble.run()
    const { serverKills, serverPauses, contenderKills, contenderPauses, holderStops } = round.trouble.done
    return (
      `servers: ${serverKills} kills, ${serverPauses} stops; contenders: ${contenderKills} kills, ${contenderPauses} stops, ` +
      `${holderStops} between read and write; ${round.ledger.granted} grants`
    )
  })
  await report.check('every contender goes on getting locks', () => round.allGoOn())
  await report.check('when all have ended, nothing is held or waited for', () => round.end())
}
