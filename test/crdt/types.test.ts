/** The table of concurrent semantics, row by row: what stands in the header of each type. */
import { describe, expect, test } from 'vitest'
import { isNitroError } from '../../base/index.ts'
import { Doc } from '../../crdt/index.ts'

/** Two replicas that have seen `before`, and then did `left` and `right` without knowing of each other. */
function concurrently(before: (doc: Doc) => void, left: (doc: Doc) => void, right: (doc: Doc) => void): Doc {
  const a = new Doc({ replica: 1 })
  before(a)
  a.commit()
  const b = a.fork(2)
  left(a)
  right(b)
  b.merge(a)
  a.merge(b)
  expect(b.value()).toEqual(a.value())
  expect(b.encode()).toEqual(a.encode())
  return a
}

const nothing = (): void => undefined

describe('a register', () => {
  test('takes the later time of two concurrent sets, and the larger replica when times are equal', () => {
    const late = new Doc({ replica: 1, wallMs: () => 2000 })
    const early = new Doc({ replica: 2, wallMs: () => 1000 })
    late.register('r').set('late')
    early.register('r').set('early')
    late.merge(early)
    early.merge(late)
    expect([late.register('r').get(), early.register('r').get()]).toEqual(['late', 'late'])
    const same = concurrently(
      nothing,
      (doc) => doc.register('r').set('of 1'),
      (doc) => doc.register('r').set('of 2'),
    )
    expect(same.register('r').get()).toBe('of 2')
  })

  test('takes what was set knowing the other, whatever the clocks say', () => {
    const ahead = new Doc({ replica: 9, wallMs: () => 9_000_000 })
    const behind = new Doc({ replica: 1, wallMs: () => 1 })
    ahead.register('r').set('first')
    behind.merge(ahead)
    behind.register('r').set('second')
    ahead.merge(behind)
    expect(ahead.register('r').get()).toBe('second')
  })

  test('keeps a set that a concurrent clear had not seen', () => {
    const doc = concurrently(
      (doc) => doc.register('r').set(1),
      (doc) => doc.register('r').set(2),
      (doc) => doc.register('r').clear(),
    )
    expect(doc.register('r').get()).toBe(2)
  })
})

describe('a multi-value register', () => {
  test('keeps concurrent values until one replaces both', () => {
    const doc = concurrently(
      (doc) => doc.multiValue('m').set(0),
      (doc) => doc.multiValue('m').set('a'),
      (doc) => doc.multiValue('m').set('b'),
    )
    expect(doc.multiValue('m').values()).toEqual(['a', 'b'])
    doc.multiValue('m').set('c')
    expect(doc.multiValue('m').values()).toEqual(['c'])
  })
})

describe('a counter', () => {
  test('counts concurrent additions, and those a reset had not seen', () => {
    const added = concurrently(
      (doc) => doc.counter('c').add(10),
      (doc) => doc.counter('c').add(5n),
      (doc) => doc.counter('c').add(-3),
    )
    expect(added.counter('c').value).toBe(12n)
    const reset = concurrently(
      (doc) => doc.counter('c').add(10),
      (doc) => doc.counter('c').add(5),
      (doc) => doc.counter('c').reset(),
    )
    expect(reset.counter('c').value).toBe(5n)
  })

  test('stays exact beyond 2^53', () => {
    const doc = concurrently(
      (doc) => doc.counter('c').add(Number.MAX_SAFE_INTEGER),
      (doc) => doc.counter('c').add(2n ** 70n),
      (doc) => doc.counter('c').add(1),
    )
    expect(doc.counter('c').value).toBe(2n ** 53n + 2n ** 70n)
  })

  test('makes one dot of all additions of a bundle', () => {
    const doc = new Doc({ replica: 1 })
    for (let i = 0; i < 100; i++) doc.counter('c').add(i)
    expect(doc.events).toBe(1)
    doc.counter('c').reset()
    doc.counter('c').add(7)
    expect([doc.events, doc.counter('c').value]).toEqual([3, 7n])
  })
})

