/**
 * The start of a compacted document: the values of its cells at the version it was compacted at. The graph of events is kept
 * whole, it is small, and so are the operations of texts and lists; of these only the deleted content is dropped.
 */
import { ByteReader, ByteWriter } from '../../base/index.ts'
import { decoding, notCanonical } from '../codec/errors.ts'
import { readTime, writeTime } from '../kernel/entries.ts'
import type { VersionVector } from '../graph/graph.ts'
import { maxReplicaId, maxSeq } from '../kernel/dot.ts'
import type { DocState } from './state.ts'
import { isSequence } from './sequence.ts'

/** See the header. */
export interface Base {
  readonly version: VersionVector
  /** The clock, so that later times are above all that was. */
  readonly high: number
  readonly low: number
  /** The canonical bytes of the cells. */
  readonly cells: Uint8Array
}

/** The base that a document at a version gives. */
export function baseAt(state: DocState, version: VersionVector): Base {
  for (const { content } of state.forest.all) {
    if (!isSequence(content)) content.forget({ covers: () => true })
  }
  const writer = new ByteWriter()
  state.forest.write(writer, (content) => !isSequence(content))
  return { version: new Map(version), high: state.clock.high, low: state.clock.low, cells: writer.take() }
}

/** The bytes of a base. */
export function writeBase({ version, high, low, cells }: Base): Uint8Array {
  const writer = new ByteWriter(cells.length + 64)
  const counts = [...version].filter(([, count]) => count > 0).sort(([a], [b]) => a - b)
  writer.uint(counts.length)
  for (const [rid, count] of counts) {
    writer.uint(rid)
    writer.uint(count)
  }
  writeTime(writer, high, low)
  writer.raw(cells)
  return writer.take()
}

/** Reads what {@link writeBase} wrote, into an empty document if one is given. Throws `NotCanonical`. */
export function readBase(bytes: Uint8Array, into?: DocState): Base {
  return decoding(() => {
    const reader = new ByteReader(bytes)
    const version = new Map<number, number>()
    let last = -1
    for (let count = reader.uint(); count > 0; count--) {
      const rid = reader.uint()
      const events = reader.uint()
      const fine = rid > last && rid <= maxReplicaId && events > 0 && events <= maxSeq
      if (!fine) throw notCanonical('the version of a base')
      version.set(rid, events)
      last = rid
    }
    const [high, low] = readTime(reader)
    const cells = bytes.slice(reader.at)
    if (into !== undefined) {
      into.forest.read(reader)
      if (reader.remaining > 0) throw notCanonical(`${reader.remaining} bytes left over`)
      into.clock.observe(high, low)
    }
    return { version, high, low, cells }
  })
}
