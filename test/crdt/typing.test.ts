import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteReader } from '../../base/index.ts'
import { decoding } from '../../crdt/codec/errors.ts'
import { readUpdate } from '../../crdt/codec/update.ts'
import { Doc } from '../../crdt/doc/doc.ts'
import { updateSince } from '../../crdt/doc/encode.ts'
import { integrate, missingFor, prepare, receive } from '../../crdt/doc/receive.ts'
import type { SequenceContent } from '../../crdt/doc/sequence.ts'
import { DocState, shapesOf } from '../../crdt/doc/state.ts'
import type { Place } from '../../crdt/doc/state.ts'
import { TypingReader } from '../../crdt/doc/typing.ts'

/** A receiver with both readers. */
class Receiver {
  readonly state = new DocState()
  readonly typing = new TypingReader()

  /** Takes an update in with the general reader; false when something is missing. */
  general(bytes: Uint8Array): boolean {
    const { state } = this
    const prepared = decoding(() => prepare(state, readUpdate(new ByteReader(bytes), shapesOf)))
    if (missingFor(state, prepared.update) !== undefined) return false
    const touched = new Map<Place, SequenceContent>()
    receive(state, prepared, undefined, touched)
    integrate(state, touched, undefined)
    this.typing.remember(prepared.places, prepared.update)
    return true
  }

  /** Takes an update in with the quick reader, if it is one for it. */
  quick(bytes: Uint8Array): boolean {
    const touched = new Map<Place, SequenceContent>()
    const taken = this.typing.take(this.state, bytes, undefined, touched)
    integrate(this.state, touched, undefined)
    return taken
  }

  get bytes(): Uint8Array {
    return updateSince(this.state, new Map())
  }

  get text(): unknown {
    return this.state.forest.at([{ tag: 12, name: 't' }]).content.value()
  }
}

interface Step {
  readonly who: number
  readonly at: number
  readonly insert: string
  readonly removed: number
  readonly sees: boolean
}

const step: fc.Arbitrary<Step> = fc.record({
  who: fc.nat(2),
  at: fc.nat(1000),
  insert: fc.constantFrom('', 'a', 'b', 'cd', 'longer than that', 'é', '€'),
  removed: fc.constantFrom(0, 0, 0, 0, 1, 3),
  sees: fc.boolean(),
})

/** Bundles of three writers who sometimes see each other, in an order in which each comes after what it builds on. */
function bundlesOf(steps: readonly Step[]): Uint8Array[] {
  const docs = [1, 2, 300].map((replica) => new Doc({ replica }))
  const bundles: Uint8Array[] = []
  const seen = docs.map(() => 0)
  for (const { who, at, insert, removed, sees } of steps) {
    const doc = docs[who] as Doc
    if (sees) {
      doc.applyAll(bundles.slice(seen[who]))
      seen[who] = bundles.length
    }
    const text = doc.text('t')
    const { length } = text
    const position = length === 0 ? 0 : at % (length + 1)
    const bundle = doc.transact(() => {
      text.delete(position, Math.min(removed, length - position))
      text.insert(position, insert)
    })
    if (bundle !== undefined) bundles.push(bundle)
  }
  return bundles
}

describe('the quick reader of typing', () => {
  it('does what the general one does', () => {
    let taken = 0
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const one = new Receiver()
        const other = new Receiver()
        for (const bundle of bundlesOf(steps)) {
          if (one.quick(bundle)) taken++
          else one.general(bundle)
          other.general(bundle)
        }
        expect(one.text).toEqual(other.text)
        expect(one.bytes).toEqual(other.bytes)
      }),
      { numRuns: 150 },
    )
    expect(taken).toBeGreaterThan(200)
  })

  it('takes nothing that the general one refuses, and nothing twice', () => {
    let taken = 0
    fc.assert(
      fc.property(fc.array(step, { minLength: 3, maxLength: 12 }), fc.nat(), fc.nat(255), (steps, place, byte) => {
        const bundles = bundlesOf(steps)
        const last = bundles.pop()
        if (last === undefined) return
        const one = new Receiver()
        const other = new Receiver()
        for (const bundle of bundles) {
          one.general(bundle)
          other.general(bundle)
          expect(one.quick(bundle)).toBe(false)
        }
        const damaged = last.slice()
        damaged[place % damaged.length] = byte
        if (one.quick(damaged)) {
          taken++
          expect(other.general(damaged)).toBe(true)
        }
        expect(one.text).toEqual(other.text)
        expect(one.bytes).toEqual(other.bytes)
      }),
      { numRuns: 400 },
    )
    expect(taken).toBeGreaterThan(3)
  })

  it('leaves a text of an older epoch alone', () => {
    const writer = new Doc({ replica: 1 })
    const reader = new Doc({ replica: 2 })
    reader.apply(writer.transact((doc) => doc.text('t').insert(0, 'old')) as Uint8Array)
    const late = writer.transact((doc) => doc.text('t').insert(3, 'er')) as Uint8Array
    reader.fence('text', 't')
    expect(reader.apply(late)).toEqual([])
    expect(reader.text('t').toString()).toBe('')
  })
})