describe('a bounded counter', () => {
  test('spends only rights of its own, so that it never goes below zero', () => {
    const a = new Doc({ replica: 1 })
    a.boundedCounter('stock').grant(10)
    const b = a.fork(2)
    expect(b.boundedCounter('stock').rights()).toBe(0n)
    let refused: unknown
    try {
      b.boundedCounter('stock').spend(1)
    } catch (thrown) {
      refused = thrown
    }
    expect(isNitroError(refused, 'InsufficientRights')).toBe(true)
    a.boundedCounter('stock').transfer(4, 2)
    b.merge(a)
    b.boundedCounter('stock').spend(4)
    a.boundedCounter('stock').spend(6)
    a.merge(b)
    expect([a.boundedCounter('stock').value, a.boundedCounter('stock').rights(2)]).toEqual([0n, 0n])
    expect(() => a.boundedCounter('stock').spend(1)).toThrow('rights for 0')
  })
})

describe('flags', () => {
  const start = (doc: Doc): void => {
    doc.enableWinsFlag('f').enable()
    doc.disableWinsFlag('f').enable()
  }
  const enable = start
  const disable = (doc: Doc): void => {
    doc.enableWinsFlag('f').disable()
    doc.disableWinsFlag('f').disable()
  }
  const shown = (doc: Doc): boolean[] => [doc.enableWinsFlag('f').value, doc.disableWinsFlag('f').value]

  test('decide a concurrent enable and disable as their names say', () => {
    expect(shown(concurrently(start, enable, disable))).toEqual([true, false])
    expect(shown(concurrently(nothing, enable, disable))).toEqual([true, false])
  })

  test('show the later of two that know each other', () => {
    const doc = concurrently(start, disable, nothing)
    expect(shown(doc)).toEqual([false, false])
    enable(doc)
    expect(shown(doc)).toEqual([true, true])
  })
})

describe('sets', () => {
  const add = (doc: Doc): void => {
    doc.addWinsSet('s').add('x')
    doc.removeWinsSet('s').add('x')
  }
  const remove = (doc: Doc): void => {
    doc.addWinsSet('s').remove('x')
    doc.removeWinsSet('s').remove('x')
  }
  const shown = (doc: Doc): boolean[] => [doc.addWinsSet('s').has('x'), doc.removeWinsSet('s').has('x')]

  test('decide a concurrent add and remove as their names say', () => {
    expect(shown(concurrently(add, add, remove))).toEqual([true, false])
  })

  test('keep what a concurrent clear had not seen', () => {
    const clear = (doc: Doc): void => {
      doc.addWinsSet('s').clear()
      doc.removeWinsSet('s').clear()
    }
    expect(shown(concurrently(nothing, add, clear))).toEqual([true, true])
    expect(shown(concurrently(add, remove, clear))).toEqual([false, false])
  })

  test('tell elements apart by canonical value', () => {
    const doc = new Doc({ replica: 1 })
    const set = doc.addWinsSet('s')
    const elements = [5, 5n, '5', null, true, '\u0000', ['a', 1], { k: new Uint8Array([1]) }]
    for (const element of elements) set.add(element)
    set.add({ k: new Uint8Array([1]) })
    expect(set.size).toBe(elements.length)
    for (const element of elements) expect(set.has(element)).toBe(true)
    expect(Doc.decode(doc.encode(), { replica: 2 }).addWinsSet('s').values()).toEqual(set.values())
  })
})

describe('a map', () => {
  test('keeps a set that a concurrent delete had not seen, and shows conflicts', () => {
    const kept = concurrently(
      (doc) => doc.map('m').set('k', 1),
      (doc) => doc.map('m').set('k', 2),
      (doc) => doc.map('m').delete('k'),
    )
    expect(kept.map('m').get('k')).toBe(2)
    const both = concurrently(
      nothing,
      (doc) => doc.map('m').set('k', 'a'),
      (doc) => doc.map('m').set('k', 'b'),
    )
    expect(both.map('m').conflicts('k')).toEqual(['a', 'b'])
  })

  test('makes one nested value of two made concurrently', () => {
    const doc = concurrently(
      nothing,
      (doc) => doc.map('m').counter('n').add(1),
      (doc) => doc.map('m').counter('n').add(2),
    )
    expect(doc.value()).toEqual({ m: { n: 3 } })
  })

  test('resets what it removes: concurrent changes stay, nothing older comes back', () => {
    const doc = concurrently(
      (doc) => {
        doc.map('m').map('inner').counter('n').add(100)
        doc.map('m').map('inner').set('old', true)
        doc.map('m').map('inner').text('t').insert(0, 'old')
      },
      (doc) => {
        doc.map('m').map('inner').counter('n').add(1)
        doc.map('m').map('inner').text('t').insert(3, 'er')
      },
      (doc) => doc.map('m').remove('map', 'inner'),
    )
    expect(doc.value()).toEqual({ m: { inner: { n: 1, t: 'er' } } })
    doc.map('m').remove('map', 'inner')
    expect(doc.value()).toEqual({})
    doc.map('m').map('inner').set('new', 1)
    expect(doc.value()).toEqual({ m: { inner: { new: 1 } } })
  })

  test('has its own names for each kind of value', () => {
    const doc = new Doc({ replica: 1 })
    doc.map('m').set('x', 'set')
    doc.map('m').counter('x').add(1)
    doc.map('m').counter('y').add(2)
    doc.map('m').text('y').insert(0, 'text')
    expect(doc.value()).toEqual({ m: { x: 'set', y: 2 } })
    expect(doc.map('m').text('y').toString()).toBe('text')
  })
})

