/**
 * The operations of all cells of a document as rows in bytes, in order of local versions (LVs): some 15 bytes for setting a key.
 * Cut into chunks, so that growing copies nothing and compacting lets memory go.
 */
import { ByteReader, ByteWriter, present } from '../../base/index.ts'
import type { Row } from '../codec/rows.ts'
import { RowReader, RowWriter, fenceKind, fenceShape } from '../codec/rows.ts'
import type { OpShape } from '../kernel/op.ts'

const chunkBytes = 16 * 1024

interface Chunk {
  readonly bytes: Uint8Array
  readonly count: number
  readonly first: number
  readonly last: number
}

/** See the header. `place` of a row is an address of the document, `position` its LV. */
export class Journal {
  private full: Chunk[] = []
  private open = new ByteWriter(1024)
  private rows = new RowWriter()
  private count = 0
  private first = 0
  private last = -1
  private readonly shapes: (place: number) => readonly OpShape[] | undefined

  constructor(shapes: (place: number) => readonly OpShape[] | undefined) {
    this.shapes = shapes
  }

  /** How many bytes it takes. */
  get byteLength(): number {
    return this.full.reduce((sum, { bytes }) => sum + bytes.length, this.open.length)
  }

  /** Adds an operation; LVs ascend. */
  push(place: number, lv: number, op: Omit<Row, 'place' | 'position'>): void {
    if (this.open.length >= chunkBytes) this.close()
    if (this.count === 0) this.first = lv
    const shape = op.kind === fenceKind ? fenceShape : present(this.shapes(place)?.[op.kind], 'shape')
    this.rows.write(this.open, place, lv, op, shape)
    this.count++
    this.last = lv
  }

  /** All rows with LVs in [from, to), in order. */
  read(from: number, to: number): Row[] {
    const found: Row[] = []
    const open = { bytes: this.open.view(), count: this.count, first: this.first, last: this.last }
    for (const chunk of [...this.full, open]) {
      if (chunk.count === 0 || chunk.last < from || chunk.first >= to) continue
      const rows = new RowReader(this.shapes)
      const reader = new ByteReader(chunk.bytes)
      for (let i = 0; i < chunk.count; i++) {
        const row = rows.read(reader)
        if (row.position >= from && row.position < to) found.push(row)
      }
    }
    return found
  }

  /** Keeps only some rows. */
  filter(keep: (row: Row) => boolean): void {
    const kept = this.read(0, Number.MAX_SAFE_INTEGER).filter(keep)
    this.full = []
    this.restart()
    for (const row of kept) this.push(row.place, row.position, row)
  }

  private close(): void {
    this.full.push({ bytes: this.open.take(), count: this.count, first: this.first, last: this.last })
    this.restart()
  }

  private restart(): void {
    this.open.clear()
    this.rows = new RowWriter()
    this.count = 0
    this.last = -1
  }
}
