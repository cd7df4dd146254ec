import { describe, expect, test } from 'vitest'
import { Violations, WatchHistory, checkWatch } from '../../src/testing/index.ts'
import type { SeenBatch, SeenEvent, SeenRecord, WatchRecord } from '../../src/testing/index.ts'

const record = (value: string, createRevision: number, modRevision: number, version: number): SeenRecord => ({
  ...{ value, createRevision, modRevision, version },
})
const put = (key: string, entry: SeenRecord, previous?: SeenRecord): SeenEvent => ({
  ...{ type: 'put', key, entry, previous },
})
const remove = (key: string, previous?: SeenRecord): SeenEvent => ({ type: 'delete', key, entry: undefined, previous })

/** Revisions 1 to 4, of which 3 changes two keys and 2 none that is watched. */
function history(): WatchHistory {
  const truth = new WatchHistory()
  truth.add(1, [{ type: 'put', key: 'k/1', value: 'a' }])
  truth.add(2, [{ type: 'put', key: 'other', value: 'x' }])
  truth.add(3, [
    { type: 'put', key: 'k/1', value: 'b' },
    { type: 'put', key: 'k/2', value: 'c' },
  ])
  truth.add(4, [{ type: 'delete', key: 'k/1' }])
  return truth
}

const a = record('a', 1, 1, 1)
const b = record('b', 1, 3, 2)
const c = record('c', 3, 3, 1)
const first: SeenBatch = { revision: 1, events: [put('k/1', a)] }
const both: SeenBatch = { revision: 3, events: [put('k/1', b, a), put('k/2', c)] }
const last: SeenBatch = { revision: 4, events: [remove('k/1', b)] }
const mark = (revision: number): SeenBatch => ({ revision, events: [] })

function check(batches: readonly SeenBatch[], options: Partial<WatchRecord> = {}): string[] {
  const violations = new Violations()
  const watch: WatchRecord = {
    ...{ name: 'w', matches: (key) => key.startsWith('k/'), filter: undefined, prev: true, from: 1, until: 4 },
    ...{ batches, ...options },
  }
  checkWatch(watch, history(), violations)
  return violations.all.map(({ what }) => what.slice(0, what.indexOf(':')))
}

describe('the watch checker', () => {
  test('is content with just the history', () => {
    expect(check([first, both, last])).toEqual([])
    expect(check([first, mark(2), both, mark(3), last, mark(4)])).toEqual([])
    expect(check([both, last], { from: 2 })).toEqual([])
    expect(check([last], { filter: 'delete' })).toEqual([])
    expect(check([first, both], { until: 3 })).toEqual([])
  })

  test('finds events that were not asked for', () => {
    expect(check([first, { revision: 2, events: [put('other', record('x', 2, 2, 1))] }, both, last])).toContain(
      'Filter',
    )
    expect(check([first, last], { filter: 'delete' })).toContain('Filter')
  })

  test('finds what is left out, at the end too', () => {
    expect(check([first, last])).toEqual(['Reliable'])
    expect(check([first, both])).toEqual(['Reliable'])
    expect(check([])).toEqual(['Reliable', 'Reliable', 'Reliable'])
  })

  test('finds what comes twice or too late', () => {
    expect(check([first, both, both, last])).toContain('Unique')
    expect(check([both, first, last])).toContain('Unique')
    const doubled = { revision: 4, events: [remove('k/1', b), remove('k/1', b)] }
    expect(check([first, both, doubled])).toContain('Unique')
  })

  test('finds revisions in parts, or in another order', () => {
    const [one, two] = both.events as [SeenEvent, SeenEvent]
    expect(check([first, { revision: 3, events: [one] }, last])).toEqual(['Atomic'])
    expect(check([first, { revision: 3, events: [one] }, { revision: 3, events: [two] }, last])).toContain('Atomic')
    expect(check([first, { revision: 3, events: [two, one] }, last])).toEqual(['Ordered'])
  })

  test('finds a watch that began too early, and a mark that lies', () => {
    expect(check([first, both, last], { from: 2 })).toContain('Resumable')
    expect(check([first, mark(3), both, last])).toContain('Bookmarkable')
    expect(check([first, mark(2), mark(1), both, last])).toEqual(['Bookmarkable'])
  })

  test('finds records that are not what was written', () => {
    const wrong = (entry: SeenRecord): SeenBatch => ({ revision: 1, events: [put('k/1', entry)] })
    expect(check([wrong(record('z', 1, 1, 1)), both, last])).toEqual(['Reliable'])
    expect(check([wrong(record('a', 1, 1, 2)), both, last])).toContain('IsCreate')
    expect(check([first, both, { revision: 4, events: [remove('k/1', a)] }])).toEqual(['PrevKV'])
    expect(check([first, both, { revision: 4, events: [remove('k/1')] }])).toEqual(['PrevKV'])
    expect(check([first, both, last], { prev: false })).toContain('PrevKV')
  })
})
