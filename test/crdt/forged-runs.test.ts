/** Updates of a few bytes that stand for any number of units, forgotten or deleted: what they may stand for is bounded. */
import { describe, expect, test } from 'vitest'
import { ByteWriter } from '../../base/index.ts'
import { writeBase } from '../../crdt/doc/base.ts'
import { sealEnvelope } from '../../crdt/doc/envelope.ts'
import { writeAllButSections } from '../../crdt/codec/update.ts'
import { Doc } from '../../crdt/index.ts'
import { maxForgotten } from '../../crdt/text/erasure.ts'
import { opKind } from '../../crdt/text/op-log.ts'
import { RunColumns, writeRuns } from '../../crdt/text/run-codec.ts'
import { codeOf } from './support.ts'

const tags = { movableList: 11, text: 12, list: 13 }

/** An update in which replica 7 puts in so many units, all of them forgotten, in each of some sequences. */
function forged(tag: number, lengths: readonly number[], covered?: number): Uint8Array {
  const writer = new ByteWriter()
  const length = lengths.reduce((sum, one) => sum + one, 0)
  const base =
    covered === undefined
      ? undefined
      : writeBase({ version: new Map([[7, covered]]), high: 0, low: 0, cells: new Uint8Array(1) })
  writeAllButSections(
    writer,
    {
      base,
      spans: [{ rid: 7, seq: 0, length, parents: [] }],
      places: lengths.map((_, i) => ({ parent: -1, tag, name: `s${i}`, epoch: 0 })),
      rows: [],
    },
    () => [],
  )
  let event = 0
  for (const units of lengths) {
    const runs = new RunColumns()
    runs.append(opKind.insert, event, units, 0)
    const section = new ByteWriter()
    writeRuns(section, runs)
    section.uint(1)
    section.uint(0)
    section.uint(units - 1)
    // No content, and nothing beside it.
    for (let parts = tag === tags.text ? 2 : tag === tags.list ? 0 : 1; parts > 0; parts--) section.uint(0)
    writer.blob(section.take())
    event += units
  }
  return writer.take()
}

describe('an update that says content was forgotten', () => {
  test('is refused without a base, whatever it is about and however short it is', () => {
    for (const tag of [tags.text, tags.list, tags.movableList]) {
      for (const units of [1, 1000, 2 ** 26, 2 ** 30]) {
        const doc = new Doc({ replica: 1 })
        const bytes = forged(tag, [units])
        expect(bytes.length).toBeLessThan(40)
        expect(codeOf(() => doc.apply(bytes))).toBe('NotCanonical')
        expect(doc.version().size).toBe(0)
        expect(codeOf(() => Doc.decode(sealEnvelope(bytes, undefined), { replica: 1 }))).toBe('NotCanonical')
      }
    }
  })

  test('is refused if its base does not cover the events', () => {
    for (const covered of [1, 999]) {
      const bytes = sealEnvelope(forged(tags.text, [1000], covered), undefined)
      expect(codeOf(() => Doc.decode(bytes, { replica: 1 }))).toBe('NotCanonical')
    }
  })

  test('adds nothing to a document: what a base covers must be there already', () => {
    const doc = new Doc({ replica: 1 })
    expect(codeOf(() => doc.apply(forged(tags.text, [1000], 1000)))).toBe('HistoryCompacted')
    const loaded = Doc.decode(sealEnvelope(forged(tags.text, [1000], 1000), undefined), { replica: 1 })
    const before = loaded.encode()
    loaded.apply(forged(tags.text, [1000], 1000))
    expect(loaded.encode()).toEqual(before)
  })

  test('is limited where a document is loaded from it, all sequences together', () => {
    const half = maxForgotten / 2
    for (const lengths of [[2 ** 30], [maxForgotten + 1], [half, half + 1], [half, 10, half]]) {
      const bytes = sealEnvelope(forged(tags.list, lengths, 2 ** 30), undefined)
      expect(codeOf(() => Doc.decode(bytes, { replica: 1 }))).toBe('LimitExceeded')
    }
    const bytes = sealEnvelope(forged(tags.text, [1000, 24], 1024), undefined)
    expect(Doc.decode(bytes, { replica: 1 }).encode()).toEqual(bytes)
  })

  test('stands for what was deleted and compacted, in documents that are made by the rules', () => {
    const doc = new Doc({ replica: 7 })
    doc.text('t').insert(0, 'x'.repeat(5000))
    doc.list('l').push(...Array.from({ length: 500 }, (_, i) => `element ${i}`))
    doc.text('t').delete(0, 4999)
    doc.list('l').delete(0, 499)
    doc.commit()
    const twin = Doc.decode(doc.encode(), { replica: 8 })
    doc.compact(doc.version())
    const bytes = doc.encode()
    expect(bytes.length).toBeLessThan(150)
    const copy = Doc.decode(bytes, { replica: 9 })
    expect(copy.value()).toEqual(twin.value())
    copy.text('t').insert(1, 'y')
    twin.merge(copy)
    expect(twin.text('t').toString()).toBe('xy')
    expect(copy.encode().length).toBeLessThan(200)
  })
})

