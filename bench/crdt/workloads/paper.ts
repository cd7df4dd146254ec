/** The LaTeX source of a paper, typed by one person: 259,778 edits (automerge-perf). */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import type { Library, Replica } from '../library.ts'
import type { Patch, Trace } from '../../traces/trace.ts'
import { check, collectGarbage, manyTransactions, timedMs, timedRuns, withReplica } from '../workload.ts'
import type { Figure, Inputs, Workload } from '../workload.ts'

const traceName = 'automerge-paper'
const stored = 'paper.bin'
const documents = 10

function patchesIn(trace: Trace): Patch[] {
  return trace.txns.flatMap(({ patches }) => patches)
}

function applyPatch(replica: Replica, [position, deleted, inserted]: Patch): void {
  if (deleted > 0) replica.deleteText(position, deleted)
  if (inserted.length > 0) replica.insertText(position, inserted)
}

function replayInOneGo(replica: Replica, patches: readonly Patch[]): void {
  replica.transact(() => {
    for (const patch of patches) applyPatch(replica, patch)
  })
}

/** All edits in one transaction. */
export const paperInOneGo: Workload = {
  name: 'paper-in-one-go',
  runs: 3,
  run(library, { trace }) {
    const paper = trace(traceName)
    if (paper === undefined) return undefined
    const patches = patchesIn(paper)
    return withReplica(library.create(1), (replica) => {
      // Reading belongs to it: a library may put off the work until then.
      const ms = timedMs(() => {
        replayInOneGo(replica, patches)
        replica.text()
      })
      check(replica.text() === paper.endContent, 'the paper after a replay in one go')
      return [{ name: 'paper/replay in one go', value: ms, unit: 'ms' }]
    })
  },
}

/** Each edit a transaction of its own, with the update others would need. */
export const paperPerEdit: Workload = {
  name: 'paper-per-edit',
  runs: 3,
  run(library, { trace }) {
    const paper = trace(traceName)
    if (paper === undefined) return undefined
    const patches = patchesIn(paper)
    return withReplica(library.create(1), (replica) => {
      const { ms, bytes, scaled } = manyTransactions(library, replica, patches.length, (at) =>
        applyPatch(replica, patches[at] as Patch),
      )
      if (!scaled) check(replica.text() === paper.endContent, 'the paper after a replay by edits')
      return [
        { name: 'paper/replay per edit, with updates', value: ms, unit: 'ms', scaled },
        { name: 'paper/bytes of all updates', value: bytes, unit: 'bytes', scaled },
      ]
    })
  },
}

/** Storing the finished document, and loading it. A library with several formats has its best in each row. */
export const paperStored: Workload = {
  name: 'paper-stored',
  runs: 3,
  run(library, inputs) {
    const paper = inputs.trace(traceName)
    if (paper === undefined) return undefined
    return withReplica(library.create(1), (replica) => {
      replayInOneGo(replica, patchesIn(paper))
      return storeAndLoad('paper', library, replica, inputs, (loaded) => {
        check(loaded.text() === paper.endContent, 'the paper after loading')
      })
    })
  },
}

/** Figures of a document in all formats of its library. */
function storeAndLoad(
  group: string,
  library: Library,
  replica: Replica,
  inputs: Inputs,
  verify: (loaded: Replica) => void,
): Figure[] {
  const rows = library.formats.map((format) => {
    let bytes = new Uint8Array()
    const encodeMs = timedMs(() => {
      bytes = new Uint8Array(format.encode(replica))
    })
    // Reading the content once is part of loading: some libraries decode only then.
    const load = timedRuns(() => {
      const loaded = format.load(bytes)
      loaded.text()
      loaded.free()
    })
    withReplica(format.load(bytes), verify)
    const raw = format.rawSize?.(bytes) ?? bytes.length
    return { bytes, encodeMs, load, raw, deflated: Math.min(bytes.length, deflateRawSync(bytes).length) }
  })
  const best = (pick: (row: (typeof rows)[number]) => number): number => Math.min(...rows.map(pick))
  writeFileSync(join(inputs.scratch, stored), rows[0]?.bytes ?? new Uint8Array())
  return [
    { name: `${group}/stored, raw`, value: best(({ raw }) => raw), unit: 'bytes' },
    { name: `${group}/stored, deflated`, value: best(({ deflated }) => deflated), unit: 'bytes' },
    { name: `${group}/encode`, value: best(({ encodeMs }) => encodeMs), unit: 'ms' },
    { name: `${group}/load and read`, value: best(({ load }) => load.medianMs), unit: 'ms' },
    { name: `${group}/first load of a process`, value: best(({ load }) => load.firstMs), unit: 'ms' },
  ]
}

/**
 * What a loaded document holds, in a process that has done nothing else. Resident memory is that of ten documents: with one it is mostly
 * what the engine took to compile the code, and the length of the path of the script alone made it 4 or 8 MB.
 */
export const paperMemory: Workload = {
  name: 'paper-memory',
  runs: 1,
  run(library, { scratch }) {
    // The trace itself stays unread: parsing it would leave more memory behind than any document needs.
    const path = join(scratch, stored)
    if (!existsSync(path)) return undefined
    const bytes = new Uint8Array(readFileSync(path))
    const format = library.formats[0]
    if (format === undefined) return undefined
    // The first document of a process pays for code, tables and WebAssembly memory.
    library.create(1).free()
    const before = memory()
    const loaded = [format.load(bytes)]
    const one = memory()
    while (loaded.length < documents) loaded.push(format.load(bytes))
    const all = memory()
    for (const replica of loaded) check(replica.text().length > 0, 'the paper after loading')
    return [
      { name: 'paper/heap after load', value: Math.max(0, one.heap - before.heap), unit: 'bytes' },
      { name: 'paper/resident memory of ten', value: Math.max(0, all.resident - before.resident), unit: 'bytes' },
    ]
  },
}

function memory(): { readonly heap: number; readonly resident: number } {
  collectGarbage()
  collectGarbage()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: heapUsed + external, resident: rss }
}
