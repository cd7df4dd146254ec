/**
 * One leader: at no instant do two believe that they lead, and none does whom the log does not have as the leader. A leader that reads at
 * two moments that it leads has led all the time between them, so beliefs are spans of time, and spans of two leaders lie apart.
 */
import type { Checker, Report } from '../checker.ts'
import type { Fact } from '../facts.ts'
import type { HolderStep } from './facts.ts'
import { describeAcquisition } from './log.ts'
import type { Acquisition, SyncListener, SyncLog } from './log.ts'

interface Belief {
  readonly client: string
  readonly label: string
  readonly token: number
  readonly fromMs: number
  untilMs: number
}

/** Keeps what leaders believe. */
export class OneLeader implements Checker, SyncListener {
  readonly property = 'one leader'
  private readonly beliefs = new Map<string, Belief[]>()
  private readonly log: SyncLog
  private readonly nowMs: () => number
  private readonly report: Report

  constructor(log: SyncLog, nowMs: () => number, report: Report) {
    this.log = log
    this.nowMs = nowMs
    this.report = report
  }

  proclaimed(one: Acquisition): void {
    if (one.token === 0) this.report(`${describeAcquisition(one)} proclaims without having been elected`)
  }

  told(fact: Fact): void {
    if (fact.kind !== 'holder step' || !fact.resource.startsWith('leader ')) return
    if (fact.state !== 'held' && fact.state !== 'uncertain') return
    this.believes(fact)
    const { client, label, resource, token } = fact
    if (!this.log.whole || this.log.holder(resource, token) !== undefined) return
    const [leader] = this.log.resources.get(resource)?.holders ?? []
    const other = leader === undefined ? 'nobody leads' : `${leader.label} leads`
    this.report(`${client} believes that ${label} leads ${resource} by token ${token}; by the log ${other}`)
  }

  private believes({ client, label, resource, token }: HolderStep): void {
    const atMs = this.nowMs()
    const all = this.beliefs.get(resource) ?? []
    this.beliefs.set(resource, all)
    let mine = all.find((one) => one.token === token && one.label === label)
    if (mine === undefined) all.push((mine = { client, label, token, fromMs: atMs, untilMs: atMs }))
    mine.untilMs = atMs
    for (const other of all) {
      if (other === mine || other.untilMs < mine.fromMs || other.fromMs > mine.untilMs) continue
      const which = `${label} of ${client} by token ${token} and ${other.label} of ${other.client} by token ${other.token}`
      this.report(`${which} both believe that they lead ${resource} until ${other.untilMs.toFixed(1)} ms`)
    }
  }
}
