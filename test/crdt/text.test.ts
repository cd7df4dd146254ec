import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CausalGraph } from '../../crdt/graph/graph.ts'
import type { SequencePatch } from '../../crdt/text/sequence.ts'
import { TextSequence } from '../../crdt/text/text.ts'
import { opKind } from '../../crdt/text/op-log.ts'
import { editHistories, otherOrder, replay, writtenHistory } from './edits.ts'

function local(): { graph: CausalGraph; text: TextSequence } {
  const graph = new CausalGraph()
  return { graph, text: new TextSequence(graph) }
}

const numbers = fc.array(fc.nat({ max: 1000 }), { minLength: 20, maxLength: 20 })

function patched(before: string, patches: readonly SequencePatch<string>[]): string {
  let out = before
  for (const { position, removed, inserted } of patches) {
    out = out.slice(0, position) + inserted + out.slice(position + removed)
  }
  return out
}

describe('a text that one replica edits', () => {
  test('reads as a string that is spliced alike', () => {
    const edit = fc.tuple(fc.nat(), fc.nat({ max: 30 }), fc.string({ maxLength: 40, unit: 'binary' }), fc.boolean())
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 60 }), (edits) => {
        const { graph, text } = local()
        let expected = ''
        for (const [at, count, inserted, look] of edits) {
          const position = at % (expected.length + 1)
          const removed = Math.min(count, expected.length - position)
          if (removed > 0) text.delete(position, removed, graph.append(1, removed))
          if (inserted !== '') text.insert(position, inserted, graph.append(1, inserted.length))
          expected = expected.slice(0, position) + inserted + expected.slice(position + removed)
          if (look) expect(text.toString()).toBe(expected)
        }
        expect(text.length).toBe(expected.length)
        expect(text.toString()).toBe(expected)
        expect(text.at(graph.frontier)).toBe(expected)
      }),
      { numRuns: 25 },
    )
  })

  test('stays right when it becomes long, with pieces inserted and removed anywhere', () => {
    const { graph, text } = local()
    let expected = ''
    let seed = 7
    const next = (below: number): number => (seed = (seed * 48_271) % 0x7fff_ffff) % below
    for (let i = 0; i < 3000; i++) {
      const position = next(expected.length + 1)
      if (next(3) > 0 || expected.length < 100) {
        const piece = String.fromCharCode(97 + next(26)).repeat(1 + next(i % 100 === 0 ? 5000 : 60))
        text.insert(position, piece, graph.append(1, piece.length))
        expected = expected.slice(0, position) + piece + expected.slice(position)
      } else {
        const removed = Math.min(1 + next(i % 50 === 0 ? 4000 : 80), expected.length - position)
        if (removed === 0) continue
        text.delete(position, removed, graph.append(1, removed))
        expected = expected.slice(0, position) + expected.slice(position + removed)
      }
      if (i % 100 === 0) expect(text.slice(position >> 1, position)).toBe(expected.slice(position >> 1, position))
    }
    expect(text.toString()).toBe(expected)
    expect(text.at(graph.frontier)).toBe(expected)
  })

  test('keeps a stretch of typing, and one of deleting either way, as one run', () => {
    const { graph, text } = local()
    for (let i = 0; i < 10; i++) text.insert(i, 'x', graph.append(1, 1))
    for (let i = 9; i >= 5; i--) text.delete(i, 1, graph.append(1, 1))
    expect(text.log.runs).toBe(2)
    text.delete(0, 2, graph.append(1, 2))
    text.delete(0, 1, graph.append(1, 1))
    expect(text.log.runs).toBe(3)
    expect(text.toString()).toBe('xx')
  })

  test('refuses positions beyond the end', () => {
    const { graph, text } = local()
    text.insert(0, 'abc', graph.append(1, 3))
    expect(() => text.insert(4, 'd', 3)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
    expect(() => text.delete(1, 3, 3)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
    expect(() => text.delete(-1, 1, 3)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
    expect(() => text.delete(0.5, 1, 3)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
  })
})

describe('a text that several replicas edit', () => {
  test('is what the FugueMax tree says, merged in one go or span by span', () => {
    fc.assert(
      fc.property(editHistories({ maxLength: 16 }), (history) => {
        const whole = local()
        replay(history, whole.text, whole.graph)
        whole.text.integrate(whole.graph.length)
        const byOne = local()
        replay(history, byOne.text, byOne.graph, undefined, () => byOne.text.integrate(byOne.graph.length))
        expect(whole.text.toString()).toBe(history.oracle.at(whole.graph.frontier).join(''))
        expect(byOne.text.toString()).toBe(whole.text.toString())
        expect(byOne.text.length).toBe(whole.text.toString().length)
      }),
      { numRuns: 120 },
    )
  })

  test('is the same in whatever order and in whatever batches the spans arrive', () => {
    fc.assert(
      fc.property(editHistories({ maxLength: 20 }), numbers, numbers, (history, order, batches) => {
        const one = local()
        replay(history, one.text, one.graph)
        one.text.integrate(one.graph.length)
        const two = local()
        let count = 0
        let shown = ''
        const bring = (): void => {
          const patches: SequencePatch<string>[] = []
          two.text.integrate(two.graph.length, patches)
          shown = patched(shown, patches)
        }
        replay(history, two.text, two.graph, otherOrder(history, order), () => {
          if ((batches[count++ % batches.length] as number) % 3 === 0) bring()
        })
        bring()
        expect(two.text.toString()).toBe(one.text.toString())
        expect(shown).toBe(one.text.toString())
      }),
      { numRuns: 120 },
    )
  })

  test('can be read at every version it ever had, and edited on', () => {
    fc.assert(
      fc.property(editHistories({ maxLength: 12 }), (history) => {
        const { graph, text } = local()
        let spans = 0
        replay(history, text, graph, undefined, () => {
          text.integrate(graph.length)
          const version = history.versions[(spans++ * 7) % history.versions.length] as number[]
          if (version.every((lv) => lv < graph.length))
            expect(text.at(version)).toBe(history.oracle.at(version).join(''))
        })
        for (const version of history.versions) expect(text.at(version)).toBe(history.oracle.at(version).join(''))
        const before = text.toString()
        text.insert(before.length, '!', graph.append(9, 1))
        expect(text.toString()).toBe(`${before}!`)
        expect(text.at(graph.frontier)).toBe(`${before}!`)
      }),
    )
  })

  test.each([
    ['behind', opKind.delete, 0],
    ['before', opKind.deleteBack, 1],
  ])('takes a deletion of nothing right %s one of the first unit for what it is', (_, kind, position) => {
    const insert = (at: number, text: string) => ({ kind: opKind.insert, position: at, text, count: text.length })
    const history = writtenHistory([
      { rid: 0, parents: [], runs: [insert(0, 'd')] },
      { rid: 0, parents: [0], runs: [{ kind, position, text: '', count: 2 }, insert(0, 'R')] },
      // Both were made where the first unit was still there.
      { rid: 1, parents: [0], runs: [insert(1, 'y'), insert(0, 'x')] },
      { rid: 2, parents: [0], runs: [insert(1, 'z')] },
      // It knows nothing of the others, so the first unit is merged like the rest.
      { rid: 3, parents: [], runs: [insert(0, 'k')] },
    ])
    for (const order of [
      [0, 1, 2, 3, 4],
      [0, 2, 3, 1, 4],
      [0, 4, 3, 1, 2],
      [0, 1, 4, 2, 3],
      [0, 2, 4, 1, 3],
    ]) {
      const { graph, text } = local()
      replay(history, text, graph, order)
      text.integrate(graph.length)
      expect(text.toString()).toBe(history.oracle.at([3, 5, 6, 7]).join(''))
    }
  })

  test('goes on alike everywhere when an author names positions that do not exist', () => {
    fc.assert(
      fc.property(editHistories({ maxLength: 14, beyond: true }), numbers, (history, order) => {
        const one = local()
        replay(history, one.text, one.graph)
        one.text.integrate(one.graph.length)
        expect(one.text.toString()).toBe(history.oracle.at(one.graph.frontier).join(''))
        const two = local()
        replay(history, two.text, two.graph, otherOrder(history, order), () => two.text.integrate(two.graph.length))
        expect(two.text.toString()).toBe(one.text.toString())
      }),
      { numRuns: 100 },
    )
  })
})

describe('concurrent typing', () => {
  /** Two replicas edit `before` at the same position, unknown to each other; `backwards` types each unit before the last. */
  function together(before: string, position: number, texts: readonly string[], backwards: boolean): string {
    const { graph, text } = local()
    if (before !== '') text.insert(0, before, graph.append(0, before.length))
    const base = [...graph.frontier]
    for (const [i, typed] of texts.entries()) {
      let parents = base
      const units = backwards ? typed.split('').reverse() : typed.split('')
      for (const [k, unit] of units.entries()) {
        const lv = graph.add(i + 1, k, 1, parents)
        text.receiveInsert(position + (backwards ? 0 : k), unit, lv)
        parents = [lv]
      }
    }
    text.integrate(graph.length)
    return text.toString()
  }

  test('does not interleave, forwards or backwards', () => {
    expect(together('', 0, ['hello', 'world'], false)).toBe('helloworld')
    expect(together('', 0, ['hello', 'world'], true)).toBe('helloworld')
    expect(together('<>', 1, ['hello', 'world', '!!'], false)).toBe('<helloworld!!>')
    expect(together('<>', 1, ['hello', 'world', '!!'], true)).toBe('<helloworld!!>')
  })

  test('a deletion deletes what its author saw and nothing else', () => {
    const { graph, text } = local()
    text.insert(0, 'abcdef', graph.append(0, 6))
    const deletion = graph.add(1, 0, 4, [5])
    const insertion = graph.add(2, 0, 2, [5])
    text.receiveDelete(1, 1, 4, deletion)
    text.receiveInsert(3, 'XY', insertion)
    text.integrate(graph.length)
    expect(text.toString()).toBe('aXYf')
  })
})
