/**
 * The signal comes in time: a holder that has read that it lost what it held, or gave it back, finds the signal aborted in the next
 * turn of its timers, even if it was stopped in between.
 */
import type { Checker, Report } from '../checker.ts'
import type { Fact } from '../facts.ts'

/** Compares each step of a holder with the one before. */
export class SignalInTime implements Checker {
  readonly property = 'signal in time'
  private readonly over = new Map<string, string>()
  private readonly report: Report

  constructor(report: Report) {
    this.report = report
  }

  told(fact: Fact): void {
    if (fact.kind !== 'holder step') return
    const { client, label, token, state, signalled } = fact
    const before = this.over.get(label)
    if (before !== undefined && !signalled) {
      this.report(`the signal of ${client} for ${label}, token ${token}, has not come; it read ${before} a turn ago`)
    }
    if (state === 'lost' || state === 'released') this.over.set(label, state)
    else if (before !== undefined) {
      this.report(`${client} read ${before} and then ${state} for ${label}, token ${token}`)
    }
    if (signalled && state !== 'lost' && state !== 'released') {
      this.report(`the signal of ${client} for ${label}, token ${token}, has come while it reads ${state}`)
    }
  }
}
