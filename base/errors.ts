/**
 * Errors as data: one class, a stable code, typed facts.
 *
 * `executed` answers the question every caller of a replicated system has: did it happen?
 *  - `no`    it certainly did not and will not
 *  - `maybe` it may have happened, or may still happen
 *  - `yes`   it happened; the error is about what came after
 *
 * Errors are for the world (bad input, disks, peers). A broken invariant of our own is an assertion
 * (`assert.ts`), which never becomes part of the public contract.
 */
import type { ValueMap } from './value.ts'

/** What is known about the effect of a request that ended in an error. */
export type Executed = 'no' | 'maybe' | 'yes'

interface CodeRow {
  /** Whether asking again, unchanged, can succeed. */
  readonly retryable: boolean
  readonly executed: Executed
  readonly summary: string
}

const row = (retryable: boolean, executed: Executed, summary: string): CodeRow => ({
  retryable,
  executed,
  summary,
})

/** Every error code there is, with its defaults. `docs/reference/errors.md` is tested against this table. */
export const errorCodes = {
  // the caller's input
  InvalidArgument: row(false, 'no', 'An option or argument is missing, malformed or out of range.'),
  KeyTooLarge: row(false, 'no', 'The key is empty or longer than the limit.'),
  ValueTooLarge: row(false, 'no', 'The value is longer than the limit.'),
  RequestTooLarge: row(false, 'no', 'The encoded command or answer is larger than the limit.'),
  LimitExceeded: row(false, 'no', 'A count limit (sessions, waiters, operations) was reached.'),
  NotCanonical: row(false, 'no', 'A value has no canonical form, or bytes are not the canonical form.'),
  UnknownProgram: row(false, 'no', 'No program of this name is in force.'),
  UnknownMethod: row(false, 'no', 'The program has no method of this name.'),
  ProgramError: row(false, 'yes', 'A program method threw; its effects were rolled back.'),
  NonDeterministic: row(
    false,
    'yes',
    'A program method used what differs between nodes; its effects were rolled back.',
  ),
  NotFound: row(false, 'no', 'The named thing does not exist.'),
  Compacted: row(false, 'no', 'The revision is older than the history that is kept.'),
  FutureRevision: row(false, 'no', 'The revision has not been reached yet where it was asked for.'),
  LeaseNotFound: row(false, 'no', 'The lease does not exist, or has expired.'),
  LeaseExists: row(false, 'no', 'A lease of this id exists already.'),
  InsufficientRights: row(
    false,
    'no',
    'A bounded counter: this replica holds too few rights; another must transfer some.',
  ),
  HistoryCompacted: row(
    false,
    'no',
    'The history asked for, or that an update builds on, lies before the version the document was compacted at.',
  ),
  NotHeld: row(false, 'no', 'The grant of this token is not held, or no longer.'),
  CapacityMismatch: row(false, 'no', 'Others use the semaphore or lock with another capacity.'),
  LeaseLost: row(false, 'no', 'The owner can no longer be sure of its lease.'),
  LockLost: row(false, 'no', 'The grant is over, or its holder can no longer be sure of it.'),
  Reentrant: row(false, 'no', 'The caller already holds what it asks for, and would wait for itself.'),
  Conflict: row(true, 'no', 'Others changed the key between reading and writing it, again and again.'),
  // users and permissions
  UserEmpty: row(false, 'no', "The user's name is empty, or the request names no user and permissions are in force."),
  UserNotFound: row(false, 'no', 'There is no user of this name.'),
  UserExists: row(false, 'no', 'A user of this name exists already.'),
  RoleEmpty: row(false, 'no', "The role's name is empty."),
  RoleNotFound: row(false, 'no', 'There is no role of this name.'),
  RoleExists: row(false, 'no', 'A role of this name exists already.'),
  RoleNotGranted: row(false, 'no', 'The user does not have this role.'),
  PermissionNotGiven: row(false, 'no', 'No permission was given.'),
  PermissionNotGranted: row(false, 'no', 'The role does not have this permission.'),
  PermissionDenied: row(false, 'no', 'The user may not do this.'),
  RootUserNotFound: row(false, 'no', 'There is no user root, so permissions can not be put in force.'),
  RootRoleNotGranted: row(
    false,
    'no',
    'The user root does not have the role root, so permissions can not be put in force.',
  ),
  InvalidAuthManagement: row(false, 'no', 'A permission without keys, or a change that would lock root out.'),
  AuthFailed: row(false, 'no', 'Unknown user or wrong password.'),
  NoPasswordUser: row(false, 'no', 'The user has no password and can not log in with one.'),
  AuthNotEnabled: row(false, 'no', 'Permissions are not in force, so nobody logs in.'),
  InvalidAuthToken: row(
    false,
    'no',
    'The token is malformed, too old, or void since a password changed or permissions were put in force anew.',
  ),
  AuthOldRevision: row(
    false,
    'no',
    'Users, roles or permissions changed after the caller was identified: identify it again.',
  ),
  // availability
  Unavailable: row(true, 'no', 'No leader, or no endpoint could be reached, before the deadline.'),
  Timeout: row(true, 'maybe', 'The deadline passed before an answer came.'),
  Cancelled: row(false, 'maybe', 'The caller aborted the request.'),
  NotLeader: row(true, 'no', 'This node is not the leader and could not forward the request.'),
  ProposalDropped: row(true, 'no', 'The leader has too much uncommitted work, or is handing over.'),
  Overloaded: row(true, 'no', 'A bounded queue is full; slow down and try again.'),
  SessionEvicted: row(false, 'maybe', 'The session is no longer known; its answers are gone.'),
  Superseded: row(false, 'maybe', 'The answer was already discarded because a newer one was acknowledged.'),
  ConnectionClosed: row(true, 'maybe', 'The connection closed before an answer came.'),
  Closed: row(false, 'no', 'The node, client or store has been closed.'),
  // membership and identity
  IdentityLost: row(false, 'no', 'This data directory is not the one the cluster knows under this name.'),
  NotBootstrapped: row(true, 'no', 'The cluster has not formed yet: not every peer has been reached.'),
  MemberUnknown: row(false, 'no', 'No member of this name is in the configuration.'),
  MemberExists: row(false, 'no', 'A member of this name is already in the configuration.'),
  MembershipChangePending: row(true, 'no', 'Another membership change is still in progress.'),
  LearnerNotReady: row(true, 'no', 'The learner has not caught up yet, so it cannot be promoted.'),
  UnsafeMembershipChange: row(false, 'no', 'The change would leave the cluster without a healthy quorum.'),
  Removed: row(false, 'no', 'This member has been removed from the cluster.'),
  // links
  WrongCluster: row(false, 'no', 'The other side belongs to another cluster.'),
  DuplicateName: row(false, 'no', 'A different process already uses this name.'),
  UnsupportedVersion: row(
    false,
    'no',
    'The other side speaks no protocol version that we speak, or a program or flag in force is missing.',
  ),
  MalformedFrame: row(false, 'no', 'A frame or message could not be decoded.'),
  FrameTooLarge: row(false, 'no', 'A frame is larger than the limit.'),
  AddressInUse: row(false, 'no', 'The listen address is already in use.'),
  InsecureAddress: row(false, 'no', 'A non-loopback address was given without allowing plain text.'),
  // disk
  DataCorrupt: row(false, 'no', 'Stored data failed verification.'),
  LogDamaged: row(false, 'no', 'The log, hard state or witness is damaged; this node may not vote.'),
  StateDamaged: row(false, 'no', 'The state database is damaged; it is rebuilt from log and peers.'),
  SnapshotInvalid: row(false, 'no', 'A snapshot failed verification.'),
  DiskFull: row(false, 'maybe', 'The disk is full or a file size limit was hit.'),
  DiskFailed: row(false, 'maybe', 'The disk reported an error; the process must stop.'),
  DirectoryUnusable: row(false, 'no', 'The data directory cannot be read or written.'),
  DirectoryLocked: row(false, 'no', 'Another process uses the data directory.'),
  StateDiverged: row(false, 'no', 'The state hash differs from a quorum; this node stopped serving.'),
  UnsupportedFormat: row(false, 'no', 'Stored or replicated data has a format this version does not know.'),
} as const satisfies Record<string, CodeRow>

/** The stable name of an error. */
export type ErrorCode = keyof typeof errorCodes

/** Machine-readable facts of an error; only canonical values, so that they travel. */
export type ErrorDetails = ValueMap

/** Optional parts of a {@link NitroError}; what is not given comes from the code table. */
export interface ErrorOptions {
  readonly retryable?: boolean
  readonly executed?: Executed
  readonly details?: ErrorDetails
  readonly cause?: unknown
}

/** The one error class of the public API. Compare `code`, never the message. */
export class NitroError extends Error {
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly executed: Executed
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'NitroError'
    this.code = code
    this.retryable = options.retryable ?? errorCodes[code].retryable
    this.executed = options.executed ?? errorCodes[code].executed
    this.details = options.details ?? {}
  }
}

/** True for a {@link NitroError}, optionally of one code. */
export function isNitroError(value: unknown, code?: ErrorCode): value is NitroError {
  return value instanceof NitroError && (code === undefined || value.code === code)
}

/** True when a string is a known {@link ErrorCode}; for decoding errors that crossed the wire. */
export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(errorCodes, value)
}

/** A printable message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
