/** What a compacted document can't merge any more, it refuses: at once where it can know, else when it comes. */
import fc from 'fast-check'
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

/** A bundle under way, with what its author had when it made it. */
interface Letter {
  readonly from: number
  readonly bundle: Uint8Array
  readonly version: Version
}

/** Three replicas; each knows what the others have last said to have. */
class Correspondence {
  readonly docs = [1, 2, 3].map((replica) => new Doc({ replica }))
  /** Takes everything in and forgets nothing. */
  readonly control = new Doc({ replica: 9 })
  private readonly boxes: Letter[][] = [[], [], []]
  private readonly said: Version[][] = this.docs.map(() => this.docs.map(() => new Map<number, number>()))

  edit(who: number, what: number): void {
    const doc = this.docs[who] as Doc
    if (what % 4 === 0) doc.map('m').set('abc'[what % 3] as string, what)
    else if (what % 4 === 1) doc.multiValue('v').set(what)
    else if (what % 4 === 2) doc.text('t').insert(what % (doc.text('t').length + 1), 'x')
    else doc.addWinsSet('s').add(what % 5)
    const bundle = must(doc.commit())
    this.control.apply(bundle)
    this.boxes.forEach((box, to) => to !== who && box.push({ from: who, bundle, version: doc.version() }))
  }

  /** Takes a letter in; those of one author come in order. */
  read(who: number, which: number): void {
    const box = this.boxes[who] as Letter[]
    if (box.length === 0) return
    const { from } = box[which % box.length] as Letter
    const [letter] = box.splice(
      box.findIndex((one) => one.from === from),
      1,
    )
    const { bundle, version } = letter as Letter
    ;(this.docs[who] as Doc).apply(bundle)
    ;(this.said[who] as Version[])[from] = version
  }

  /** Returns how many events are forgotten by now. */
  compact(who: number): number {
    const doc = this.docs[who] as Doc
    const others = (this.said[who] as Version[]).filter((_, other) => other !== who)
    doc.compact(doc.stableVersion([...others, doc.version()]))
    return [...doc.compactedAt.values()].reduce((sum, count) => sum + count, 0)
  }

  readAll(): void {
    this.boxes.forEach((box, who) => {
      while (box.length > 0) this.read(who, 0)
    })
  }
}

type Version = ReturnType<Doc['version']>

describe('the stable version', () => {
  const step = fc.record({
    what: fc.constantFrom('edit', 'edit', 'read', 'read', 'compact'),
    who: fc.nat(2),
    n: fc.nat(1000),
  })

  test('can always be compacted at, and nothing that comes later is refused or differs', () => {
    let forgotten = 0
    fc.assert(
      fc.property(fc.array(step, { minLength: 40, maxLength: 120, size: 'max' }), (steps) => {
        const all = new Correspondence()
        for (const { what, who, n } of steps) {
          if (what === 'edit') all.edit(who, n)
          else if (what === 'read') all.read(who, n)
          else forgotten += all.compact(who)
        }
        all.readAll()
        for (const doc of all.docs) {
          expect(doc.pending).toBe(0)
          expect(doc.value()).toEqual(all.control.value())
          expect(Doc.decode(doc.encode(), { replica: 7 }).value()).toEqual(all.control.value())
        }
      }),
    )
    expect(forgotten).toBeGreaterThan(100)
  })

  test('is everything when all have said that they have it', () => {
    const { a, b } = apart()
    a.merge(b)
    b.merge(a)
    expect(a.stableVersion([b.version()])).toEqual(a.version())
    expect(a.stableVersion([b.version(), new Map()]).size).toBe(0)
    expect(codeOf(() => a.stableVersion([[1] as never]))).toBe('InvalidArgument')
  })

  test('leaves out what an event was made without that not all have', () => {
    const { a, b, late } = apart()
    a.apply(late)
    // b has not got the first event of a, which was made without that of b.
    expect(a.stableVersion([b.version()]).size).toBe(0)
    expect(codeOf(() => a.compact(b.version()))).toBe('InvalidArgument')
  })

  test('is never less than what the document was compacted at', () => {
    const { a } = apart()
    a.compact(a.version())
    expect(a.stableVersion([new Map()])).toEqual(a.version())
  })
})
