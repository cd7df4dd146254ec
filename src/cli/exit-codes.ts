/** What the exit code of a command says, and one line of advice for each error a person can do something about. */
import { isNitroError, messageOf, type ErrorCode } from '../../base/index.ts'
import { shortMessage } from './unreachable.ts'

/** Exit codes of every command. */
export const exitCodes = { ok: 0, error: 1, usage: 2, notFound: 3, lost: 4, unavailable: 5 } as const

/** Ends a command with an exit code after it has printed all there is to say. */
export class ExitWith extends Error {
  readonly exitCode: number

  constructor(exitCode: number) {
    super(`exit code ${exitCode}`)
    this.name = 'ExitWith'
    this.exitCode = exitCode
  }
}

const codeOf: Partial<Record<ErrorCode, number>> = {
  InvalidArgument: exitCodes.usage,
  NotFound: exitCodes.notFound,
  LeaseNotFound: exitCodes.notFound,
  LeaseLost: exitCodes.lost,
  LockLost: exitCodes.lost,
  MemberUnknown: exitCodes.notFound,
  UserNotFound: exitCodes.notFound,
  RoleNotFound: exitCodes.notFound,
  Unavailable: exitCodes.unavailable,
  Timeout: exitCodes.unavailable,
  NotLeader: exitCodes.unavailable,
  ProposalDropped: exitCodes.unavailable,
  Overloaded: exitCodes.unavailable,
  Conflict: exitCodes.unavailable,
  ConnectionClosed: exitCodes.unavailable,
  NotBootstrapped: exitCodes.unavailable,
}

const hints: Partial<Record<ErrorCode, string>> = {
  Unavailable: 'is the cluster running at --endpoints? see "nitrostate status"; "nitrostate dev" starts one here',
  Timeout: 'the cluster may have no leader: see "nitrostate status", or allow more with --timeout',
  NotLeader: 'an election may be going on: try again, see "nitrostate status"',
  ProposalDropped: 'the leader is busy or handing over: try again',
  Overloaded: 'too many requests at once: slow down and try again',
  ConnectionClosed: 'the node ended the connection: try again, see "nitrostate status"',
  NotBootstrapped: 'start every node named in --peers',
  UserEmpty: 'name a user with --user, and give the password in NITROSTATE_PASSWORD',
  MemberUnknown: 'see "nitrostate member list"',
  MemberExists: 'see "nitrostate member list"; "nitrostate member replace" gives a place to a new process',
  MembershipChangePending: 'another change is in progress: try again in a moment',
  LearnerNotReady: 'the learner is still catching up: watch it in "nitrostate member list" and try again',
  UnsafeMembershipChange: 'bring other members back first: see "nitrostate member list"',
  WrongCluster: 'the endpoints belong to different clusters: check --endpoints',
  UnsupportedVersion: 'client and servers are too far apart: compare "nitrostate --version" on both',
  SnapshotInvalid: 'the file is damaged or no snapshot: take another with "nitrostate snapshot save"',
  DiskFull: 'free space on that disk and try again',
  DirectoryUnusable: 'check the directory and its permissions',
  Compacted: 'history does not go back that far: ask for a later revision; the newest is in "nitrostate status"',
  FutureRevision: 'the newest revision is in "nitrostate status"',
  SessionEvicted: 'whether the write happened is not known: read it back',
}

/** The exit code for anything a command threw. */
export function exitCodeFor(error: unknown): number {
  if (error instanceof ExitWith) return error.exitCode
  return isNitroError(error) ? (codeOf[error.code] ?? exitCodes.error) : exitCodes.error
}

/** One clear line, and a hint on a second where there is one. */
export function errorText(error: unknown): string {
  if (!isNitroError(error)) return `error: ${messageOf(error)}\n`
  const happened = error.executed === 'maybe' && error.code === 'Timeout' ? ' (it may still happen)' : ''
  const hint = hints[error.code]
  return `error: ${error.code}: ${shortMessage(error)}${happened}\n${hint === undefined ? '' : `hint: ${hint}\n`}`
}
