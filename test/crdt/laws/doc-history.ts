/** Random histories of documents: replicas edit, commit bundles, and give each other what they lack, in order or out of it. */
import fc from 'fast-check'
import { Doc } from '../../../crdt/index.ts'
import type { DocOptions, Version } from '../../../crdt/index.ts'
import { seen } from './doc-kinds.ts'
import type { DocKind } from './doc-kinds.ts'
import { diceOf } from './history.ts'

/** One step. */
export interface DocMove {
  readonly replica: number
  readonly what: 'edit' | 'pull' | 'gossip' | 'fence'
  readonly seed: number
}

/** Replicas have the ids 1 to 3. */
export const writers = 3

const common: readonly DocMove['what'][] = ['edit', 'edit', 'edit', 'edit', 'edit', 'edit', 'pull', 'pull', 'gossip']

/** Histories; `lengthMax` steps at most. One step in twenty fences. */
export function docMoves(lengthMax = 20): fc.Arbitrary<DocMove[]> {
  const what = fc.constantFrom<DocMove['what'][]>(...common, ...common, 'fence')
  const move = fc.record({ replica: fc.nat(writers - 1), what, seed: fc.nat(0x7fff_ffff) })
  return fc.array(move, { minLength: 9, maxLength: lengthMax, size: 'max' })
}

/** A bundle as it travels. */
export interface Sent {
  readonly writer: number
  readonly bytes: Uint8Array
  /** What the writer had before. */
  readonly before: Version
  /** What the writer had with it. */
  readonly after: Version
  /** What the writer saw then. */
  readonly seen: unknown
}

/** What came of a history. */
export interface DocHistory {
  readonly docs: readonly Doc[]
  readonly bundles: readonly Sent[]
}

/** Sees the documents before the first step, and the one that acted after each. */
export interface DocWatch {
  readonly opened: (docs: readonly Doc[]) => void
  readonly stepped: (doc: Doc) => void
}

/** The options of a writer; its wall clock jumps about with the dice. */
export function writerOptions(writer: number, wallMs: () => number): DocOptions {
  return { replica: writer + 1, wallMs }
}

/** Plays the steps. */
export function playDocs(kind: DocKind, moves: readonly DocMove[], watch?: DocWatch): DocHistory {
  let wall = 0
  const docs = Array.from({ length: writers }, (_none, at) => new Doc(writerOptions(at, () => wall)))
  const bundles: Sent[] = []
  watch?.opened(docs)
  for (const { replica, what, seed } of moves) {
    const doc = docs[replica] as Doc
    const dice = diceOf(seed)
    wall = 1000 + dice(50)
    if (what === 'pull') doc.merge(docs[(replica + 1 + dice(writers - 1)) % writers] as Doc)
    else if (what === 'gossip') {
      const sent = bundles[dice(Math.max(1, bundles.length))]
      if (sent !== undefined) doc.apply(sent.bytes)
    } else {
      const before = doc.version()
      if (what === 'fence') doc.fence(kind.root, 'it')
      for (let edits = what === 'fence' ? dice(2) : 1 + dice(3); edits > 0; edits--) kind.edit(doc, dice)
      const bytes = doc.commit()
      if (bytes !== undefined)
        bundles.push({ writer: replica, bytes, before, after: doc.version(), seen: seen(kind, doc) })
    }
    watch?.stepped(doc)
  }
  return { docs, bundles }
}

/** A new document with everything in it. */
export function mergeOf(docs: readonly Doc[], replica = 99): Doc {
  const all = new Doc({ replica })
  for (const doc of docs) all.merge(doc)
  return all
}

/** Pairs of bundles of which neither writer had the other's. */
export function concurrentBundles(bundles: readonly Sent[]): number {
  let pairs = 0
  bundles.forEach((a, at) => {
    for (const b of bundles.slice(at + 1)) if (a.writer !== b.writer && !has(b.before, a) && !has(a.before, b)) pairs++
  })
  return pairs
}

function has(version: Version, { writer, after }: Sent): boolean {
  return (version.get(writer + 1) ?? 0) >= (after.get(writer + 1) ?? 0)
}
