import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hex } from '../../base/index.ts'
import { Doc } from '../../crdt/index.ts'
import type { Change } from '../../crdt/index.ts'
import { codeOf, must } from './support.ts'

describe('bundles', () => {
  test('hold what was done since the last one, and nothing is no bundle', () => {
    const a = new Doc({ replica: 1 })
    expect(a.commit()).toBeUndefined()
    a.map('m').set('k', 1)
    const first = must(a.commit())
    expect(a.commit()).toBeUndefined()
    a.map('m').set('k', 2)
    const second = must(a.commit())
    const b = new Doc({ replica: 2 })
    b.apply(first)
    expect(b.map('m').get('k')).toBe(1)
    b.apply(second)
    expect(b.map('m').get('k')).toBe(2)
  })

  test('still give out what was ended by an update that came in between', () => {
    const a = new Doc({ replica: 1 })
    const b = new Doc({ replica: 2 })
    a.map('m').set('x', 1)
    b.counter('c').add(1)
    a.apply(must(b.commit()))
    a.map('m').set('y', 2)
    b.apply(must(a.commit()))
    expect(b.value()).toEqual(a.value())
    expect(b.pending).toBe(0)
  })

  test('keep only the last of several sets of one key', () => {
    const a = new Doc({ replica: 1 })
    for (let i = 0; i < 1000; i++) a.map('m').set(`k${i % 3}`, i)
    expect(a.events).toBe(3)
    a.map('m').delete('k0')
    a.map('m').set('k0', 'again')
    expect(a.events).toBe(5)
    expect(Doc.decode(a.encode(), { replica: 2 }).value()).toEqual({ m: { k0: 'again', k1: 997, k2: 998 } })
  })

  test('are small', () => {
    const a = new Doc({ replica: 1 })
    a.map('m').set('key', 1)
    a.commit()
    a.map('m').set('key', 2)
    expect(must(a.commit()).length).toBeLessThan(32)
  })

  test('come in any order and any number of times', () => {
    const a = new Doc({ replica: 1 })
    const bundles: Uint8Array[] = []
    for (let i = 0; i < 20; i++) {
      a.counter('c').add(i)
      a.text('t').insert(0, `${i} `)
      bundles.push(must(a.commit()))
    }
    fc.assert(
      fc.property(fc.shuffledSubarray([...bundles, ...bundles], { minLength: 40, maxLength: 40 }), (order) => {
        const b = new Doc({ replica: 2 })
        for (const bundle of order) b.apply(bundle)
        expect(b.pending).toBe(0)
        expect(b.encode()).toEqual(a.encode())
      }),
      { numRuns: 30 },
    )
  })
})

describe('what comes too early', () => {
  test('waits, is not shown, and comes with what it builds on', () => {
    const a = new Doc({ replica: 1 })
    a.map('m').set('k', 1)
    const first = must(a.commit())
    a.map('m').set('k', 2)
    const second = must(a.commit())
    const b = new Doc({ replica: 2 })
    expect(b.apply(second)).toEqual([])
    expect([b.pending, b.events]).toEqual([1, 0])
    const patches = b.apply(first)
    expect(patches).toMatchObject([{ type: 'map', key: 'k', before: undefined, after: 2 }])
    expect(b.pending).toBe(0)
  })

  test('keeps its own memory while it waits', () => {
    const a = new Doc({ replica: 1 })
    a.text('t').insert(0, 'first')
    const first = must(a.commit())
    a.text('t').insert(5, ' second')
    a.map('m').set('k', new Uint8Array([1, 2, 3]))
    const second = must(a.commit())
    const b = new Doc({ replica: 2 })
    b.apply(second)
    second.fill(0)
    b.apply(first)
    expect(b.encode()).toEqual(a.encode())
  })

  test('is refused beyond the limits', () => {
    const a = new Doc({ replica: 1 })
    const bundles = [1, 2, 3, 4].map((n) => {
      a.map('m').set('k', n)
      return must(a.commit())
    })
    const b = new Doc({ replica: 2, pendingUpdatesMax: 2 })
    b.apply(bundles[2] as Uint8Array)
    b.apply(bundles[3] as Uint8Array)
    expect(codeOf(() => b.apply(bundles[1] as Uint8Array))).toBe('Overloaded')
    b.applyAll(bundles)
    expect([b.pending, b.map('m').get('k')]).toEqual([0, 4])
    const small = new Doc({ replica: 3, pendingBytesMax: 10 })
    expect(codeOf(() => small.apply(bundles[1] as Uint8Array))).toBe('Overloaded')
  })
})

