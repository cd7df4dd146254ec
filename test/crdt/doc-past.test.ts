/** What a document keeps: its history, and itself in bytes. */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { isNitroError } from '../../base/index.ts'
import { Doc } from '../../crdt/index.ts'
import { codeOf, must } from './support.ts'

describe('history', () => {
  const grown = (): { doc: Doc; versions: ReturnType<Doc['version']>[]; values: unknown[] } => {
    const doc = new Doc({ replica: 1 })
    const versions: ReturnType<Doc['version']>[] = []
    const values: unknown[] = []
    for (let i = 0; i < 10; i++) {
      doc.map('m').set('i', i)
      doc.counter('c').add(i)
      doc.removeWinsSet('s').add(i)
      if (i % 2 === 1) doc.removeWinsSet('s').remove(i - 1)
      doc.text('t').insert(0, `${i}`)
      doc.commit()
      versions.push(doc.version())
      values.push(doc.value())
    }
    return { doc, versions, values }
  }

  test('shows any version, to be read and forked but not changed', () => {
    const { doc, versions, values } = grown()
    versions.forEach((version, i) => expect(doc.at(version).value()).toEqual(values[i]))
    const then = doc.at(versions[4] as ReturnType<Doc['version']>)
    expect(codeOf(() => then.map('m').set('k', 1))).toBe('InvalidArgument')
    expect(codeOf(() => then.apply(doc.since(new Map())))).toBe('InvalidArgument')
    const branch = then.fork(2)
    branch.map('m').set('branch', true)
    doc.merge(branch)
    expect(doc.map('m').get('branch')).toBe(true)
    expect(doc.map('m').get('i')).toBe(9)
  })

  test('refuses versions that never were', () => {
    const { doc } = grown()
    const other = doc.fork(2)
    other.counter('c').add(1)
    doc.merge(other)
    expect(codeOf(() => doc.at(new Map([[2, 1]])))).toBe('InvalidArgument')
    expect(codeOf(() => doc.at(new Map([[1, 1_000_000]])))).toBe('InvalidArgument')
    expect(codeOf(() => doc.at(new Map([[3, 1]])))).toBe('InvalidArgument')
  })

  test('is forgotten before a stable version, and changes nothing that is seen', () => {
    const { doc, versions, values } = grown()
    const twin = doc.fork(2)
    const size = doc.encode().length
    doc.compact(versions[6] as ReturnType<Doc['version']>)
    expect(doc.encode().length).toBeLessThan(size)
    expect(doc.value()).toEqual(values[9])
    for (let i = 6; i < 10; i++) expect(doc.at(versions[i] as ReturnType<Doc['version']>).value()).toEqual(values[i])
    expect(codeOf(() => doc.at(versions[5] as ReturnType<Doc['version']>))).toBe('HistoryCompacted')
    expect(codeOf(() => doc.since(new Map()))).toBe('HistoryCompacted')
    twin.counter('c').reset()
    twin.removeWinsSet('s').add(0)
    twin.text('t').insert(3, '!')
    doc.merge(twin)
    expect(doc.value()).toEqual(twin.value())
    const copy = Doc.decode(doc.encode(), { replica: 3 })
    expect(copy.value()).toEqual(doc.value())
    expect(copy.encode()).toEqual(doc.encode())
    copy.map('m').set('i', 'later')
    twin.merge(copy)
    expect(twin.map('m').get('i')).toBe('later')
    expect(codeOf(() => new Doc({ replica: 4 }).merge(doc))).toBe('HistoryCompacted')
  })
})

