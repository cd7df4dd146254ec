/** The checkers of locks and elections, over one picture of the log. */
import type { Checkers } from '../checker.ts'
import { EveryAcquireEnds } from './acquires-end.ts'
import { ElectionsInOrder } from './elections-in-order.ts'
import { FirstComeFirstServed } from './first-come-first-served.ts'
import { GrantsExclude } from './grants-exclude.ts'
import { GuardedWrites } from './guarded-writes.ts'
import { HeldIsTrue } from './held-is-true.ts'
import { SyncLog } from './log.ts'
import { NoLostWaiter } from './no-lost-waiter.ts'
import { OneLeader } from './one-leader.ts'
import { SignalInTime } from './signal-in-time.ts'
import { TokensRise } from './tokens-rise.ts'

/** What a run may ask them for. */
export interface SyncCheckers {
  readonly log: SyncLog
  readonly acquires: EveryAcquireEnds
  readonly observers: ElectionsInOrder
}

/** Adds all of them to a run. */
export function addSyncCheckers(checkers: Checkers, nowMs: () => number): SyncCheckers {
  const report = checkers.reportOf.bind(checkers)
  const log = checkers.add(new SyncLog(nowMs))
  log.add(new GrantsExclude(report('grants exclude each other')))
  checkers.add(log.add(new TokensRise(log, report('tokens rise'))))
  log.add(new FirstComeFirstServed(report('first come, first served')))
  log.add(new NoLostWaiter(report('no lost waiter')))
  const acquires = checkers.add(new EveryAcquireEnds(log, report('every acquire ends')))
  checkers.add(log.add(new GuardedWrites(log, report('guarded writes'))))
  checkers.add(new HeldIsTrue(log, nowMs, report('held is true')))
  checkers.add(new SignalInTime(report('signal in time')))
  checkers.add(log.add(new OneLeader(log, nowMs, report('one leader'))))
  const observers = checkers.add(new ElectionsInOrder(log, report('elections in order')))
  return { log, acquires, observers }
}
