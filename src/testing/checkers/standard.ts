/** The checkers that watch every run. */
import { AcknowledgedKept } from './acknowledged-kept.ts'
import type { Checkers } from './checker.ts'
import { CommittedIsDurable } from './committed-is-durable.ts'
import { Committed } from './committed.ts'
import { CountedCopiesExist } from './counted-copies-exist.ts'
import { ElectionSafety } from './election-safety.ts'
import { EndedLeases } from './ended-leases.ts'
import { EqualState } from './equal-state.ts'
import { ExactlyOnce } from './exactly-once.ts'
import { InForce } from './in-force.ts'
import { LeaderAppendOnly } from './leader-append-only.ts'
import { LeaderCompleteness } from './leader-completeness.ts'
import { LeaseBound } from './lease-bound.ts'
import { Linearizable } from './linearizable.ts'
import { LogMatching } from './log-matching.ts'
import { MemberLogs } from './member-logs.ts'
import { OneHistory } from './one-history.ts'
import { PromisesBeforeAnswers } from './promises-before-answers.ts'
import { ReadsAgree } from './reads-agree.ts'
import { RepliesAfterDurability } from './replies-after-durability.ts'
import { RevisionsRise } from './revisions-rise.ts'
import { StableLeader } from './stable-leader.ts'
import { StateSurvivesCrashes } from './state-survives-crashes.ts'
import { StateMachineSafety } from './state-machine-safety.ts'
import { addSyncCheckers } from './sync/standard.ts'
import type { SyncCheckers } from './sync/standard.ts'
import { TransactionsAtomic } from './transactions-atomic.ts'
import type { Violations } from './violations.ts'
import { WatchGuarantees } from './watch-guarantees.ts'
import { WrittenStays } from './written-stays.ts'

/** What a run may ask its checkers for. */
export interface StandardCheckers {
  readonly logs: MemberLogs
  readonly committed: Committed
  readonly inForce: InForce
  readonly elections: ElectionSafety
  readonly machines: StateMachineSafety
  readonly history: OneHistory
  readonly leases: LeaseBound
  readonly sync: SyncCheckers
}

/** What checkers need to know of the run beside reports. */
export interface CheckedRun {
  nowMs(): number
  /** A node that heard from its leader less than this ago has not run into an election timeout, whatever its clock. */
  readonly recentMs: number
  /** How far clocks run from true time at most, as a fraction. */
  readonly skew: number
  readonly violations: Violations
}

/** Adds all of them to a run, common pictures first. */
export function addStandardCheckers(checkers: Checkers, run: CheckedRun): StandardCheckers {
  const report = checkers.reportOf.bind(checkers)
  const logs = checkers.add(new MemberLogs())
  const committed = checkers.add(new Committed(logs))
  const inForce = checkers.add(new InForce())
  const elections = checkers.add(new ElectionSafety(logs, report('election safety')))
  const machines = checkers.add(new StateMachineSafety(report('state machine safety')))
  checkers.add(new LeaderAppendOnly(report('leader append-only')))
  checkers.add(new LogMatching(logs, report('log matching')))
  checkers.add(new LeaderCompleteness(logs, committed, report('leader completeness')))
  const durable = checkers.add(new CommittedIsDurable(logs, report('committed is durable')))
  checkers.add(new CountedCopiesExist(logs, report('counted copies exist')))
  checkers.add(new WrittenStays(logs, report('what is written stays')))
  checkers.add(new PromisesBeforeAnswers(logs, report('promises before answers')))
  checkers.add(new StableLeader(() => run.nowMs(), run.recentMs, report('stable leader')))
  checkers.add(new EqualState(report('equal state')))
  checkers.add(new StateSurvivesCrashes(report('state survives crashes')))
  checkers.add(new RepliesAfterDurability(committed, durable, report('replies after durability')))
  checkers.add(new Linearizable(report('linearizable'), report('run')))
  checkers.add(new RevisionsRise(report('revisions rise')))
  checkers.add(new AcknowledgedKept(report('acknowledged is kept')))
  checkers.add(new ExactlyOnce(report('exactly once')))
  const history = checkers.add(new OneHistory(() => run.nowMs(), report('one history')))
  const leases = checkers.add(new LeaseBound(history, run.skew, report('lease bound')))
  checkers.add(new EndedLeases(report('ended leases stay ended')))
  checkers.add(new ReadsAgree(history, report('reads agree')))
  checkers.add(new TransactionsAtomic(history, report('transactions are atomic')))
  checkers.add(new WatchGuarantees(history, run.violations))
  const sync = addSyncCheckers(checkers, () => run.nowMs())
  return { logs, committed, inForce, elections, machines, history, leases, sync }
}