describe('stored documents', () => {
  const deflate = { method: 'deflate', compress: (bytes: Uint8Array) => deflateRawSync(bytes) }
  const inflate = {
    method: 'deflate',
    decompress: (bytes: Uint8Array, length: number) => inflateRawSync(bytes, { maxOutputLength: length }),
  }

  test('are compressed by the given function, which their header names', () => {
    const doc = new Doc({ replica: 1 })
    for (let i = 0; i < 1000; i++) doc.map('m').set(`key ${i}`, 'the same value')
    const plain = doc.encode()
    const small = doc.encode(deflate)
    expect(small.length).toBeLessThan(plain.length / 3)
    expect(Doc.decode(small, { replica: 2 }, inflate).value()).toEqual(doc.value())
    expect(codeOf(() => Doc.decode(small, { replica: 2 }))).toBe('InvalidArgument')
    expect(codeOf(() => Doc.decode(small, { replica: 2 }, { ...inflate, method: 'other' }))).toBe('InvalidArgument')
  })

  test('that are damaged are refused', () => {
    const doc = new Doc({ replica: 1 })
    doc.map('m').set('k', 1)
    const small = doc.encode(deflate)
    small[small.length - 1]! ^= 0xff
    expect(codeOf(() => Doc.decode(small, { replica: 2 }, inflate))).toBe('NotCanonical')
    expect(codeOf(() => Doc.decode(new Uint8Array([1, 2, 3]), { replica: 2 }))).toBe('NotCanonical')
    expect(codeOf(() => Doc.decode(new Uint8Array(), { replica: 2 }))).toBe('NotCanonical')
    expect(codeOf(() => Doc.decode(new Uint8Array([0x4e, 9, 0, 0]), { replica: 2 }))).toBe('UnsupportedFormat')
  })

  test('go on under their own replica id where they stopped', () => {
    const doc = new Doc({ replica: 1 })
    doc.counter('c').add(1)
    doc.commit()
    const again = Doc.decode(doc.encode(), { replica: 1 })
    expect(again.commit()).toBeUndefined()
    again.counter('c').add(2)
    doc.apply(must(again.commit()))
    expect(doc.counter('c').value).toBe(3n)
  })

  test('need a replica id of 32 bits', () => {
    for (const replica of [-1, 1.5, 2 ** 32, Number.NaN])
      expect(codeOf(() => new Doc({ replica }))).toBe('InvalidArgument')
  })
})

describe('bytes of a document with a byte changed', () => {
  const full = (): Doc => {
    const [one, two] = [new Doc({ replica: 1 }), new Doc({ replica: 300 })]
    for (const doc of [one, two]) {
      doc.map('m').set('k', 1)
      doc.map('m').text('inner').insert(0, 'abé')
      doc
        .map('m')
        .map('deeper')
        .counter('n')
        .add(3n ** 40n)
      doc.text('t').insert(0, 'text')
      doc.list('l').push('a', { b: 1 })
      doc.movableList('ml').push(1, 2)
      doc.tree('tr').create()
      doc.boundedCounter('bc').grant(5)
      doc.commit()
    }
    one.merge(two)
    one.fence('text', 't')
    one.text('t').insert(0, 'again')
    one.text('t').mark(0, 3, 'bold', true)
    one.text('t').delete(1, 2)
    one.movableList('ml').move(0, 1)
    one.commit()
    two.removeWinsSet('rw').add('x')
    two.commit()
    one.merge(two)
    return one
  }

  test.each([
    ['as it is', (): Doc => full()],
    [
      'compacted',
      (): Doc => {
        const doc = full()
        doc.compact(doc.version())
        return doc
      },
    ],
    [
      'compacted, and changed since',
      (): Doc => {
        const doc = full()
        doc.compact(doc.version())
        doc.map('m').text('inner').insert(1, 'z')
        doc.fence('list', 'l')
        doc.commit()
        return doc
      },
    ],
  ])('are refused, or are those of another document: %s', (_how, make) => {
    const bytes = make().encode()
    expect(Doc.decode(bytes, { replica: 9 }).encode()).toEqual(bytes)
    let accepted = 0
    for (let at = 0; at < bytes.length; at++) {
      for (const by of [1, 3, 16, 128, 255]) {
        const changed = bytes.slice()
        changed[at] = ((changed[at] as number) + by) & 0xff
        let doc: Doc
        try {
          doc = Doc.decode(changed, { replica: 9 })
        } catch (error) {
          expect(isNitroError(error)).toBe(true)
          continue
        }
        accepted++
        expect(doc.encode()).toEqual(changed)
      }
    }
    expect(accepted).toBeGreaterThan(20)
  })
})
