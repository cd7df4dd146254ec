import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Doc } from '../../crdt/index.ts'

describe('undo', () => {
  test('takes back one bundle at a time, and redo does it again', () => {
    const doc = new Doc({ replica: 1 })
    const stack = doc.undoStack()
    const seen: unknown[] = [doc.value()]
    const steps: ((doc: Doc) => void)[] = [
      (doc) => doc.map('m').set('k', 1),
      (doc) => {
        doc.map('m').set('k', 2)
        doc.map('m').map('in').text('t').insert(0, 'nested')
      },
      (doc) => doc.counter('c').add(5),
      (doc) => doc.counter('c').reset(),
      (doc) => doc.addWinsSet('s').add('x'),
      (doc) => doc.addWinsSet('s').clear(),
      (doc) => doc.enableWinsFlag('f').enable(),
      (doc) => doc.register('r').set('a'),
      (doc) => doc.multiValue('v').set('a'),
      (doc) => doc.text('t').insert(0, 'hello world'),
      (doc) => doc.text('t').delete(2, 6),
      (doc) => doc.list('l').push(1, 2, 3),
      (doc) => doc.list('l').delete(1, 1),
      (doc) => doc.map('m').clear(),
    ]
    for (const step of steps) {
      step(doc)
      doc.commit()
      seen.push(doc.value())
    }
    // A counter that was only reset shows 0 rather than nothing, once it was added to again.
    const shown = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value, (k, v) => (k === 'c' && v === 0 ? undefined : v)))
    for (let i = steps.length - 1; i >= 0; i--) {
      expect(stack.undo()).toBe(true)
      expect(shown(doc.value()), `undo of step ${i}`).toEqual(shown(seen[i]))
    }
    expect([stack.undo(), stack.canUndo, stack.canRedo]).toEqual([false, false, true])
    for (let i = 1; i <= steps.length; i++) {
      expect(stack.redo()).toBe(true)
      expect(shown(doc.value()), `redo of step ${i}`).toEqual(shown(seen[i]))
    }
    expect(stack.redo()).toBe(false)
    const copy = new Doc({ replica: 2 })
    copy.merge(doc)
    expect(copy.value()).toEqual(doc.value())
  })

  test('leaves alone what others have done since', () => {
    const a = new Doc({ replica: 1 })
    const stack = a.undoStack()
    a.map('m').set('k', 'mine')
    a.map('m').set('only', 'mine')
    a.counter('c').add(10)
    a.text('t').insert(0, 'mine')
    const b = new Doc({ replica: 2 })
    b.merge(a)
    b.map('m').set('k', 'theirs')
    b.counter('c').add(1)
    b.text('t').insert(2, ' THEIRS ')
    a.merge(b)
    stack.undo()
    expect(a.value()).toEqual({ c: 1, m: { k: 'theirs' }, t: ' THEIRS ' })
    stack.redo()
    expect(a.value()).toMatchObject({ c: 11, m: { only: 'mine' } })
    expect(a.text('t').toString()).toContain(' THEIRS ')
  })

  test('finds text again that was deleted and put back', () => {
    const doc = new Doc({ replica: 1 })
    const stack = doc.undoStack()
    doc.text('t').insert(0, 'abcdef')
    doc.commit()
    doc.text('t').delete(1, 3)
    doc.commit()
    stack.undo()
    expect(doc.text('t').toString()).toBe('abcdef')
    stack.undo()
    expect(doc.text('t').toString()).toBe('')
  })

  test('moves tree nodes back, and takes created ones out', () => {
    const doc = new Doc({ replica: 1 })
    const stack = doc.undoStack()
    const a = doc.tree('t').create('', 0, 'a')
    doc.commit()
    const b = doc.tree('t').create(a, 0, 'b')
    doc.commit()
    doc.tree('t').move(b, '', 0)
    doc.commit()
    doc.tree('t').delete(a)
    doc.commit()
    doc.tree('t').set(b, 'new')
    doc.commit()
    stack.undo()
    expect([doc.tree('t').get(b), doc.tree('t').has(a)]).toEqual(['b', false])
    stack.undo()
    expect(doc.tree('t').children()).toEqual([b, a])
    stack.undo()
    expect(doc.tree('t').children(a)).toEqual([b])
    stack.undo()
    expect(doc.tree('t').has(b)).toBe(false)
    stack.redo()
    stack.redo()
    expect(doc.tree('t').children()).toEqual([b, a])
  })

  test('forgets what could be redone when something new is done, and the oldest steps beyond the limit', () => {
    const doc = new Doc({ replica: 1 })
    const stack = doc.undoStack(2)
    for (let i = 0; i < 5; i++) {
      doc.map('m').set('k', i)
      doc.commit()
    }
    stack.undo()
    doc.map('m').set('other', 1)
    expect(stack.canRedo).toBe(false)
    doc.commit()
    expect(stack.redo()).toBe(false)
    expect([stack.undo(), stack.undo(), stack.undo()]).toEqual([true, true, false])
    stack.close()
    doc.map('m').set('k', 9)
    doc.commit()
    expect(stack.canUndo).toBe(false)
  })

  test('is told as a change of its own, and merges like any other', () => {
    const doc = new Doc({ replica: 1 })
    const stack = doc.undoStack()
    const origins: string[] = []
    doc.on(({ origin }) => origins.push(origin))
    doc.text('t').insert(0, 'x')
    doc.commit()
    stack.undo()
    expect(origins).toEqual(['local', 'undo'])
  })

  test('of all text edits of one writer restores the text, whatever they were', () => {
    const edit = fc.tuple(fc.nat(), fc.nat(8), fc.string({ minLength: 1, maxLength: 6 }), fc.boolean())
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 25 }), (edits) => {
        const doc = new Doc({ replica: 1 })
        const text = doc.text('t')
        const stack = doc.undoStack()
        const seen = ['']
        for (const [at, count, inserted, deletes] of edits) {
          const position = at % (text.length + 1)
          if (deletes) text.delete(position, Math.min(count, text.length - position))
          else text.insert(position, inserted)
          if (doc.commit() !== undefined) seen.push(text.toString())
        }
        for (let i = seen.length - 2; i >= 0; i--) {
          stack.undo()
          expect(text.toString()).toBe(seen[i])
        }
        for (let i = 1; i < seen.length; i++) {
          stack.redo()
          expect(text.toString()).toBe(seen[i])
        }
      }),
      { numRuns: 60 },
    )
  })
})
