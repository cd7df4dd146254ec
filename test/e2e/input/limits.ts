/** Keys and values beyond the limits; then a cluster without a majority. */
import { Cluster, expect, nitrostate } from '../harness/index.ts'
import type { CliRun, Scene } from '../harness/index.ts'
import { isNitroError } from '../../../base/index.ts'
import { refusedWith } from './command-line.ts'

const names = ['n1', 'n2', 'n3']
const mib = 1 << 20

/** Runs the part. */
export async function limitsAndQuorum({ report, directory }: Scene): Promise<void> {
  report.section('keys and values beyond the limits')
  const cluster = await Cluster.make({ directory, founders: names })
  try {
    await cluster.startWhole(names)
    const endpoints = ['--endpoints', cluster.endpoints().join()]
    const run = (...args: string[]): Promise<CliRun> => nitrostate([...args, ...endpoints])
    const serves = async (): Promise<void> => {
      const { code, err } = await run('put', 'still', 'here')
      expect(code === 0, err)
    }
    await report.check('a key and a value of just the largest size are taken', async () => {
      const client = await cluster.client()
      await client.store.put('k'.repeat(4096), 'v'.repeat(mib))
      const entry = await client.store.get('k'.repeat(4096))
      expect(entry?.value.length === mib, `read ${entry?.value.length} bytes`)
      await client.close()
    })
    await report.check('a key of 4,097 bytes', async () =>
      refusedWith(await run('put', 'k'.repeat(4097), 'v'), 1, 'KeyTooLarge', '4096'),
    )
    await report.check('an empty key', async () => refusedWith(await run('put', '', 'v'), 1, 'KeyTooLarge'))
    await report.check('a value of 1 MiB and a byte', async () => {
      const put = await nitrostate(['put', 'big', '-', ...endpoints], 'v'.repeat(mib + 1))
      return refusedWith(put, 1, 'ValueTooLarge')
    })
    await report.check('a value of 20 MiB, larger than any frame', async () => {
      const put = await nitrostate(['put', 'big', '-', ...endpoints], 'v'.repeat(20 * mib))
      return refusedWith(put, 1, /ValueTooLarge|RequestTooLarge/)
    })
    await report.check('arguments larger than a command, past the client and its checks', async () => {
      const client = await cluster.client()
      const code = await client.engine.command('kv', 'put', new Uint8Array(5 * mib)).then(
        () => 'nothing',
        (error: unknown) => (isNitroError(error) ? error.code : String(error)),
      )
      await client.close()
      expect(code === 'RequestTooLarge', `refused with ${code}`)
    })
    await report.check('an unknown program and method', async () => {
      const client = await cluster.client()
      for (const [program, method, wanted] of [
        ['nobody', 'put', 'UnknownProgram'],
        ['kv', 'frobnicate', 'UnknownMethod'],
      ] as const) {
        const code = await client.engine.command(program, method, new Uint8Array(3)).then(
          () => 'nothing',
          (error: unknown) => (isNitroError(error) ? error.code : String(error)),
        )
        expect(code === wanted, `${program}.${method} is refused with ${code}`)
      }
      await client.close()
    })
    await report.check('the cluster serves as before', async () => {
      await serves()
      await cluster.whole(names)
      return cluster.hashesAgree(names)
    })

    report.section('no majority: exit code 5, but committed reads work')
    const leader = await cluster.whole(names)
    const left = names.find((name) => name !== leader) as string
    for (const name of names) if (name !== left) await cluster.server(name).kill()
    const alone = (...args: string[]): Promise<CliRun> =>
      nitrostate([...args, '--endpoints', cluster.endpoints([left]).join(), '--timeout', '2s'])
    await report.check('a write', async () => refusedWith(await alone('put', 'a', 'b'), 5, /Unavailable|Timeout/))
    await report.check('a linearizable read', async () =>
      refusedWith(await alone('get', 'still'), 5, /Unavailable|Timeout/),
    )
    await report.check('a change of members', async () =>
      refusedWith(await alone('member', 'remove', leader), 5, /Unavailable|Timeout|no leader/),
    )
    await report.check('a committed read gives the value', async () => {
      const { code, out, err } = await alone('get', 'still', '--consistency', 'committed')
      expect(code === 0 && out.trim() === 'here', `exit code ${code}: ${out}${err}`)
    })
    await report.check('readyz says 503 and why, livez says 200', async () => {
      const ready = await fetch(`http://${cluster.at(left).address}/readyz`)
      const live = await fetch(`http://${cluster.at(left).address}/livez`)
      const text = (await ready.text()).trim()
      expect(ready.status === 503 && live.status === 200, `${ready.status} ${text}, ${live.status}`)
      return text
    })
    await report.check('nodes that are back make it whole', async () => {
      for (const name of names) if (name !== left) cluster.start(name)
      await cluster.whole(names)
      await serves()
    })
  } finally {
    await cluster.close()
  }
}