/** An update in which a replica deletes so many units from the beginning on, in each of the ways that can be written down. */
function deletion(kind: 1 | 2, tag: number, units: number, parents: readonly { rid: number; seq: number }[], rid = 7) {
  const writer = new ByteWriter()
  writeAllButSections(
    writer,
    {
      base: undefined,
      spans: [{ rid, seq: 0, length: units, parents }],
      places: [{ parent: -1, tag, name: 's0', epoch: 0 }],
      rows: [],
    },
    () => [],
  )
  const runs = new RunColumns()
  runs.append(kind, 0, units, kind === opKind.delete ? 0 : units - 1)
  const section = new ByteWriter()
  writeRuns(section, runs)
  for (let parts = tag === tags.text ? 3 : tag === tags.list ? 1 : 2; parts > 0; parts--) section.uint(0)
  writer.blob(section.take())
  return writer.take()
}

describe('a deletion of far more than was ever inserted', () => {
  const holding = (tag: number): Doc => {
    const doc = new Doc({ replica: 1 })
    if (tag === tags.text) doc.text('s0').insert(0, 'abc')
    else if (tag === tags.list) doc.list('s0').push('a', 'b', 'c')
    else doc.movableList('s0').push('a', 'b', 'c')
    doc.commit()
    return doc
  }

  test('is refused, in every type and direction, sequential and concurrent, and leaves no trace', () => {
    for (const tag of Object.values(tags)) {
      for (const kind of [opKind.delete, opKind.deleteBack]) {
        for (const parents of [[], [{ rid: 1, seq: 2 }]]) {
          const doc = holding(tag)
          const before = doc.encode()
          for (const units of [2 ** 22 + 4, 2 ** 27, 2 ** 30]) {
            expect(codeOf(() => doc.apply(deletion(kind, tag, units, parents)))).toBe('LimitExceeded')
            expect(doc.encode()).toEqual(before)
          }
          // A fence that is yet to come may have taken something out of sight: so much has no effect here, and is no error.
          doc.apply(deletion(kind, tag, 1000, parents))
          expect(doc.events).toBe(1003)
          const copy = Doc.decode(doc.encode(), { replica: 2 })
          expect(copy.value()).toEqual(doc.value())
        }
      }
    }
  })

  test('is refused also by who takes in the bundles of somebody who types', () => {
    const doc = holding(tags.text)
    const other = new Doc({ replica: 2 })
    other.apply(doc.since(new Map()))
    for (let i = 0; i < 3; i++) {
      doc.text('s0').insert(0, 'x')
      other.apply(doc.commit() as Uint8Array)
    }
    const before = other.encode()
    const huge = deletion(opKind.delete, tags.text, 2 ** 27, [{ rid: 1, seq: 5 }])
    expect(codeOf(() => other.apply(huge))).toBe('LimitExceeded')
    expect(other.encode()).toEqual(before)
    other.apply(deletion(opKind.delete, tags.text, 6, [{ rid: 1, seq: 5 }]))
    expect(other.text('s0').toString()).toBe('')
  })

  test('is refused when what it waited for has come, and keeps nothing from others that waited', () => {
    const source = holding(tags.text)
    const doc = new Doc({ replica: 2 })
    const parents = [{ rid: 1, seq: 2 }]
    doc.apply(deletion(opKind.delete, tags.text, 2 ** 27, parents))
    doc.apply(deletion(opKind.delete, tags.text, 3, parents, 8))
    expect(doc.pending).toBe(2)
    expect(codeOf(() => doc.apply(source.since(new Map())))).toBe('LimitExceeded')
    expect(doc.pending).toBe(0)
    expect(doc.text('s0').toString()).toBe('')
    expect([...doc.version()]).toEqual([
      [1, 3],
      [8, 3],
    ])
  })

  test('is no matter where many have deleted the same, whose deletions are one run in the bytes', () => {
    for (const back of [false, true]) {
      const source = new Doc({ replica: 1 })
      source.text('s0').insert(0, 'abcdef')
      source.list('s0').push(1, 2, 3, 4, 5, 6)
      source.movableList('s0').push(1, 2, 3, 4, 5, 6)
      source.commit()
      const others = [2, 3, 4, 5].map((replica) => source.fork(replica))
      for (const one of others) {
        for (const sequence of [one.text('s0'), one.list('s0'), one.movableList('s0')]) {
          if (back) for (let at = 5; at >= 0; at--) sequence.delete(at, 1)
          else sequence.delete(0, 6)
        }
        one.commit()
      }
      for (const one of others) source.merge(one)
      const copy = Doc.decode(source.encode(), { replica: 9 })
      expect(copy.value()).toEqual(source.value())
      expect(copy.text('s0').length + copy.list('s0').length + copy.movableList('s0').length).toBe(0)
      copy.compact(copy.version())
      expect(Doc.decode(copy.encode(), { replica: 10 }).encode()).toEqual(copy.encode())
    }
  })
})
