/** Everything at once: all kinds of value, in maps and out, epochs, undo and compaction, on three replicas that meet at times. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Doc } from '../../crdt/index.ts'
import type { Places, UndoStack } from '../../crdt/index.ts'

interface Writer {
  readonly doc: Doc
  readonly stack: UndoStack
}

const name = (n: number): string => `n${n % 2}`

const actions: readonly ((at: Places, n: number, doc: Doc) => void)[] = [
  (at, n) => at.map(name(n)).set(`k${n % 3}`, n),
  (at, n) => at.map(name(n)).delete(`k${n % 3}`),
  (at, n) => at.map(name(n)).map('deep').set('k', n),
  (at, n) => at.map(name(n)).clear(),
  (at, n) => at.map(name(n)).remove('counter', name(n)),
  (at, n) => at.counter(name(n)).add((n % 7) - 3),
  (at, n) => (n % 4 === 0 ? at.counter(name(n)).reset() : at.counter(name(n)).add(1)),
  (at, n) => at.register(name(n)).set(n),
  (at, n) => at.multiValue(name(n)).set(n),
  (at, n) => (n % 2 === 0 ? at.enableWinsFlag('f').enable() : at.enableWinsFlag('f').disable()),
  (at, n) => (n % 2 === 0 ? at.disableWinsFlag('f').enable() : at.disableWinsFlag('f').disable()),
  (at, n) => (n % 2 === 0 ? at.addWinsSet('s').add(n % 5) : at.addWinsSet('s').remove(n % 5)),
  (at, n) => (n % 2 === 0 ? at.removeWinsSet('s').add(n % 5) : at.removeWinsSet('s').remove(n % 5)),
  (at, n) => at.text('t').insert(n % (at.text('t').length + 1), String.fromCharCode(97 + (n % 26)).repeat(1 + (n % 3))),
  (at, n) => {
    const { length } = at.text('t')
    const from = n % (length + 1)
    at.text('t').delete(from, Math.min(n % 4, length - from))
  },
  (at, n) => {
    if (at.text('t').length > 1)
      at.text('t').mark(0, 1 + (n % (at.text('t').length - 1)), 'bold', n % 2 === 0 ? true : null)
  },
  (at, n) => at.list('l').insert(n % (at.list('l').length + 1), [n]),
  (at, n) => at.movableList('o').insert(n % (at.movableList('o').length + 1), [n]),
  (at, n) => {
    const { length } = at.movableList('o')
    if (length > 0) at.movableList('o').move(n % length, (n >> 3) % length)
  },
  (at, n) => {
    const { length } = at.movableList('o')
    if (length > 0 && n % 3 === 0) at.movableList('o').delete(n % length)
    else if (length > 0) at.movableList('o').set(n % length, n)
  },
  (at, n) => {
    const tree = at.tree('tree')
    const nodes = ['', ...tree.nodes().flatMap(({ id, children }) => [id, ...children.map(({ id }) => id)])]
    tree.create(nodes[n % nodes.length], n % 2, n)
  },
  (at, n) => {
    const tree = at.tree('tree')
    const tops = tree.children()
    const [node, to] = [tops[n % tops.length], tops[(n >> 4) % tops.length]]
    if (node !== undefined && to !== undefined && node !== to) tree.move(node, to)
    else if (node !== undefined && n % 3 === 0) tree.delete(node)
  },
  (_, n, doc) => {
    if (n % 5 === 0)
      doc.fence((['map', 'text', 'counter', 'movableList', 'tree'] as const)[n % 3] ?? 'map', n % 3 === 1 ? 't' : 'n0')
  },
]

const step = fc.record({
  who: fc.nat(2),
  what: fc.nat(actions.length + 4),
  n: fc.nat(1000),
  nested: fc.boolean(),
  with: fc.nat(2),
})

function play(steps: readonly { who: number; what: number; n: number; nested: boolean; with: number }[]): Writer[] {
  const writers = [1, 2, 3].map((replica): Writer => {
    const doc = new Doc({ replica, wallMs: () => replica * 100 })
    return { doc, stack: doc.undoStack() }
  })
  for (const { who, what, n, nested, with: other } of steps) {
    const { doc, stack } = writers[who] as Writer
    const act = actions[what]
    if (act !== undefined) act(nested ? doc.map('outer') : doc, n, doc)
    else if (what === actions.length) stack.undo()
    else if (what === actions.length + 1) stack.redo()
    else if (what === actions.length + 2) doc.commit()
    else doc.merge((writers[other] as Writer).doc)
  }
  return writers
}

describe('documents with everything in them', () => {
  test('come to the same values and bytes, whatever was done to them where', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
        const docs = play(steps).map(({ doc }) => doc)
        const all = new Doc({ replica: 9 })
        for (const doc of docs) all.merge(doc)
        for (const doc of docs) {
          const before = doc.value()
          const version = doc.version()
          doc.merge(all)
          expect(doc.value()).toEqual(all.value())
          expect(doc.encode()).toEqual(all.encode())
          if (doc.version().size > 0 && ![...steps].some(({ what }) => what === actions.length - 1)) {
            expect(doc.at(version).value()).toEqual(before)
          }
        }
        expect(Doc.decode(all.encode(), { replica: 8 }).value()).toEqual(all.value())
      }),
      { numRuns: 60 },
    )
  })

  test('go on alike after one of them has forgotten what all have', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 5, maxLength: 30 }),
        fc.array(fc.tuple(fc.nat(actions.length - 1), fc.nat(1000), fc.nat(1)), { maxLength: 20 }),
        (steps, later) => {
          const docs = play(steps).map(({ doc }) => doc)
          const [keeps, forgets] = docs as [Doc, Doc]
          keeps.merge(docs[2] as Doc)
          keeps.merge(forgets)
          forgets.merge(keeps)
          const shown = forgets.value()
          forgets.compact(forgets.version())
          expect(forgets.value()).toEqual(shown)
          const pair = [keeps, Doc.decode(forgets.encode(), { replica: 2 })] as const
          for (const [what, n, who] of later) {
            const doc = pair[who] as Doc
            actions[what]?.(doc, n, doc)
          }
          pair[0].merge(pair[1])
          pair[1].merge(pair[0])
          expect(pair[1].value()).toEqual(pair[0].value())
        },
      ),
      { numRuns: 60 },
    )
  })
})
