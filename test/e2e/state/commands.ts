/** The commands over transactions, history and leases, one after the other as a person would type them. */
import { expect, nitrostate } from '../harness/index.ts'
import type { CliRun, Cluster, Report } from '../harness/index.ts'

/** Runs the part. */
export async function commands(report: Report, cluster: Cluster): Promise<void> {
  report.section('commands')
  const at = ['--endpoints', cluster.endpoints().join(',')]
  const run = async (code: number, args: string, input = ''): Promise<CliRun> => {
    const done = await nitrostate([...args.split(' '), ...at], input)
    expect(done.code === code, `nitrostate ${args}: exit code ${done.code} instead of ${code}\n${done.out}${done.err}`)
    return done
  }
  const claim = 'if\n  missing job\nthen\n  put job mine\nelse\n  get job\n'

  await report.check('txn runs its first branch once, its second afterwards', async () => {
    expect((await run(0, 'txn -o value', claim)).out === 'true\n', 'the first claim failed')
    expect((await run(0, 'txn -o value', claim)).out === 'false\n', 'the second claim succeeded')
    const json =
      '{"if":[{"test":"value","key":"job","is":"=","to":"mine"}],"then":[{"op":"del","key":"job","prev":true}]}'
    const { out } = await run(0, 'txn -o jsonl', json)
    expect(out.includes('"deleted":1'), out)
  })

  await report.check('range --rev, get --rev and history read the past until compact', async () => {
    const { revision } = JSON.parse((await run(0, 'put h one -o json')).out) as { readonly revision: number }
    await run(0, 'put h two')
    expect((await run(0, `get h --rev ${revision}`)).out === 'one', 'get --rev')
    expect((await run(0, `range h --rev ${revision} -o value`)).out === 'one\n', 'range --rev')
    expect((await run(0, 'history h -o value')).out === 'two\none\n', 'history')
    await run(0, `compact ${revision + 1}`)
    expect((await run(1, `get h --rev ${revision}`)).err.includes('Compacted'), 'no word of the compaction')
    expect((await run(0, 'history h -o value')).out === 'two\n', 'history after the compaction')
    await run(3, 'history nobody')
  })

  await report.check('a lease takes its keys along; keep ends with 4 when it is gone', async () => {
    const id = (await run(0, 'lease grant 60s -o value')).out.trim()
    await run(0, `put held x --lease ${id}`)
    expect((await run(0, `lease ttl ${id} --keys -o jsonl`)).out.includes('"keys":["held"]'), 'lease ttl')
    expect((await run(0, `lease keep ${id} --once -o value`)).out === '60000\n', 'lease keep --once')
    await run(0, `lease revoke ${id}`)
    await run(3, 'get held')
    await run(3, `lease ttl ${id}`)
    const { err } = await run(4, `lease keep ${id}`)
    expect(err.includes('LeaseLost'), err)
  })
}
