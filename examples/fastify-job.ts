/**
 * A plain Fastify service of three instances. All of them answer requests; exactly one runs the job. When that one is closed, another goes
 * on with it, and no time of the schedule is run twice.
 */
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { connect, openNode, put } from 'nitrostate'

/** What an instance says of itself. */
interface Answer {
  readonly instance: string
  readonly runsJob: boolean
  readonly lastRun: string | undefined
}

/** One instance, listening. `endpoints` are those of a cluster that stands elsewhere. */
async function startService(endpoints: readonly string[], instance: string): Promise<FastifyInstance> {
  const client = await connect({ endpoints })
  const { store, sync } = client
  const job = sync.once({ name: 'report', every: 300, ttl: 5_000, label: instance }, async (run) => {
    const report = `${new Date(run.scheduledMs).toISOString()} by ${instance}`
    // If this instance was stopped for so long that another runs the job now, nothing is written.
    const { succeeded } = await store
      .txn()
      .if(run.guard())
      .then(put('report/last', report), put(`report/at/${run.scheduledMs}`, instance))
      .commit()
    if (!succeeded) app.log.warn('too late: another instance runs the job')
  })
  const app = Fastify()
  app.get('/', async (): Promise<Answer> => {
    const last = await store.get('report/last')
    return { instance, runsJob: job.isRunner, lastRun: last?.text() }
  })
  // Closing hands the job over at once. An instance that dies hands it over when its time to live is over.
  app.addHook('onClose', async () => {
    await job.stop()
    await client.close()
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  return app
}

// A cluster of one stands in for yours.
await using node = await openNode({ listen: '127.0.0.1:0' })
await node.ready()

let services = await Promise.all(['a', 'b', 'c'].map((instance) => startService([node.address], instance)))

/** Asks all instances until one of them has run the job `times` times. */
async function runnerAfter(times: number): Promise<FastifyInstance> {
  for (;;) {
    const answers = await Promise.all(services.map(async (service) => (await service.inject('/')).json<Answer>()))
    const runners = answers.filter(({ runsJob }) => runsJob)
    const runs = await node.store.range({ prefix: 'report/at/', limit: 1 })
    if (runners.length === 1 && runs.count >= times) {
      for (const { instance, runsJob } of answers)
        console.log(`${instance} ${runsJob ? 'runs' : 'does not run'} the job`)
      return services[answers.findIndex(({ runsJob }) => runsJob)] as FastifyInstance
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const first = await runnerAfter(2)
console.log('the one that runs it is closed')
await first.close()
services = services.filter((service) => service !== first)
const before = (await node.store.range({ prefix: 'report/at/', limit: 1 })).count
const second = await runnerAfter(before + 2)
const last = (await (await fetch(second.listeningOrigin)).json()) as Answer
console.log(`last run: ${last.lastRun}`)

await Promise.all(services.map((service) => service.close()))
