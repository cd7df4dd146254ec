/**
 * What goes wrong, in the words of etcd: its clients tell errors apart by code and text, so both are part of the interface.
 */
import { isNitroError, messageOf } from '../../../base/index.ts'
import type { ErrorCode, Logger, NitroError } from '../../../base/index.ts'
import { RpcError } from './rpc-error.ts'
import type { RpcCode } from './rpc-error.ts'

type Row = readonly [code: RpcCode, text: string]

/** Refusals by a name of ours. */
const refusals = {
  emptyKey: ['invalidArgument', 'etcdserver: key is not provided'],
  keyNotFound: ['invalidArgument', 'etcdserver: key not found'],
  valueProvided: ['invalidArgument', 'etcdserver: value is provided'],
  leaseProvided: ['invalidArgument', 'etcdserver: lease is provided'],
  tooManyOps: ['invalidArgument', 'etcdserver: too many operations in txn request'],
  duplicateKey: ['invalidArgument', 'etcdserver: duplicate key given in txn request'],
  invalidSort: ['invalidArgument', 'etcdserver: invalid sort option'],
  compacted: ['outOfRange', 'etcdserver: mvcc: required revision has been compacted'],
  futureRevision: ['outOfRange', 'etcdserver: mvcc: required revision is a future revision'],
  leaseNotFound: ['notFound', 'etcdserver: requested lease not found'],
  leaseExists: ['failedPrecondition', 'etcdserver: lease already exists'],
  leaseTtlTooLarge: ['outOfRange', 'etcdserver: too large lease TTL'],
  memberExists: ['failedPrecondition', 'etcdserver: member ID already exist'],
  peerUrlExists: ['failedPrecondition', 'etcdserver: Peer URLs already exists'],
  notEnoughStarted: ['failedPrecondition', 'etcdserver: re-configuration failed due to not enough started members'],
  badMemberUrls: ['invalidArgument', 'etcdserver: given member URLs are invalid'],
  memberNotFound: ['notFound', 'etcdserver: member not found'],
  notLearner: ['failedPrecondition', 'etcdserver: can only promote a learner member'],
  learnerNotReady: ['failedPrecondition', 'etcdserver: can only promote a learner member which is in sync with leader'],
  badTransferee: ['failedPrecondition', 'etcdserver: bad leader transferee'],
  requestTooLarge: ['invalidArgument', 'etcdserver: request is too large'],
  tooManyRequests: ['resourceExhausted', 'etcdserver: too many requests'],
  noLeader: ['unavailable', 'etcdserver: no leader'],
  notLeader: ['failedPrecondition', 'etcdserver: not leader'],
  leaderChanged: ['unavailable', 'etcdserver: leader changed'],
  stopped: ['unavailable', 'etcdserver: server stopped'],
  timedOut: ['unavailable', 'etcdserver: request timed out'],
  unhealthy: ['unavailable', 'etcdserver: unhealthy cluster'],
  corrupt: ['dataLoss', 'etcdserver: corrupt cluster'],
  rootUserNotFound: ['failedPrecondition', 'etcdserver: root user does not exist'],
  rootRoleNotGranted: ['failedPrecondition', 'etcdserver: root user does not have root role'],
  userExists: ['failedPrecondition', 'etcdserver: user name already exists'],
  userEmpty: ['invalidArgument', 'etcdserver: user name is empty'],
  userNotFound: ['failedPrecondition', 'etcdserver: user name not found'],
  roleExists: ['failedPrecondition', 'etcdserver: role name already exists'],
  roleNotFound: ['failedPrecondition', 'etcdserver: role name not found'],
  roleEmpty: ['invalidArgument', 'etcdserver: role name is empty'],
  authFailed: ['invalidArgument', 'etcdserver: authentication failed, invalid user ID or password'],
  noPasswordUser: ['unknown', 'auth: authentication failed, password was given for no password user'],
  permissionNotGiven: ['invalidArgument', 'etcdserver: permission not given'],
  permissionDenied: ['permissionDenied', 'etcdserver: permission denied'],
  roleNotGranted: ['failedPrecondition', 'etcdserver: role is not granted to the user'],
  permissionNotGranted: ['failedPrecondition', 'etcdserver: permission is not granted to the role'],
  invalidAuthToken: ['unauthenticated', 'etcdserver: invalid auth token'],
  invalidAuthManagement: ['invalidArgument', 'etcdserver: invalid auth management'],
  authOldRevision: ['invalidArgument', 'etcdserver: revision of auth store is old'],
  authNotEnabled: ['failedPrecondition', 'etcdserver: authentication is not enabled'],
  deadline: ['deadlineExceeded', 'context deadline exceeded'],
  canceled: ['cancelled', 'context canceled'],
} as const satisfies Record<string, Row>

