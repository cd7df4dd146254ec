/**
 * Looking at nodes: log, roles, progress; the log level; compaction, which shows the log it leaves.
 */
import { allVoters, describeEntries, describeProgressMap, describeRole, noLimit } from '../../consensus/index.ts'
import { firstId, toNumber } from './datadriven.ts'
import type { Argument } from './datadriven.ts'
import type { Environment } from './environment.ts'

export function logLevel(env: Environment, args: readonly Argument[]): void {
  env.output.setLevel(args[0]?.key ?? '')
}

export function raftLog(env: Environment, args: readonly Argument[]): void {
  const { storage } = env.member(firstId(args))
  const first = storage.firstIndex()
  const last = storage.lastIndex()
  if (last < first) {
    env.output.write(`log is empty: first index=${first}, last index=${last}`)
    return
  }
  const entries = storage.entries(first, last + 1, noLimit)
  if (typeof entries === 'string') throw new Error(entries)
  env.output.write(describeEntries(entries))
}

export function raftState(env: Environment): void {
  for (const { node } of env.members) {
    const { id, role, config, hardState, lead } = node.status()
    const voter = allVoters(config).includes(id) ? '(Voter)' : '(Non-Voter)'
    env.output.line(`${id}: ${describeRole(role)} ${voter} Term:${hardState.term} Lead:${lead}`)
  }
}

export function status(env: Environment, args: readonly Argument[]): void {
  env.output.write(describeProgressMap(env.member(firstId(args)).node.status().progress))
}

/** `compact N INDEX`: drops the log up to and including the index. */
export function compact(env: Environment, args: readonly Argument[]): void {
  env.member(firstId(args)).storage.compact(toNumber(args[1]?.key ?? ''))
  raftLog(env, args)
}
