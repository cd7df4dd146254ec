/** Laws of sequences beyond those of every document: order, intent, and what the definition of the order says (T1, T2). */
import fc from 'fast-check'
import { nitrostate } from '../../../bench/crdt/libraries/nitrostate.ts'
import { updatesOf } from '../../../bench/crdt/replay.ts'
import { parseTraces } from '../../../bench/traces/read.ts'
import type { Trace } from '../../../bench/traces/trace.ts'
import { Doc } from '../../../crdt/index.ts'
import { generateDag } from '../traces/generate.ts'
import { docLawsOf } from './doc-laws.ts'
import { mergeOf } from './doc-history.ts'
import { diceOf } from './history.ts'
import type { Law } from './law.ts'
import { same } from './law.ts'
import { sequenceKinds } from './sequence-kinds.ts'

const orderOfDefinition: Law = {
  id: 'T1',
  says: 'merged step by step or at once, it reads as the definition of the order says',
  type: 'text',
  concurrentPerRun: 10,
  property: (count) =>
    fc.property(fc.nat(0x7fff_ffff), (seed) => {
      const dice = diceOf(seed)
      const random = { u32: () => dice(0xffff_ffff), bytes: () => new Uint8Array() }
      const file = generateDag(random, { txns: 14, agents: ['a', 'b', 'c'], branches: 3, alphabet: 'abcdefgh' })
      const [trace] = parseTraces('random', JSON.stringify([file])) as [Trace]
      count(concurrentTransactions(trace))
      const { updates, text } = updatesOf(nitrostate, trace)
      same(text, file.endContent, 'merged step by step')
      const once = nitrostate.create(trace.replicas + 1)
      once.apply(updates)
      same(once.text(), file.endContent, 'merged at once')
      const late = nitrostate.create(trace.replicas + 2)
      for (const update of updates.toReversed()) late.apply([update])
      same(late.text(), file.endContent, 'merged backwards, one by one')
    }),
}

function concurrentTransactions({ txns }: Trace): number {
  const pasts: Set<number>[] = []
  let pairs = 0
  txns.forEach(({ parents }, at) => {
    const past = new Set(parents.flatMap((parent) => [parent, ...(pasts[parent] ?? [])]))
    pasts.push(past)
    pairs += at - past.size
  })
  return pairs
}

/** How somebody writes a run: all at once, character by character, or each before the one before. */
type Manner = 'at once' | 'forwards' | 'backwards'

function write(doc: Doc, position: number, run: string, manner: Manner): void {
  const text = doc.text('it')
  if (manner === 'at once') text.insert(position, run)
  else if (manner === 'forwards') Array.from(run).forEach((letter, at) => text.insert(position + at, letter))
  else for (const letter of Array.from(run).reverse()) text.insert(position, letter)
  doc.commit()
}

const manner = fc.constantFrom<Manner>('at once', 'forwards', 'backwards')
const runOf = (letters: string): fc.Arbitrary<string> =>
  fc.integer({ min: 1, max: 8 }).map((length) => letters.slice(0, length))

const keepsIntent: Law = {
  id: 'T2',
  says: 'runs do not interleave, written forwards or backwards, and a deletion deletes exactly what its author saw',
  type: 'text',
  concurrentPerRun: 3,
  property: (count) =>
    fc.property(
      fc.string({ unit: fc.constantFrom(...Array.from('0123456789')), minLength: 1, maxLength: 10 }),
      fc.nat(10),
      fc.nat(10),
      fc.tuple(runOf('abcdefgh'), manner, runOf('ABCDEFGH'), manner),
      fc.tuple(fc.nat(10), fc.nat(10)),
      (start, oneAt, twoAt, [a, mannerA, b, mannerB], [from, length]) => {
        const origin = new Doc({ replica: 9 })
        origin.text('it').insert(0, start)
        const [one, two, three] = [1, 2, 3].map((replica) => origin.fork(replica)) as [Doc, Doc, Doc]
        write(one, Math.min(oneAt, start.length), a, mannerA)
        // at the same place as often as not
        write(two, Math.min(twoAt % 2 === 0 ? oneAt : twoAt, start.length), b, mannerB)
        const first = Math.min(from, start.length)
        const deleted = Math.min(length, start.length - first)
        three.text('it').delete(first, deleted)
        three.commit()
        count(3)
        const text = mergeOf([one, two, three]).text('it').toString()
        if (!text.includes(a) || !text.includes(b)) throw new Error(`${a} and ${b} are torn apart: ${text}`)
        same(text.replace(a, '').replace(b, ''), start.slice(0, first) + start.slice(first + deleted), 'what was there')
      },
    ),
}

/** For every kind of sequence. */
export const sequenceLaws: readonly Law[] = [...sequenceKinds.flatMap(docLawsOf), orderOfDefinition, keepsIntent]
