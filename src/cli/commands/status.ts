/** `nitrostate status` */
import { Command } from 'commander'
import type { NodeStatus } from '../../api/index.ts'
import { note, type CliContext } from '../context.ts'
import { exitCodes, ExitWith } from '../exit-codes.ts'
import { printRows, type Row } from '../output.ts'
import { sharedOptions, usesCluster } from '../shared.ts'
import { probe, probedEndpoints, type Probe } from './node-probe.ts'

const examples = `
Exit code 5 when no node answers.

Examples:
  nitrostate status
  nitrostate status --cluster                      every member, found through one of them
  nitrostate status -o json                        all facts, also those the table leaves out`

/** Facts of every node. */
export function statusCommand(context: CliContext): Command {
  return usesCluster(new Command('status'))
    .description('facts of every node: role, term, leader, log positions, revision')
    .option('--cluster', 'ask all members, not only the endpoints')
    .addHelpText('after', examples)
    .action(async ({ cluster }: { readonly cluster?: true }, command: Command) => {
      const shared = sharedOptions(context, command)
      const endpoints = await probedEndpoints(context, command, cluster === true)
      const probes = await probe(context, shared, endpoints, (client, timeoutMs) => client.admin.status({ timeoutMs }))
      const output = shared.output ?? 'table'
      if (output === 'table') await printRows(context, output, tableRows(probes.filter(answered)), 'role')
      else await printRows(context, output, probes.map(fullRow), 'role')
      for (const { endpoint, error } of probes) {
        if (error !== '') await note(context, `${endpoint}: ${error}`)
      }
      if (!probes.some(answered)) throw new ExitWith(exitCodes.unavailable)
    })
}

function answered(probe: Probe<NodeStatus>): boolean {
  return probe.answer !== undefined
}

/** A column for programs only where there are any. */
function tableRows(probes: readonly Probe<NodeStatus>[]): Row[] {
  const rows = probes.map(tableRow)
  if (!probes.some(({ answer }) => answer !== undefined && answer.offered.length > 0)) return rows
  return rows.map((row, at) => ({ ...row, active: probes[at]?.answer?.active.join(', ') ?? '' }))
}

function tableRow({ endpoint, answer }: Probe<NodeStatus>): Row {
  return {
    endpoint,
    name: answer?.name,
    role: answer?.role,
    ready: answer?.ready,
    leader: answer?.leader,
    term: answer?.term,
    commit: answer?.commitIndex,
    applied: answer?.appliedIndex,
    revision: answer?.revision,
    keys: answer?.keys,
    uptime: answer === undefined ? undefined : shortTime(answer.uptimeMs),
  }
}

function fullRow({ endpoint, answer, error }: Probe<NodeStatus>): Row {
  return answer === undefined ? { endpoint, error } : { endpoint, ...answer }
}

/** `4s`, `12m`, `3h`, `9d`: the largest unit that fits. */
export function shortTime(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}
