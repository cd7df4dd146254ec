/**
 * Memory for entries that are kept for others to ask for. A log keeps many megabytes of them for a second or so, just too long for a
 * collector: each would be old memory when it goes, and V8 collects everything for every 64 MiB of that. So they lie in memory that is
 * used again. Nobody else may have a view of it.
 */
const pieceBytes = 1 << 20
/** Pieces kept for use again. */
const spareMax = 8

interface Piece {
  readonly bytes: Uint8Array
  /** Entries that lie in it. */
  count: number
}

/** Byte strings, first in, first out, but for the last ones. */
export class RetainedBytes {
  /** Of each byte string, the oldest first. */
  private readonly places: (Piece | undefined)[] = []
  private readonly spare: Piece[] = []
  /** Made with the first byte string. */
  private piece: Piece | undefined
  private at = 0

  /** Byte strings that it holds. */
  get count(): number {
    return this.places.length
  }

  /** Takes in a copy of `data`, and returns where it lies until it is dropped. One longer than a piece is taken as it is. */
  add(data: Uint8Array): Uint8Array {
    const { length } = data
    if (length > pieceBytes) {
      this.places.push(undefined)
      return data
    }
    const piece = this.pieceFor(length)
    const { at } = this
    piece.bytes.set(data, at)
    piece.count++
    this.at = at + length
    this.places.push(piece)
    return piece.bytes.subarray(at, at + length)
  }

  /** Drops the oldest ones. */
  dropFirst(count: number): void {
    for (const piece of this.places.splice(0, count)) this.free(piece)
  }

  /** Drops the newest ones. */
  dropLast(count: number): void {
    for (const piece of this.places.splice(this.places.length - count)) this.free(piece)
  }

  private pieceFor(length: number): Piece {
    const { piece } = this
    if (piece !== undefined && this.at + length <= pieceBytes) return piece
    if (piece?.count === 0) this.giveBack(piece)
    this.at = 0
    return (this.piece = this.spare.pop() ?? newPiece())
  }

  private free(piece: Piece | undefined): void {
    if (piece === undefined) return
    piece.count--
    if (piece.count === 0 && piece !== this.piece) this.giveBack(piece)
  }

  private giveBack(piece: Piece): void {
    if (this.spare.length < spareMax) this.spare.push(piece)
  }
}

function newPiece(): Piece {
  return { bytes: new Uint8Array(pieceBytes), count: 0 }
}
