/**
 * A job by a schedule, once in the whole cluster for each time: three instances take part, one of them runs it; when it leaves,
 * another goes on, and no time is run twice.
 */
import { connect, openNode, put } from 'nitrostate'

await using node = await openNode({ listen: '127.0.0.1:0' })
await node.ready()
const instances = await Promise.all(['a', 'b', 'c'].map(() => connect({ endpoints: [node.address] })))
let runs = 0

const jobs = instances.map(({ sync, store }, at) =>
  sync.once({ name: 'report', cron: '* * * * * *', missed: 'skip' }, async ({ scheduledMs, guard }) => {
    const time = new Date(scheduledMs).toISOString()
    // If this instance had lost its place meanwhile, nothing would be written.
    const { succeeded } = await store.txn().if(guard()).then(put('report/last', time)).commit()
    console.log(`instance ${at} ran ${time}${succeeded ? '' : ', too late'}`)
    runs++
  }),
)

const untilRun = async (times: number): Promise<void> => {
  while (runs < times) await new Promise((resolve) => setTimeout(resolve, 50))
}

await untilRun(3)
const runner = jobs.findIndex(({ isRunner }) => isRunner)
console.log(`instance ${runner} leaves`)
await jobs[runner]?.stop()
await untilRun(runs + 3)

await Promise.all(jobs.map((job) => job.stop()))
await Promise.all(instances.map((instance) => instance.close()))
