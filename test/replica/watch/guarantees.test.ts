import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isNitroError } from '../../../base/index.ts'
import type { WatchOptions } from '../../../src/api/index.ts'
import { WatchHistory, checkWatch } from '../../../src/testing/checkers/watch.ts'
import type { Change } from '../../../src/testing/checkers/watch.ts'
import { Violations } from '../../../src/testing/checkers/violations.ts'
import { seen, WatchWorld, WorldWatch } from '../../support/watch-world.ts'

const keys = ['a/1', 'a/2', 'a/b/3', 'b/1', 'b/2', 'c']
const key = fc.constantFrom(...keys)
/** Mostly small; sometimes so large that a revision does not fit a pass, nor a credit. */
const value = fc.oneof(
  { weight: 20, arbitrary: fc.string({ maxLength: 8 }) },
  { weight: 3, arbitrary: fc.integer({ min: 100, max: 4_000 }).map((length) => 'm'.repeat(length)) },
  { weight: 1, arbitrary: fc.integer({ min: 300_000, max: 700_000 }).map((length) => 'l'.repeat(length)) },
)
const change = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('put' as const), key, value }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('delete' as const), key }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('emit' as const), key, value }) },
)
const wanted = fc.record({
  range: fc.oneof(
    fc.record({ key }),
    fc.record({ prefix: fc.constantFrom('', 'a/', 'a/b', 'b', 'x') }),
    fc.constantFrom({ start: 'a/2', end: 'b/2' }, { start: 'b' }, { start: 'b', end: 'a' }),
  ),
  from: fc.option(fc.double({ min: 0, max: 1.2, noNaN: true }), { nil: undefined }),
  prev: fc.boolean(),
  filter: fc.option(fc.constantFrom('put' as const, 'delete' as const, 'emit' as const), { nil: undefined, freq: 3 }),
  progressMs: fc.option(fc.constantFrom(20, 500), { nil: undefined }),
})
const share = fc.double({ min: 0, max: 1, noNaN: true })
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant('write' as const), changes: fc.array(change, { maxLength: 6 }) }),
  },
  // One revision that is handed out in pieces, and a connection that may break between two of them.
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('large' as const), ms: fc.integer({ min: 0, max: 60 }), node: fc.nat(3) }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('catchUp' as const), node: fc.nat(2), share }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('read' as const), batches: fc.integer({ min: 1, max: 5 }), at: fc.nat() }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(0, 1, 3, 50, 1_500) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('open' as const), wanted }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('connect' as const), node: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('askProgress' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), share }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('damage' as const), node: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fallBack' as const), node: fc.nat(2), share }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

function matcher({ key, prefix, start, end }: WatchOptions): (key: string) => boolean {
  if (key !== undefined) return (one) => one === key
  if (prefix !== undefined) return (one) => one.startsWith(prefix as string)
  return (one) => one >= (start as string) && (end === undefined || one < (end as string))
}

/** A key changes once in a revision; what is deleted is there. */
function allowed(changes: readonly Change[], present: Set<string>): Change[] {
  const changed = new Set<string>()
  return changes.filter(({ type, key }) => {
    if (type === 'emit') return true
    if (changed.has(key) || (type === 'delete' && !present.has(key))) return false
    changed.add(key)
    if (type === 'put') present.add(key)
    else present.delete(key)
    return true
  })
}

async function run(steps: readonly Step[], creditBytes: number): Promise<void> {
  const world = new WatchWorld(creditBytes)
  const { master, nodes } = world
  const history = new WatchHistory()
  const watches: WorldWatch[] = []
  const compactions = new Set<number>([1])
  const present = new Set<string>()
  const open = ({
    range,
    from,
    prev,
    filter,
    progressMs,
  }: typeof wanted extends fc.Arbitrary<infer W> ? W : never): void => {
    const fromRevision = from === undefined ? undefined : Math.max(1, Math.floor(from * master.revision))
    const options: WatchOptions = { ...range, fromRevision, prev, filter, progressMs }
    watches.push(new WorldWatch(world, `${watches.length} ${JSON.stringify(options)}`, options, matcher(options)))
  }
  world.connect(nodes[0])
  open({ range: { prefix: '' }, from: 1, prev: true, filter: undefined, progressMs: undefined })
  for (const one of steps) {
    switch (one.do) {
      case 'write': {
        const changes = allowed(one.changes, present)
        history.add(master.write(...changes), changes)
        break
      }
      case 'large': {
        const changes = keys.map((key): Change => ({ type: 'put', key, value: key.repeat(150_000) }))
        history.add(master.write(...allowed(changes, present)), changes)
        for (const node of nodes) node.catchUp(master, master.revision)
        await world.pass(one.ms)
        world.connect(nodes[one.node])
        break
      }
      case 'catchUp':
        nodes[one.node]?.catchUp(master, Math.round(one.share * master.revision))
        break
      case 'read': {
        const watch = watches[one.at % watches.length]
        for (let i = 0; i < one.batches; i++) {
          watch?.read()
          await world.pass(0)
        }
        break
      }
      case 'pass':
        await world.pass(one.ms)
        break
      case 'open':
        open(one.wanted)
        break
      case 'connect':
        world.connect(nodes[one.node])
        break
      case 'askProgress':
        watches[one.at % watches.length]?.iteration.requestProgress()
        break
      case 'compact': {
        const revision = Math.max(master.compactRevision, Math.ceil(one.share * master.revision))
        compactions.add(revision)
        master.compact(revision)
        break
      }
      case 'damage': {
        const source = nodes[one.node]?.source
        if (source !== undefined) source.broken = true
        break
      }
      case 'fallBack': {
        // A repaired state may be older than what watchers were told already.
        const node = nodes[one.node]
        if (node?.source !== undefined) node.source = master.at(Math.round(one.share * node.source.revision))
        node?.hub.wake()
        break
      }
    }
  }
  // In the end everything is whole again, and each watch comes to the end of the log.
  await world.pass(200)
  world.connect(nodes[1])
  for (const node of nodes) node.catchUp(master, master.revision)
  const behind = (): WorldWatch[] =>
    watches.filter(
      (watch) =>
        !watch.done &&
        !watch.record.batches.some(({ events, revision }) => events.length === 0 && revision >= master.revision),
    )
  for (let round = 0; behind().length > 0; round++) {
    expect(
      round,
      behind()
        .map((watch) => watch.record.name)
        .join('\n'),
    ).toBeLessThan(500)
    if (round % 100 === 50) history.add(master.write(), [])
    for (const node of nodes) node.catchUp(master, master.revision)
    for (const watch of behind()) {
      watch.iteration.requestProgress()
      watch.read()
    }
    await world.pass(20)
  }
  const violations = new Violations()
  for (const { record, ended, through } of watches) {
    if (ended !== undefined) {
      expect(isNitroError(ended, 'Compacted') ? '' : ended).toBe('')
      expect(through).toBeLessThan(master.compactRevision)
    }
    const until = ended === undefined ? master.revision : through
    checkWatch({ ...record, batches: seen(record.batches), until }, history, violations, compactions)
  }
  expect(violations.found).toEqual([])
}

describe('the nine guarantees of watches', () => {
  test('hold under small credits, cut connections, lagging nodes, compaction, damage and other states', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), fc.constantFrom(1, 200, 5_000, 1 << 20), run),
      { numRuns: 120 },
    )
  }, 60_000)
})
