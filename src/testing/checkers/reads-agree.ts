/**
 * Reads agree with history: whoever reads a revision, now or later, sees the state that it made, until it is compacted; then
 * everybody is told so. A linearizable read of now is as new as anything that anybody was told before it began, and whoever
 * answers it has compacted what any node had compacted by then.
 */
import type { Checker, Report } from './checker.ts'
import type { Fact, FollowFact, KeyedRecord, ReadFact } from './facts.ts'
import type { OneHistory } from './one-history.ts'

/** Compares every read with the history. */
export class ReadsAgree implements Checker {
  readonly property = 'reads agree'
  private readonly history: OneHistory
  private readonly report: Report

  constructor(history: OneHistory, report: Report) {
    this.history = history
    this.report = report
  }

  told(fact: Fact): void {
    if (fact.kind === 'read') this.read(fact)
    else if (fact.kind === 'follow') this.follow(fact)
    else if (fact.kind === 'compact' && fact.revision > this.history.compactRevision) {
      this.report(`${fact.client} was told that history is compacted to ${fact.revision}, and no node has done so`)
    }
  }

  private read({ client, known, start, end, asked, answer }: ReadFact): void {
    const { history } = this
    const what = `${client} reads ${start} to ${end} at ${asked === 0 ? 'the newest revision' : asked}`
    if ('refused' in answer) {
      if (answer.refused === 'Compacted') {
        if (asked >= answer.revision || answer.revision > history.compactRevision) {
          this.report(
            `${what} and is refused: compacted to ${answer.revision}; history begins at ${history.compactRevision}`,
          )
        }
      } else if (asked <= known.revision) {
        this.report(`${what} and is refused as too new at ${answer.revision}, when ${known.revision} had been told`)
      }
      return
    }
    if (answer.revision < known.revision) {
      this.report(`${what} and sees ${answer.revision}, when ${known.revision} had been told`)
    }
    if (answer.revision > history.revision)
      this.report(`${what} and sees ${answer.revision}, which no node has applied`)
    if (asked !== 0 && asked < known.compactRevision) {
      this.report(`${what} and is answered, when history had been compacted to ${known.compactRevision}`)
      return
    }
    const expected = history.range(start, end, asked === 0 ? answer.revision : asked)
    if (answer.count !== expected.length)
      this.report(`${what}, which counts ${answer.count} keys, not ${expected.length}`)
    this.compare(what, answer.records, expected)
  }

  private follow({ client, prefix, revision, records }: FollowFact): void {
    const expected = this.history.range(prefix, `${prefix}\uffff`, revision)
    this.compare(`${client} follows ${prefix} to ${revision}`, records, expected)
  }

  private compare(what: string, records: readonly KeyedRecord[], expected: readonly KeyedRecord[]): void {
    if (records.length === expected.length && records.every((one, i) => equal(one, expected[i]))) return
    const [mine, theirs] = [records, expected].map((list) => list.map(describe).join(', '))
    this.report(`${what} and sees ${mine || 'nothing'}; the history says ${theirs || 'nothing'}`)
  }
}

function equal(a: KeyedRecord, b: KeyedRecord | undefined): boolean {
  if (a.key !== b?.key || a.value !== b.value || a.modRevision !== b.modRevision) return false
  return a.createRevision === b.createRevision && a.version === b.version && a.lease === b.lease
}

function describe({ key, value, createRevision, modRevision, version, lease }: KeyedRecord): string {
  return `${key}=${value}@${modRevision} (${createRevision}, ${version}, lease ${lease})`
}
