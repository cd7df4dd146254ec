/** What a document refuses at the call, so that no bundle ever holds what can't be written down. */
import { describe, expect, test } from 'vitest'
import { isNitroError } from '../../base/index.ts'
import type { Value } from '../../base/index.ts'
import { Doc } from '../../crdt/index.ts'

/** The code with which a call is refused, by a document that goes on as if it had never been made. */
function refusal(run: (doc: Doc) => void): string {
  const doc = new Doc({ replica: 1 })
  doc.map('m').set('before', 1)
  doc.commit()
  let code = 'taken'
  try {
    run(doc)
  } catch (error) {
    code = isNitroError(error) ? error.code : String(error)
  }
  doc.map('m').set('after', 2)
  doc.commit()
  const copy = Doc.decode(doc.encode(), { replica: 2 })
  expect(copy.value()).toEqual(doc.value())
  expect(copy.map('m').get('after')).toBe(2)
  return code
}

const nested = (depth: number): Value => {
  let value: Value = 1
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

describe('keys of maps', () => {
  test('with a lone surrogate are refused: they would be other keys after encoding', () => {
    for (const key of ['\ud800', 'a\udc00', '\ud83d']) {
      expect(refusal((doc) => doc.map('m').set(key, 1))).toBe('NotCanonical')
    }
    const doc = new Doc({ replica: 1 })
    doc.map('m').set('\u{1f600}', 1)
    doc.commit()
    expect(Doc.decode(doc.encode(), { replica: 2 }).value()).toEqual({ m: { '\u{1f600}': 1 } })
  })

  test('that are no strings are refused, and so are names of places', () => {
    for (const key of [5, null, undefined, {}] as unknown as string[]) {
      expect(refusal((doc) => doc.map('m').set(key, 1))).toBe('NotCanonical')
      expect(refusal((doc) => void doc.map(key))).toBe('NotCanonical')
    }
  })
})

describe('elements', () => {
  test('may be nested as deep in a movable list as what holds them leaves room for', () => {
    const doc = new Doc({ replica: 1 })
    doc.movableList('l').push(nested(63))
    doc.commit()
    expect(Doc.decode(doc.encode(), { replica: 2 }).value()).toEqual(doc.value())
    const set = (one: Doc): void => {
      one.movableList('l').push(1)
      one.movableList('l').set(0, nested(64))
    }
    expect(refusal((one) => one.movableList('l').push(nested(64)))).toBe('NotCanonical')
    expect(refusal(set)).toBe('NotCanonical')
  })

  test('are refused where there is a hole, and where no array is given', () => {
    const holes: Value[] = [1]
    holes[2] = 1
    expect(refusal((doc) => doc.list('l').insert(0, holes))).toBe('NotCanonical')
    expect(refusal((doc) => doc.movableList('l').insert(0, holes))).toBe('NotCanonical')
    expect(refusal((doc) => doc.list('l').insert(0, 'abc' as unknown as Value[]))).toBe('InvalidArgument')
  })
})

describe('arguments of a wrong type', () => {
  test('are refused as such: text that is none, and versions that are none', () => {
    const none = [5, null, {}, ['a']] as unknown[]
    for (const wrong of none) {
      expect(refusal((doc) => doc.text('t').insert(0, wrong as string))).toBe('InvalidArgument')
      expect(refusal((doc) => void doc.at(wrong as ReturnType<Doc['version']>))).toBe('InvalidArgument')
      expect(refusal((doc) => void doc.since(wrong as ReturnType<Doc['version']>))).toBe('InvalidArgument')
    }
  })
})

describe('a listener that throws', () => {
  test('keeps nothing from the others, from the document or from other replicas', () => {
    const doc = new Doc({ replica: 1 })
    const heard: string[] = []
    const broken = doc.on(() => {
      throw new Error('broken')
    })
    doc.on(({ origin }) => heard.push(origin))
    doc.map('m').set('a', 1)
    expect(() => doc.commit()).toThrow('broken')
    const other = new Doc({ replica: 2 })
    other.map('m').set('b', 2)
    const update = other.commit() as Uint8Array
    expect(() => doc.apply(update)).toThrow('broken')
    expect(heard).toEqual(['local', 'remote'])
    broken()
    const given = doc.commit()
    if (given === undefined) throw new Error('nothing was given out')
    other.apply(given)
    expect(other.value()).toEqual({ m: { a: 1, b: 2 } })
    expect(doc.value()).toEqual({ m: { a: 1, b: 2 } })
  })
})