/** Name of a refusal. */
export type Refusal = keyof typeof refusals

/** The error of this name. */
export function refuse(name: Refusal): RpcError {
  const [code, text] = refusals[name]
  return new RpcError(code, text)
}

const byCode: Partial<Record<ErrorCode, Refusal>> = {
  KeyTooLarge: 'requestTooLarge',
  ValueTooLarge: 'requestTooLarge',
  RequestTooLarge: 'requestTooLarge',
  NotFound: 'keyNotFound',
  Compacted: 'compacted',
  FutureRevision: 'futureRevision',
  LeaseNotFound: 'leaseNotFound',
  LeaseExists: 'leaseExists',
  Unavailable: 'timedOut',
  Timeout: 'timedOut',
  Cancelled: 'canceled',
  NotLeader: 'noLeader',
  NotBootstrapped: 'noLeader',
  ProposalDropped: 'leaderChanged',
  Overloaded: 'tooManyRequests',
  SessionEvicted: 'leaderChanged',
  Superseded: 'leaderChanged',
  ConnectionClosed: 'leaderChanged',
  Closed: 'stopped',
  Removed: 'stopped',
  MemberUnknown: 'memberNotFound',
  MemberExists: 'memberExists',
  MembershipChangePending: 'timedOut',
  LearnerNotReady: 'learnerNotReady',
  UnsafeMembershipChange: 'notEnoughStarted',
  RootUserNotFound: 'rootUserNotFound',
  RootRoleNotGranted: 'rootRoleNotGranted',
  UserExists: 'userExists',
  UserEmpty: 'userEmpty',
  UserNotFound: 'userNotFound',
  RoleExists: 'roleExists',
  RoleNotFound: 'roleNotFound',
  RoleEmpty: 'roleEmpty',
  AuthFailed: 'authFailed',
  NoPasswordUser: 'noPasswordUser',
  PermissionNotGiven: 'permissionNotGiven',
  PermissionDenied: 'permissionDenied',
  RoleNotGranted: 'roleNotGranted',
  PermissionNotGranted: 'permissionNotGranted',
  AuthNotEnabled: 'authNotEnabled',
  InvalidAuthToken: 'invalidAuthToken',
  InvalidAuthManagement: 'invalidAuthManagement',
  AuthOldRevision: 'authOldRevision',
  StateDamaged: 'corrupt',
  StateDiverged: 'corrupt',
  DataCorrupt: 'corrupt',
}

/** Limits that a request can't do anything about. */
const sharedLimits: ReadonlySet<unknown> = new Set(['leases', 'sessions', 'watches', 'sessionWindow'])

/** Tells the log of an error that nobody expects: a defect of ours, which its caller can do nothing about. */
export function logUnexpected(logger: Logger, method: string, error: unknown): void {
  if (error instanceof RpcError || isNitroError(error)) return
  const stack = error instanceof Error ? error.stack : undefined
  logger.error({ method, reason: messageOf(error), stack }, 'a call of the etcd API failed unexpectedly')
}

/** What a call that failed ends with. */
export function rpcErrorOf(error: unknown): RpcError {
  if (error instanceof RpcError) return error
  if (!isNitroError(error)) return new RpcError('unknown', messageOf(error))
  const name = byCode[error.code]
  if (name !== undefined) return refuse(name)
  if (error.code === 'LimitExceeded') return limitError(error)
  if (error.code === 'InvalidArgument') {
    if (error.details['reason'] === 'duplicateKey') return refuse('duplicateKey')
    return new RpcError('invalidArgument', `etcdserver: ${error.message}`)
  }
  return new RpcError('internal', `etcdserver: ${error.code}: ${error.message}`)
}

function limitError(error: NitroError): RpcError {
  const name = error.details['name']
  if (name === 'transactionOps' || name === 'transactionDepth') return refuse('tooManyOps')
  if (sharedLimits.has(name)) return refuse('tooManyRequests')
  return new RpcError('invalidArgument', `etcdserver: request is too large: ${error.message}`)
}
