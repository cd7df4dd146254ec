/** Laws of documents, for each kind of value: exchange, storage, history, patches and compaction. */
import fc from 'fast-check'
import type { Value } from '../../../base/index.ts'
import { isNitroError } from '../../../base/index.ts'
import { Doc } from '../../../crdt/index.ts'
import { damage, damaged, isRefusal } from './decoder-laws.ts'
import { cellKinds, plain, seen } from './doc-kinds.ts'
import type { DocKind } from './doc-kinds.ts'
import type { DocHistory, DocMove } from './doc-history.ts'
import { concurrentBundles, docMoves, mergeOf, playDocs, writers } from './doc-history.ts'
import { diceOf } from './history.ts'
import type { Law } from './law.ts'
import { same, sameBytes } from './law.ts'
import { Mirror } from './mirror.ts'

type Check = (history: DocHistory, seed: number, kind: DocKind, moves: readonly DocMove[]) => void

function overDocs(id: string, says: string, kind: DocKind, check: Check): Law {
  return {
    id,
    says,
    type: `document with a ${kind.name}`,
    concurrentPerRun: 1,
    property: (count) =>
      fc.property(docMoves(), fc.nat(0x7fff_ffff), (moves, seed) => {
        const history = playDocs(kind, moves)
        count(concurrentBundles(history.bundles))
        check(history, seed, kind, moves)
      }),
  }
}

const converges: Check = ({ docs }, _seed, kind) => {
  const all = mergeOf(docs)
  for (const doc of docs) {
    doc.merge(all)
    same(seen(kind, doc), seen(kind, all), `the value of replica ${doc.replica}`)
    sameBytes(doc.encode(), all.encode(), `the bytes of replica ${doc.replica}`)
    if (doc.pending > 0) throw new Error('something still waits')
  }
}

const takesBundlesInAnyOrder: Check = ({ docs, bundles }, seed, kind) => {
  const all = mergeOf(docs)
  const dice = diceOf(seed)
  const doc = new Doc({ replica: 98 })
  // Some of it also comes as differences of many spans, before what they build on as often as not.
  const differences = bundles.slice(0, 2).map(({ after }) => all.since(after))
  const order = [...bundles.map(({ bytes }) => bytes), ...bundles.slice(0, 3).map(({ bytes }) => bytes), ...differences]
  for (let at = order.length - 1; at > 0; at--) {
    const other = dice(at + 1)
    ;[order[at], order[other]] = [order[other] as Uint8Array, order[at] as Uint8Array]
  }
  for (const bytes of order) doc.apply(bytes)
  if (doc.pending > 0) throw new Error('something still waits')
  sameBytes(doc.encode(), all.encode(), 'bundles, shuffled, some twice')
  same(seen(kind, doc), seen(kind, all), 'the value')
}

const comesBackFromBytes: Check = ({ docs }, _seed, kind) => {
  for (const doc of docs) {
    const bytes = doc.encode()
    const copy = Doc.decode(bytes, { replica: 97 })
    same(seen(kind, copy), seen(kind, doc), 'the value of a copy')
    sameBytes(copy.encode(), bytes, 'the bytes of a copy')
    for (const other of docs) {
      sameBytes(copy.since(other.version()), doc.since(other.version()), 'what another one lacks')
    }
  }
}

/** What a writer saw when it committed is what its document was at that version, seen from the end. */
const remembers: Check = ({ docs, bundles }, _seed, kind, moves) => {
  const all = mergeOf(docs)
  // Of a sequence only the operations of the last epoch are kept, so what a fence took away can't be seen again.
  if (kind.dropsWhatIsFenced === true && moves.some(({ what }) => what === 'fence')) return
  for (const { after, seen: then } of bundles) {
    const past = all.at(after)
    same(seen(kind, past), then, 'the value at a version')
    const onward = Doc.decode(past.encode(), { replica: 92 })
    onward.apply(all.since(after))
    sameBytes(onward.encode(), all.encode(), 'a stored version and what came after it')
    same(seen(kind, onward), seen(kind, all), 'the value from a stored version on')
  }
}

const forgets: Check = (history, seed, kind) => {
  // All have the same now: from here on everything has this version in its past.
  const all = mergeOf(history.docs)
  const dice = diceOf(seed)
  const stable = all.version()
  // Twins in all, their clocks included.
  const docs = history.docs.map((doc) => doc.fork(doc.replica))
  const kept = history.docs.map((doc) => doc.fork(doc.replica))
  for (const doc of [...docs, ...kept]) doc.merge(all)
  for (let step = 0; step < 10; step++) {
    const at = dice(writers)
    const [doc, twin] = [docs[at], kept[at]] as [Doc, Doc]
    // Sooner or later, with newer events and updates from others in between.
    if (dice(3) === 0) doc.compact(stable)
    if (dice(2) === 0) {
      const from = dice(writers)
      doc.merge(docs[from] as Doc)
      twin.merge(kept[from] as Doc)
    } else {
      const edit = dice(0x7fff_ffff)
      kind.edit(doc, diceOf(edit))
      kind.edit(twin, diceOf(edit))
      doc.commit()
      twin.commit()
    }
    same(seen(kind, doc), seen(kind, twin), `the value after step ${step} with and without compaction`)
  }
  for (const doc of docs) {
    const copy = Doc.decode(doc.encode(), { replica: 96 })
    same(copy.value(), doc.value(), 'the value of a copy after compaction')
    sameBytes(copy.encode(), doc.encode(), 'the bytes of a copy after compaction')
  }
}