describe('a tree', () => {
  const grow = (doc: Doc): void => {
    const a = doc.tree('t').create('', 0, 'a')
    doc.tree('t').create(a, 0, 'a1')
    doc.tree('t').create('', 1, 'b')
  }
  const shape = (doc: Doc): string => {
    const text = (id: string): string =>
      doc
        .tree('t')
        .children(id)
        .map((id) => `${String(doc.tree('t').get(id))}(${text(id)})`)
        .join('')
    return text('')
  }
  const node = (doc: Doc, value: string): string => {
    const find = (id: string): string[] =>
      doc
        .tree('t')
        .children(id)
        .flatMap((id) => (doc.tree('t').get(id) === value ? [id] : find(id)))
    return find('')[0] as string
  }

  test('keeps nodes in the order of their places', () => {
    const doc = new Doc({ replica: 1 })
    grow(doc)
    expect(shape(doc)).toBe('a(a1())b()')
    doc.tree('t').create('', 1, 'between')
    doc.tree('t').move(node(doc, 'a1'), '', 0)
    expect(shape(doc)).toBe('a1()a()between()b()')
  })

  test('carries out only one of two moves that would make a cycle', () => {
    const doc = concurrently(
      grow,
      (doc) => doc.tree('t').move(node(doc, 'a'), node(doc, 'b')),
      (doc) => doc.tree('t').move(node(doc, 'b'), node(doc, 'a')),
    )
    expect(shape(doc)).toBe('b(a(a1()))')
  })

  test('takes one of two concurrent moves of a node, never both', () => {
    const doc = concurrently(
      grow,
      (doc) => doc.tree('t').move(node(doc, 'a1'), ''),
      (doc) => doc.tree('t').move(node(doc, 'a1'), node(doc, 'b')),
    )
    expect(shape(doc)).toBe('a()b(a1())')
  })

  test('refuses a move below itself, and nodes that are not there', () => {
    const doc = new Doc({ replica: 1 })
    grow(doc)
    expect(() => doc.tree('t').move(node(doc, 'a'), node(doc, 'a1'))).toThrow('or below it')
    const b = node(doc, 'b')
    doc.tree('t').delete(b)
    expect(() => doc.tree('t').set(b, 1)).toThrow('no node')
    expect(shape(doc)).toBe('a(a1())')
  })

  test('puts a node between two that came to one place concurrently', () => {
    const doc = concurrently(
      grow,
      (doc) => doc.tree('t').create('', 1, 'x'),
      (doc) => doc.tree('t').create('', 1, 'y'),
    )
    expect(shape(doc)).toBe('a(a1())x()y()b()')
    doc.tree('t').create('', 2, 'z')
    expect(shape(doc)).toBe('a(a1())x()z()y()b()')
  })
})

describe('values', () => {
  test('with fractions are refused, at any depth', () => {
    const map = new Doc({ replica: 1 }).map('m')
    for (const value of [1.5, [0.1], { a: { b: Number.NaN } }, 2 ** 53]) {
      expect(() => map.set('k', value)).toThrow('no safe integer')
    }
    expect(() => map.set('k', 'half \ud800')).toThrow('lone surrogate')
    expect(map.size).toBe(0)
  })

  test('are the document’s own: changing the given object later changes nothing', () => {
    const doc = new Doc({ replica: 1 })
    const given = { list: [1] }
    doc.map('m').set('k', given)
    given.list.push(2)
    expect(doc.map('m').get('k')).toEqual({ list: [1] })
  })
})
