/**
 * Observers see elections in order: never a leader after one that came later, never a value after a newer one of the same leader, nothing
 * that was not; they may miss some, but come to who leads in the end.
 */
import type { Checker, Report } from '../checker.ts'
import type { Fact } from '../facts.ts'
import type { Observed } from './facts.ts'
import type { SyncLog } from './log.ts'

interface Seen {
  readonly resource: string
  readonly client: string
  token: number
  /** Which of the values of that leader. */
  value: number
  /** Whether it was told that this leader is gone. */
  none: boolean
}

/** Compares what observers are shown with the log. */
export class ElectionsInOrder implements Checker {
  readonly property = 'elections in order'
  private readonly observers = new Map<string, Seen>()
  private readonly log: SyncLog
  private readonly report: Report

  constructor(log: SyncLog, report: Report) {
    this.log = log
    this.report = report
  }

  told(fact: Fact): void {
    if (fact.kind !== 'observed' || !this.log.whole) return
    const { client, observer, resource, leader } = fact
    const seen = this.observers.get(observer) ?? { resource, client, token: 0, value: 0, none: true }
    this.observers.set(observer, seen)
    if (leader === undefined) seen.none = true
    else this.shown(fact, leader, seen)
  }

  /** Observers that are not over and were not told of who leads by the log. */
  behind(open: ReadonlySet<string>): string[] {
    const behind: string[] = []
    for (const [observer, { resource, token, value, none }] of this.observers) {
      if (!open.has(observer)) continue
      const leader = this.log.resources.get(resource)?.holders.at(-1)
      const isRight =
        leader === undefined ? none : !none && token === leader.token && value === leader.values.length - 1
      const told = none ? 'nobody leads' : `${token} leads`
      if (!isRight) behind.push(`${observer} was told that ${told} ${resource}, and ${leader?.token ?? 'nobody'} does`)
    }
    return behind
  }

  private shown({ observer, resource }: Observed, leader: { token: number; value: string }, seen: Seen): void {
    const { token, value } = leader
    const where = `${observer} was shown ${JSON.stringify(value)} of token ${token} for ${resource}`
    const elected = this.log.byToken.get(token)
    if (elected?.resource !== resource) return this.report(`${where}, who was never elected`)
    if (token < seen.token) this.report(`${where}, after ${seen.token}`)
    if (token === seen.token && seen.none) this.report(`${where}, after it was told that it leads no longer`)
    // Values may repeat: the next place at which this one stands.
    const from = token === seen.token ? seen.value : 0
    const at = elected.values.indexOf(value, from)
    if (at < 0) this.report(`${where}, whose values are ${elected.values.slice(from).join(', ')} from there on`)
    Object.assign(seen, { token, none: false, value: at < 0 ? from : at })
  }
}