describe('updates', () => {
  test('of what a version lacks bring exactly that', () => {
    const a = new Doc({ replica: 1 })
    const b = new Doc({ replica: 2 })
    a.map('m').set('from a', 1)
    b.map('m').set('from b', 2)
    b.apply(a.since(b.version()))
    a.apply(b.since(a.version()))
    expect(a.encode()).toEqual(b.encode())
    expect(a.apply(b.since(a.version()))).toEqual([])
  })

  test('bring what is new even between deletions that are known', () => {
    const [one, two] = [new Doc({ replica: 1 }), new Doc({ replica: 2 })]
    one.text('t').insert(0, 'abcdefgh')
    const start = must(one.commit())
    two.apply(start)
    const shared = one.version()
    const deleteFirst = (doc: Doc): Uint8Array => {
      doc.text('t').delete(0, 2)
      return must(doc.commit())
    }
    const before = deleteFirst(one)
    two.apply(before)
    const [mine, theirs] = [deleteFirst(one), deleteFirst(two)]
    one.merge(two)
    // In the update all three are one run, the last two in either order.
    for (const known of [mine, theirs]) {
      const doc = new Doc({ replica: 3 })
      for (const bytes of [start, before, known, one.since(shared)]) doc.apply(bytes)
      expect(hex(doc.encode())).toBe(hex(one.encode()))
      expect(doc.text('t').toString()).toBe(one.text('t').toString())
    }
  })

  test('that are damaged are refused whole, and leave no trace', () => {
    const a = new Doc({ replica: 1 })
    const b = new Doc({ replica: 2 })
    a.map('m').set('k', 'value')
    a.text('t').insert(0, 'text')
    a.tree('t').create('', 0, [1, 2])
    b.map('m').map('in').counter('c').add(5)
    b.fence('map', 'm')
    b.map('m').set('after', 1)
    a.merge(b)
    const bytes = a.since(new Map())
    const before = new Doc({ replica: 3 })
    before.map('m').set('own', 1)
    const empty = hex(before.encode())
    const flips = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(flips, fc.nat(bytes.length), (flips, length) => {
        const bad = length % 4 === 0 ? bytes.slice(0, length) : bytes.slice()
        for (const [at, flip] of flips) if (at < bad.length) bad[at]! ^= flip
        const doc = before.fork(4)
        const code = codeOf(() => doc.apply(bad))
        if (code === undefined) return
        expect(['NotCanonical', 'UnsupportedFormat', 'HistoryCompacted']).toContain(code)
        expect(hex(doc.encode())).toBe(empty)
      }),
      { numRuns: 500 },
    )
  })

  test('of another version are told apart from damage', () => {
    expect(codeOf(() => new Doc({ replica: 1 }).apply(new Uint8Array([2, 0])))).toBe('UnsupportedFormat')
  })
})

describe('epochs', () => {
  test('let a fence win over everything concurrent, on all replicas and in any order', () => {
    const a = new Doc({ replica: 1 })
    a.map('m').set('k', 'old')
    a.text('t').insert(0, 'old')
    a.commit()
    const b = a.fork(2)
    b.map('m').set('k', 'concurrent')
    b.map('m').counter('n').add(1)
    b.text('t').insert(3, ' concurrent')
    a.fence('map', 'm')
    a.fence('text', 't', 7)
    a.map('m').set('k', 'new')
    a.text('t').insert(0, 'new')
    const [ua, ub] = [must(a.commit()), must(b.commit())]
    a.apply(ub)
    b.apply(ua)
    expect(a.value()).toEqual({ m: { k: 'new' }, t: 'new' })
    expect(b.value()).toEqual(a.value())
    expect([b.epoch('map', 'm'), b.epoch('text', 't')]).toEqual([1, 7])
    const c = new Doc({ replica: 3 })
    c.merge(b)
    expect(c.value()).toEqual(a.value())
    b.map('m').set('later', 1)
    a.merge(b)
    expect(a.map('m').get('later')).toBe(1)
    expect(Doc.decode(a.encode(), { replica: 4 }).value()).toEqual(a.value())
  })

  test('only rise', () => {
    const doc = new Doc({ replica: 1 })
    doc.fence('counter', 'c', 5)
    expect(codeOf(() => doc.fence('counter', 'c', 5))).toBe('InvalidArgument')
    expect(codeOf(() => doc.fence('counter', 'c', 5.5))).toBe('InvalidArgument')
  })
})

describe('changes', () => {
  test('are told with patches, local ones when their bundle ends', () => {
    const doc = new Doc({ replica: 1 })
    const changes: Change[] = []
    const stop = doc.on((change) => changes.push(change))
    doc.map('m').set('k', 1)
    doc.map('m').set('k', 2)
    doc.map('m').map('in').counter('c').add(3)
    doc.addWinsSet('s').add('x')
    doc.text('t').insert(0, 'abc')
    doc.text('t').delete(1, 1)
    expect(changes).toEqual([])
    doc.commit()
    const path = (...steps: [number, string][]): object[] => steps.map(([tag, name]) => ({ tag, name }))
    expect(changes).toEqual([
      {
        origin: 'local',
        patches: [
          { type: 'map', path: path([1, 'm']), key: 'k', before: undefined, after: 2 },
          { type: 'value', path: path([1, 'm'], [1, 'in'], [4, 'c']), before: 0, after: 3 },
          { type: 'set', path: path([8, 's']), element: 'x', added: true },
          {
            type: 'sequence',
            path: path([12, 't']),
            edits: [
              { position: 0, removed: 0, inserted: 'abc' },
              { position: 1, removed: 1, inserted: '' },
            ],
          },
        ],
      },
    ])
    stop()
    doc.map('m').set('k', 3)
    doc.commit()
    expect(changes.length).toBe(1)
  })

  test('from elsewhere that change nothing visible are not told', () => {
    const a = new Doc({ replica: 9 })
    a.register('r').set('winner')
    const b = new Doc({ replica: 1 })
    b.register('r').set('loser')
    const told: Change[] = []
    a.on((change) => told.push(change))
    expect(a.merge(b)).toEqual([])
    expect(told).toEqual([])
  })

  test('of a tree tell each node that moved, also by taking a move back', () => {
    const a = new Doc({ replica: 1 })
    const x = a.tree('t').create('', 0, 'x')
    const y = a.tree('t').create('', 1, 'y')
    const b = a.fork(2)
    a.tree('t').move(x, y)
    b.tree('t').move(y, x)
    const moved = b.merge(a)
    expect(moved).toMatchObject([
      { type: 'tree', node: y, before: { parent: x }, after: { parent: '' } },
      { type: 'tree', node: x, before: { parent: '' }, after: { parent: y } },
    ])
  })
})
