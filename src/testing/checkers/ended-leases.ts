/**
 * Leases that are over stay over: from the moment log time reaches its deadline a lease has ended for everybody, even while it
 * waits to be swept, and no keep-alive brings it back. Compared along the log, with the deadline that the machine itself told
 * before. Only of leases whose ids the machine chose: another one never gets the same.
 */
import type { Entry } from '../../../consensus/index.ts'
import {
  decodeLeaseListResult,
  decodeResult,
  decodeTimeToLiveResult,
  encodeTimeToLiveArgs,
} from '../../../execution/index.ts'
import type { Machine } from '../../../execution/index.ts'
import type { Checker, Report } from './checker.ts'
import type { Fact } from './facts.ts'

const nothing = new Uint8Array(0)

/** Watches the deadlines of all leases, entry by entry, on whichever node applies it first. */
export class EndedLeases implements Checker {
  readonly property = 'ended leases stay ended'
  private readonly deadlines = new Map<number, number>()
  /** What each lease was found to have done, until it is known whose id it is. */
  private readonly revived = new Map<number, string>()
  private readonly granted = new Set<number>()
  private readonly report: Report
  private appliedIndex = 0

  constructor(report: Report) {
    this.report = report
  }

  told(fact: Fact): void {
    if (fact.kind === 'lease' && fact.what === 'granted') this.granted.add(fact.id)
  }

  applied(_node: string, _entry: Entry, machine: Machine): void {
    if (machine.appliedIndex <= this.appliedIndex || machine.damage !== undefined) return
    this.appliedIndex = machine.appliedIndex
    const { logTime } = machine
    for (const id of ask(machine, 'list', nothing, decodeLeaseListResult) ?? []) {
      const status = ask(machine, 'timeToLive', encodeTimeToLiveArgs(id, false), decodeTimeToLiveResult)
      if (status === undefined) continue
      const deadline = logTime + status.remainingMs
      const before = this.deadlines.get(id)
      this.deadlines.set(id, deadline)
      if (before !== undefined && before <= logTime && deadline > before) {
        this.revived.set(id, `lease ${id} was over at ${before} ms of log time and lives on at ${logTime} ms`)
      }
    }
  }

  finished(): void {
    for (const [id, what] of this.revived) if (this.granted.has(id)) this.report(what)
  }
}

function ask<T>(machine: Machine, method: string, args: Uint8Array, decode: (payload: Uint8Array) => T): T | undefined {
  const result = decodeResult(machine.query('lease', method, args))
  return result.ok ? decode(result.payload) : undefined
}
