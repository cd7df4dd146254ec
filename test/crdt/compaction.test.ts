/** What a compacted document can't merge any more, it refuses: at once where it can know, else when it comes. */
import { describe, expect, test } from 'vitest'
import { isNitroError } from '../../base/index.ts'
import { Doc } from '../../crdt/index.ts'
import { baseAt, writeBase } from '../../crdt/doc/base.ts'
import { updateSince } from '../../crdt/doc/encode.ts'
import { sealEnvelope } from '../../crdt/doc/envelope.ts'
import { codeOf, must } from './support.ts'

/** Two replicas that have each written without the other, and what the second has sent. */
function apart(): { a: Doc; b: Doc; late: Uint8Array } {
  const [a, b] = [new Doc({ replica: 1 }), new Doc({ replica: 2 })]
  a.map('m').set('k', 'a')
  a.commit()
  b.map('m').set('k', 'b')
  return { a, b, late: must(b.commit()) }
}

/** Refuses an update as too old, and shows that it left no trace. */
function expectTooOld(doc: Doc, update: Uint8Array): void {
  const [bytes, { pending }] = [doc.encode(), doc]
  expect(codeOf(() => doc.apply(update))).toBe('HistoryCompacted')
  expect(doc.encode()).toEqual(bytes)
  expect(doc.pending).toBe(pending)
}

describe('a document is not compacted', () => {
  test('at a version that an event of it was made without', () => {
    const { a, b } = apart()
    a.merge(b)
    const before = a.encode()
    expect(() => a.compact(b.version())).toThrow('event 1:0 was made without all of it')
    expect(codeOf(() => a.compact(b.version()))).toBe('InvalidArgument')
    expect([a.compactedAt.size, a.encode()]).toEqual([0, before])
    a.compact(a.version())
    expect(a.fork(3).value()).toEqual(a.value())
  })

  test('at a version that a waiting event was made without', () => {
    const { a, b } = apart()
    const c = new Doc({ replica: 3 })
    c.counter('n').add(1)
    b.merge(c)
    b.counter('n').add(1)
    a.apply(b.since(c.version()))
    expect(a.pending).toBe(1)
    expect(() => a.compact(a.version())).toThrow('event 2:0 was made without all of it')
    a.merge(c)
    expect([a.pending, a.counter('n').value]).toEqual([0, 2n])
    a.compact(a.version())
  })
})

describe('a compacted document', () => {
  test('refuses an event that was made without what it was compacted at, and what comes with it', () => {
    const { a, b, late } = apart()
    a.compact(a.version())
    expectTooOld(a, late)
    b.map('m').set('k', 'again')
    expectTooOld(a, b.since(new Map()))
    try {
      a.apply(late)
    } catch (error) {
      expect(isNitroError(error) && error.details).toEqual({ rid: 2, seq: 0 })
    }
    expect(codeOf(() => b.merge(a))).toBe('HistoryCompacted')
  })

  test('refuses it also where what comes with it waits for something', () => {
    const { a, b } = apart()
    const c = new Doc({ replica: 3 })
    c.counter('n').add(1)
    b.merge(c)
    b.counter('n').add(1)
    a.compact(a.version())
    expectTooOld(a, b.since(c.version()))
  })

  test('refuses typing that was made without it, and takes typing that was made with it', () => {
    const a = new Doc({ replica: 1 })
    a.text('t').insert(0, 'shared')
    const b = a.fork(2)
    b.text('t').insert(6, '!')
    a.apply(must(b.commit()))
    const c = a.fork(3)
    b.text('t').insert(7, '?')
    const early = must(b.commit())
    a.text('t').insert(0, '- ')
    c.apply(must(a.commit()))
    c.text('t').insert(9, '.')
    a.compact(a.version())
    expectTooOld(a, early)
    a.apply(must(c.commit()))
    c.text('t').insert(10, '.')
    a.apply(must(c.commit()))
    expect(a.text('t').toString()).toBe('- shared!..')
  })

  test('knows what it was compacted at when it comes back from bytes, and in its forks', () => {
    const { a, late } = apart()
    a.compact(a.version())
    expectTooOld(a.fork(4), late)
    expectTooOld(Doc.decode(a.encode(), { replica: 1 }), late)
    const copy = a.fork(5)
    copy.map('m').set('k', 'new')
    a.apply(must(copy.commit()))
    expect(a.map('m').get('k')).toBe('new')
  })

  test('is not opened when it has an event that was made without it', () => {
    const { a, b } = apart()
    a.merge(b)
    const { state } = a['core']
    const base = baseAt(a.at(b.version())['core'].state, b.version())
    const bytes = sealEnvelope(updateSince(state, new Map(), writeBase(base)), undefined)
    expect(codeOf(() => Doc.decode(bytes, { replica: 4 }))).toBe('NotCanonical')
  })
})
