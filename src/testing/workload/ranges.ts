/** Reads of ranges, now and at past revisions, and compaction. */
import type { NitroError } from '../../../base/index.ts'
import type { Entry } from '../../api/index.ts'
import type { KeyedRecord, ReadAnswer } from '../checkers/facts.ts'
import type { WorkloadOperation } from './operation.ts'

/** How far back reads and compactions go. */
const pastMax = 60

/** What is read: transactions' keys, registers, keys under leases, or all of them. */
const ranges: readonly (readonly [start: string, end: string])[] = [
  ['t/', 't0'],
  ['r', 's'],
  ['lease/', 'lease0'],
  ['a', 'z'],
]

/** Reads a range behind a barrier, of now or of the past. */
export const readOperation: WorkloadOperation = {
  name: 'read',
  weight: 0.25,
  async run(turn) {
    const { random, desk, coverage } = turn.world
    const known = desk.known()
    const [start, end] = random.pick(ranges)
    const lot = random.between(0, 1)
    const past = Math.max(1, known.revision - Math.floor(random.between(0, pastMax)))
    const asked = lot < 0.3 || known.revision === 0 ? 0 : lot < 0.95 ? past : known.revision + 1_000_000
    const result = await turn.attempt(
      'reads a range',
      () => turn.connection.store.range({ start, end, ...(asked === 0 ? {} : { revision: asked }), ...turn.options }),
      ['Compacted', 'FutureRevision'],
    )
    if (result === undefined) return
    let answer: ReadAnswer
    if ('refused' in result) {
      answer = refusalOf(result.refused)
      coverage.hit(
        answer.refused === 'Compacted' ? 'history: read of a compacted revision' : 'history: read of the future',
      )
    } else {
      const { revision, count, entries } = result.value
      answer = { revision, count, records: entries.map(recordOf) }
      coverage.hit(asked === 0 ? 'history: range read now' : 'history: read in the past')
    }
    turn.world.tell({ kind: 'read', client: turn.client.name, known, start, end, asked, answer })
  },
}

function refusalOf(error: NitroError): Extract<ReadAnswer, { readonly refused: string }> {
  return error.code === 'Compacted'
    ? { refused: 'Compacted', revision: Number(error.details['compactRevision']) }
    : { refused: 'FutureRevision', revision: Number(error.details['revision']) }
}

/** A record as checkers see it. */
export function recordOf(entry: Entry): KeyedRecord {
  const { createRevision, modRevision, version, lease } = entry
  return { key: entry.keyText(), value: entry.text(), createRevision, modRevision, version, lease }
}

/** Forgets what is older than a while ago, sometimes all of the past. */
export const compactOperation: WorkloadOperation = {
  name: 'compact',
  weight: 0.04,
  async run(turn) {
    const { random, desk, coverage } = turn.world
    const { revision: newest } = desk.known()
    if (newest === 0) return
    const revision = Math.max(1, newest - (random.chance(0.3) ? 0 : Math.floor(random.between(0, pastMax))))
    const result = await turn.attempt('compacts', () => turn.connection.store.compact(revision, turn.options), [
      'Compacted',
    ])
    if (result === undefined || 'refused' in result) return
    coverage.hit('history: compacted on request')
    turn.world.tell({ kind: 'compact', client: turn.client.name, revision })
  },
}
