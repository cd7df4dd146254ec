/**
 * The commands of the interaction transcripts, and where each is carried out.
 */
import { messageOf } from '../../base/index.ts'
import { parseCommand } from './datadriven.ts'
import type { Argument, Case } from './datadriven.ts'
import type { Environment } from './environment.ts'
import * as drive from './handlers-drive.ts'
import * as inspect from './handlers-inspect.ts'
import * as members from './handlers-members.ts'
import * as process from './handlers-process.ts'

type Handler = (env: Environment, args: readonly Argument[]) => void

const handlers: Readonly<Record<string, Handler>> = {
  'add-nodes': members.addNodes,
  campaign: drive.campaign,
  compact: inspect.compact,
  crash: members.crash,
  'deliver-msgs': process.deliver,
  'process-ready': process.processReady,
  'process-append-thread': process.processAppendThread,
  'process-apply-thread': process.processApplyThread,
  'log-level': inspect.logLevel,
  'raft-log': inspect.raftLog,
  'raft-state': inspect.raftState,
  'read-index': drive.readIndex,
  'set-randomized-election-timeout': drive.setRandomizedElectionTimeout,
  stabilize: process.stabilize,
  status: inspect.status,
  'tick-election': drive.tickElection,
  'tick-heartbeat': drive.tickHeartbeat,
  tick: drive.tick,
  'transfer-leadership': drive.transferLeadership,
  'forget-leader': drive.forgetLeader,
  'send-snapshot': drive.sendSnapshot,
  'report-snapshot': drive.reportSnapshot,
  propose: drive.propose,
  'report-unreachable': drive.reportUnreachable,
}

function single(env: Environment, name: string, args: readonly Argument[]): void {
  const handler = handlers[name]
  if (handler === undefined) throw new Error('unknown command')
  handler(env, args)
}

/** Carries out one case, whose input lines are further commands, and returns what it printed. */
export function runInteraction(env: Environment, one: Case): string {
  const attempt = (action: () => void): void => {
    try {
      action()
    } catch (thrown) {
      // Errors show even when everything else is silent.
      failures.push(messageOf(thrown))
      env.output.write(messageOf(thrown))
    }
  }
  const failures: string[] = []
  env.output.take()
  if (one.name === 'propose-conf-change') {
    attempt(() => members.proposeConfChange(env, one.args, one.input))
  } else {
    attempt(() => single(env, one.name, one.args))
    for (const line of one.input) {
      const { name, args } = parseCommand(line)
      if (failures.length === 0) attempt(() => single(env, name, args))
    }
  }
  if (env.output.quiet && failures.length > 0) return failures.join('\n')
  return env.output.empty ? 'ok' : env.output.take()
}