/** Whatever version is taken, whatever is still under way: what would go wrong is refused. */
const forgetsOrRefuses: Check = ({ bundles }, seed, kind) => {
  const dice = diceOf(seed)
  const doc = new Doc({ replica: 91 })
  const twin = new Doc({ replica: 91 })
  const order = bundles.map(({ bytes }, i) => ({ bytes, at: i + dice(6) })).sort((a, b) => a.at - b.at)
  for (const { bytes } of order) {
    if (dice(3) === 0) {
      const { after } = bundles[dice(bundles.length)] as (typeof bundles)[number]
      const stable = dice(2) === 0 ? after : doc.version()
      if (!isRefused(() => doc.compact(stable)) && doc.pending === 0) {
        const copy = Doc.decode(doc.encode(), { replica: 90 })
        same(seen(kind, copy), seen(kind, doc), 'the value of a copy after compaction')
      }
    }
    if (!isRefused(() => doc.apply(bytes))) twin.apply(bytes)
    same(seen(kind, doc), seen(kind, twin), 'the value with and without compaction')
  }
}

function isRefused(run: () => void): boolean {
  try {
    run()
  } catch (error) {
    if (isNitroError(error, 'HistoryCompacted') || isNitroError(error, 'InvalidArgument')) return true
    throw error
  }
  return false
}

/** A plain value that only ever gets the patches is the value of the document. */
function patchesTell(kind: DocKind): Law {
  return {
    id: 'C5',
    says: 'patches tell all that changed, and nothing else',
    type: `document with a ${kind.name}`,
    concurrentPerRun: 1,
    property: (count) =>
      fc.property(docMoves(), (moves) => {
        const mirrors = new Map<Doc, Mirror>()
        const history = playDocs(kind, moves, {
          opened: (docs) => {
            for (const doc of docs) mirrors.set(doc, new Mirror(doc))
          },
          stepped: (doc) => same(plain(mirrors.get(doc)?.value() ?? null), plain(doc.value()), 'what the patches tell'),
        })
        count(concurrentBundles(history.bundles))
      }),
  }
}

const refusesDamage: (by: readonly (readonly [number, number, number])[]) => Check = (by) => (history) => {
  const all = mergeOf(history.docs)
  const doc = new Doc({ replica: 95 })
  for (const { bytes } of history.bundles.slice(0, 3)) doc.apply(bytes)
  const before: Value = doc.value()
  for (const bytes of [all.encode(), ...history.bundles.map((sent) => sent.bytes)]) {
    const bad = damaged(bytes, by)
    try {
      const copy = Doc.decode(bad, { replica: 94 })
      sameBytes(copy.encode(), bad, 'what was decoded has other bytes')
    } catch (error) {
      if (!isRefusal(error) && !isDocRefusal(error)) throw error
    }
  }
  for (const { bytes } of history.bundles) {
    const bad = damaged(bytes, by)
    const target = doc.fork(93)
    try {
      target.apply(bad)
    } catch (error) {
      if (!isRefusal(error) && !isDocRefusal(error)) throw error
      same(target.value(), before, 'the value after a refused update')
      sameBytes(target.encode(), doc.encode(), 'the bytes after a refused update')
    }
  }
}

/** Bytes may also name a compression that is not given, or a history that is not here. */
function isDocRefusal(error: unknown): boolean {
  return (
    isNitroError(error, 'HistoryCompacted') ||
    isNitroError(error, 'InvalidArgument') ||
    isNitroError(error, 'Overloaded')
  )
}

function refuses(kind: DocKind): Law {
  return {
    id: 'D1',
    says: 'damaged documents and bundles are refused whole, or are canonical',
    type: `document with a ${kind.name}`,
    concurrentPerRun: 0,
    property: () =>
      fc.property(docMoves(10), damage, (moves, by) => {
        refusesDamage(by)(playDocs(kind, moves), 0, kind, moves)
      }),
  }
}

/** All laws of documents for one kind. */
export function docLawsOf(kind: DocKind): Law[] {
  return [
    overDocs('C1', 'who has the same events has the same value and bytes', kind, converges),
    overDocs('C2', 'bundles in any order, some twice, give the merge', kind, takesBundlesInAnyOrder),
    overDocs('C3', 'encoding and decoding change nothing', kind, comesBackFromBytes),
    overDocs('C4', 'the past can be seen as it was', kind, remembers),
    patchesTell(kind),
    overDocs('G1', 'compaction changes no value, then or later', kind, forgets),
    overDocs('G2', 'compaction at any version changes no value, or is refused', kind, forgetsOrRefuses),
    refuses(kind),
  ]
}

/** For every kind that is no sequence. */
export const docLaws: readonly Law[] = cellKinds.flatMap(docLawsOf)
