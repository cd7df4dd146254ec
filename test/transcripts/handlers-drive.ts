/**
 * What a driver does to one node: ticks, campaigns, proposals, reads, transfers, reports.
 */
import { utf8 } from '../../base/index.ts'
import { describeMessage, newMessage } from '../../consensus/index.ts'
import { firstId, idsOf, toNumber, valuesOf } from './datadriven.ts'
import type { Argument } from './datadriven.ts'
import type { Environment } from './environment.ts'
import { asDropped } from './handlers-members.ts'

export function campaign(env: Environment, args: readonly Argument[]): void {
  env.member(firstId(args)).node.campaign()
}

export function propose(env: Environment, args: readonly Argument[]): void {
  try {
    env.member(firstId(args)).node.propose(utf8(args[1]?.key ?? ''))
  } catch (thrown) {
    throw asDropped(thrown)
  }
}

/** `read-index N CONTEXT`. */
export function readIndex(env: Environment, args: readonly Argument[]): void {
  const taken = env.member(firstId(args)).node.readIndex(utf8(args[1]?.key ?? ''))
  if (!taken) env.output.line('no leader')
}

export function tickElection(env: Environment, args: readonly Argument[]): void {
  const { node, config } = env.member(firstId(args))
  for (let i = 0; i < config.electionTick; i++) node.tick()
}

export function tickHeartbeat(env: Environment, args: readonly Argument[]): void {
  const { node, config } = env.member(firstId(args))
  for (let i = 0; i < config.heartbeatTick; i++) node.tick()
}

/** `tick N COUNT`. */
export function tick(env: Environment, args: readonly Argument[]): void {
  const { node } = env.member(firstId(args))
  for (let i = toNumber(args[1]?.key ?? '1'); i > 0; i--) node.tick()
}

export function setRandomizedElectionTimeout(env: Environment, args: readonly Argument[]): void {
  env.member(firstId(args)).node.setRandomizedElectionTimeout(toNumber(valuesOf(args, 'timeout')[0] ?? ''))
}

export function transferLeadership(env: Environment, args: readonly Argument[]): void {
  const from = toNumber(valuesOf(args, 'from')[0] ?? '')
  env.member(from).node.transferLeadership(toNumber(valuesOf(args, 'to')[0] ?? ''))
}

export function forgetLeader(env: Environment, args: readonly Argument[]): void {
  env.member(firstId(args)).node.forgetLeader()
}

export function reportUnreachable(env: Environment, args: readonly Argument[]): void {
  const [reporter, lost] = idsOf(args)
  env.member(reporter ?? 0).node.reportUnreachable(lost ?? 0)
}

/** `report-snapshot N OTHER status=finished|failed`. */
export function reportSnapshot(env: Environment, args: readonly Argument[]): void {
  const [reporter, receiver] = idsOf(args)
  const failed = valuesOf(args, 'status')[0] === 'failed'
  env.member(reporter ?? 0).node.reportSnapshot(receiver ?? 0, failed ? 'failed' : 'finished')
}

export function sendSnapshot(env: Environment, args: readonly Argument[]): void {
  const [from = 0, to = 0] = idsOf(args)
  const { node, history } = env.member(from)
  const m = newMessage('MsgSnap', to)
  m.from = from
  m.term = node.term
  m.snapshot = history.at(-1)
  env.messages.push(m)
  env.output.write(describeMessage(m))
}
