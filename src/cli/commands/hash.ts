/** `nitrostate hash` */
import { Command } from 'commander'
import type { HashInfo } from '../../api/index.ts'
import { note, type CliContext } from '../context.ts'
import { exitCodes, ExitWith } from '../exit-codes.ts'
import { printRows } from '../output.ts'
import { sharedOptions, usesCluster } from '../shared.ts'
import { probe, probedEndpoints } from './node-probe.ts'

const examples = `
Nodes that have applied the same log up to the same index must show the same hash. Exit code 1 when two hashes at one
index differ, 5 when no node answers.

Examples:
  nitrostate hash --cluster`

/** The state hash of every node, compared where the indexes allow it. */
export function hashCommand(context: CliContext): Command {
  return usesCluster(new Command('hash'))
    .description('the state hash of every node, compared')
    .option('--cluster', 'ask all members, not only the endpoints')
    .addHelpText('after', examples)
    .action(async ({ cluster }: { readonly cluster?: true }, command: Command) => {
      const shared = sharedOptions(context, command)
      const endpoints = await probedEndpoints(context, command, cluster === true)
      const probes = await probe(context, shared, endpoints, (client, timeoutMs) => client.admin.hash({ timeoutMs }))
      const answers: HashInfo[] = []
      for (const { endpoint, answer, error } of probes) {
        if (answer === undefined) await note(context, `${endpoint}: ${error}`)
        else answers.push(answer)
      }
      if (answers.length === 0) throw new ExitWith(exitCodes.unavailable)
      const rows = answers.map(({ name, index, revision, hash }) => ({ name, index, revision, hash }))
      await printRows(context, shared.output ?? 'table', rows, 'hash')
      const verdict = compareHashes(answers)
      await note(context, verdictText[verdict])
      if (verdict === 'differ') throw new ExitWith(exitCodes.error)
    })
}

const verdictText = {
  agree: 'The hashes agree.',
  differ: 'The hashes DIFFER at the same index: the states of these nodes are not the same.',
  'not comparable': 'Not compared: no two nodes answered at the same index. Ask again when fewer writes are going on.',
} as const

/** Whether hashes at equal indexes are equal; `not comparable` when no two indexes are equal. */
export function compareHashes(answers: readonly HashInfo[]): keyof typeof verdictText {
  const seen = new Map<number, string>()
  let compared = false
  for (const { index, hash } of answers) {
    const other = seen.get(index)
    if (other !== undefined && other !== hash) return 'differ'
    compared ||= other !== undefined
    seen.set(index, hash)
  }
  return compared ? 'agree' : 'not comparable'
}
