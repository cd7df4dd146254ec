import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from '../../base/index.ts'
import { CausalGraph } from '../../crdt/graph/graph.ts'
import { ListSequence } from '../../crdt/list/list.ts'
import { maxForgotten } from '../../crdt/text/erasure.ts'
import { TextSequence } from '../../crdt/text/text.ts'
import { editHistories, replay } from './edits.ts'

function bytesOf(text: TextSequence | ListSequence, graph: CausalGraph): Uint8Array {
  const writer = new ByteWriter()
  text.writeOperations(writer, [0, graph.length])
  return writer.take()
}

/** A fresh replica that reads the bytes of another one. */
function copyOf(bytes: Uint8Array, graph: CausalGraph): TextSequence {
  const other = new CausalGraph()
  const text = new TextSequence(other)
  const reader = new ByteReader(bytes)
  const read = text.readOperations(reader, graph.length, () => undefined)
  reader.finish()
  for (const { rid, seq, length, parents } of graph.spans(0, graph.length)) other.add(rid, seq, length, parents)
  text.receive(read, (event) => event)
  text.integrate(other.length)
  return text
}

describe('forgetting what was deleted', () => {
  test('takes the deleted content out of the bytes, and nothing else', () => {
    const graph = new CausalGraph()
    const text = new TextSequence(graph)
    text.insert(0, 'keep SECRET this', graph.append(1, 16))
    text.delete(4, 7, graph.append(1, 7))
    const anchor = text.anchorAt(5, 'before')
    const before = bytesOf(text, graph)
    text.forget(graph.frontier, maxForgotten)
    const after = bytesOf(text, graph)
    expect(after.length).toBe(before.length - 7 + 2)
    expect(new TextDecoder().decode(after)).not.toContain('SECRET')
    expect(text.toString()).toBe('keep this')
    const copy = copyOf(after, graph)
    expect(copy.toString()).toBe('keep this')
    expect(copy.positionOf(anchor)).toBe(5)
    expect(bytesOf(copy, graph)).toEqual(after)
  })

  test('leaves what only deletions outside the version took out', () => {
    const graph = new CausalGraph()
    const text = new TextSequence(graph)
    text.insert(0, 'abcdef', graph.append(1, 6))
    const version = [...graph.frontier]
    text.delete(0, 3, graph.append(1, 3))
    text.forget(version, maxForgotten)
    expect(text.at(version)).toBe('abcdef')
  })

  test('lets the values of list elements go', () => {
    const graph = new CausalGraph()
    const list = new ListSequence(graph)
    list.insert(0, ['a', { big: 'b'.repeat(50) }, 'c'], graph.append(1, 3))
    list.delete(1, 1, graph.append(1, 1))
    const before = bytesOf(list, graph).length
    list.forget(graph.frontier, maxForgotten)
    expect(bytesOf(list, graph).length).toBeLessThan(before - 50)
    expect(list.slice(0)).toEqual(['a', 'c'])
  })

  test('stops where the document has forgotten as much as it may, and tells how much that was', () => {
    const graph = new CausalGraph()
    const text = new TextSequence(graph)
    text.insert(0, 'abcdefghij', graph.append(1, 10))
    text.delete(1, 2, graph.append(1, 2))
    text.delete(3, 4, graph.append(1, 4))
    const version = [...graph.frontier]
    expect(text.forget(version, 3)).toBe(3)
    expect(text.forgotten).toBe(3)
    expect(new TextDecoder().decode(bytesOf(text, graph))).toContain('ghij')
    expect(copyOf(bytesOf(text, graph), graph).toString()).toBe('adej')
    expect(text.forget(version, 10)).toBe(3)
    expect(text.forgotten).toBe(6)
    expect(text.forget(version, 10)).toBe(0)
    expect(copyOf(bytesOf(text, graph), graph).toString()).toBe('adej')
  })

  test('at any time, of any version, changes no text now or later, and the bytes of all that forget alike are the same', () => {
    fc.assert(
      fc.property(
        editHistories({ maxLength: 16 }),
        fc.array(fc.nat(), { minLength: 16, maxLength: 16 }),
        (history, draws) => {
          const graph = new CausalGraph()
          const text = new TextSequence(graph)
          let turn = 0
          replay(history, text, graph, undefined, () => {
            text.integrate(graph.length)
            const draw = draws[turn++ % draws.length] as number
            const version = history.versions[draw % history.versions.length] as number[]
            if (draw % 3 === 0 && version.every((lv) => lv < graph.length)) text.forget(version, maxForgotten)
          })
          const expected = history.oracle.at(graph.frontier).join('')
          expect(text.toString()).toBe(expected)
          const copy = copyOf(bytesOf(text, graph), graph)
          expect(copy.toString()).toBe(expected)
          expect(bytesOf(copy, graph)).toEqual(bytesOf(text, graph))
          const plain = new CausalGraph()
          const other = new TextSequence(plain)
          replay(history, other, plain)
          other.integrate(plain.length)
          other.forget(plain.frontier, maxForgotten)
          text.forget(graph.frontier, maxForgotten)
          expect(bytesOf(text, graph)).toEqual(bytesOf(other, plain))
        },
      ),
    )
  })
})
