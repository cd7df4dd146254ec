/** The moves of a tree in their order, and where they have brought the nodes. */
import type { ByteReader, ByteWriter } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import { compareTexts, readText, sortTexts, writeText } from '../codec/text.ts'
import type { Past } from '../kernel/dot.ts'
import { maxReplicaId, maxSeq } from '../kernel/dot.ts'
import { readTime, writeTime } from '../kernel/entries.ts'
import { checkPosition } from './tree-position.ts'

/** The root of every tree. */
export const rootId = ''

/** Where deleted nodes are. */
export const trashId = '-'

/** Where a node hangs. In the trash there are no positions: ''. */
export interface Place {
  readonly parent: string
  readonly position: string
}

/** One move, a creation or deletion included. */
export interface Move {
  readonly rid: number
  readonly seq: number
  readonly high: number
  readonly low: number
  readonly node: string
  readonly place: Place
}

/** A move that was carried out: where the node was before; 'skipped' when it would have made a cycle. */
interface Done {
  readonly move: Move
  before: Place | undefined | 'skipped'
}

/** The name of the node that a dot created. */
export function nodeId(rid: number, seq: number): string {
  return `${rid}:${seq}`
}

/** Whether a text is a name that {@link nodeId} gives. */
export function isNodeId(text: string): boolean {
  const match = /^(0|[1-9]\d{0,9}):(0|[1-9]\d{0,9})$/.exec(text)
  return match !== null && Number(match[1]) <= maxReplicaId && Number(match[2]) < maxSeq
}

/** The order of moves: by time, then by dot. */
export function compareMoves(a: Move, b: Move): number {
  return a.high - b.high || a.low - b.low || a.rid - b.rid || a.seq - b.seq
}

/** See the header. */
export class TreeLog {
  /** Where every node is that was ever created. */
  readonly places = new Map<string, Place>()
  private readonly childrenOf = new Map<string, Set<string>>()
  private log: Done[] = []
  /** What the folded moves made: the start that the log goes on from. */
  private base = new Map<string, Place>()
  private folded: Move | undefined
  /** While changes are told: where each node that moved was at first. */
  private moved: Map<string, Place | undefined> | undefined

  /** Begins to note which nodes move. */
  watch(): void {
    this.moved ??= new Map<string, Place | undefined>()
  }

  /** The nodes that moved since {@link watch}, each with the place it had then; ends the watch. */
  moves(): [node: string, before: Place | undefined][] {
    const moved = [...(this.moved ?? [])]
    this.moved = undefined
    return moved.filter(([node, before]) => {
      const now = this.places.get(node)
      return now?.parent !== before?.parent || now?.position !== before?.position
    })
  }

  isEmpty(): boolean {
    return this.log.length === 0 && this.folded === undefined
  }

  /** The children of a node, in order. */
  children(id: string): string[] {
    const ids = [...(this.childrenOf.get(id) ?? [])]
    if (ids.length < 2) return ids
    const at = (id: string): string => (this.places.get(id) as Place).position
    return ids.sort((a, b) => (at(a) === at(b) ? compareTexts(a, b) : at(a) < at(b) ? -1 : 1))
  }

  /** Whether the way up from a node ends at the root. */
  isBelowRoot(id: string): boolean {
    let at = this.places.get(id)?.parent
    while (at !== undefined && at !== rootId) at = this.places.get(at)?.parent
    return at === rootId
  }

  /** Puts a move in its place in the order and does the later ones again. */
  add(move: Move): void {
    const last = this.log.at(-1)
    if (last === undefined || compareMoves(last.move, move) < 0) {
      this.log.push({ move, before: this.carryOut(move) })
      return
    }
    const at = this.search(move)
    for (let i = this.log.length - 1; i >= at; i--) this.takeBack(this.log[i] as Done)
    this.log.splice(at, 0, { move, before: undefined })
    for (let i = at; i < this.log.length; i++) {
      const done = this.log[i] as Done
      done.before = this.carryOut(done.move)
    }
  }

  /** Takes in the moves of another log. */
  join(other: TreeLog): void {
    const moves = [...this.log, ...other.log].map(({ move }) => move).sort(compareMoves)
    if (this.folded === undefined || (other.folded !== undefined && compareMoves(this.folded, other.folded) < 0)) {
      this.folded = other.folded
      this.base = new Map(other.base)
    }
    const { folded } = this
    this.restart(
      moves.filter((move, i) => {
        const twin = i > 0 && compareMoves(moves[i - 1] as Move, move) === 0
        return !twin && (folded === undefined || compareMoves(folded, move) < 0)
      }),
    )
  }

  /** Folds the moves at the beginning of the order that lie in a past common to all. */
  forget(stable: Past): void {
    let count = 0
    for (const { move } of this.log) {
      if (!stable.covers(move.rid, move.seq)) break
      count++
    }
    if (count === 0) return
    const left = this.log.slice(count).map(({ move }) => move)
    for (let i = this.log.length - 1; i >= count; i--) this.takeBack(this.log[i] as Done)
    this.folded = (this.log[count - 1] as Done).move
    this.base = new Map(this.places)
    this.restart(left)
  }

  write(writer: ByteWriter): void {
    writer.u8(this.folded === undefined ? 0 : 1)
    if (this.folded !== undefined) {
      writeMove(writer, this.folded)
      writer.uint(this.base.size)
      for (const node of sortTexts([...this.base.keys()])) {
        writeText(writer, node)
        writePlace(writer, this.base.get(node) as Place)
      }
    }
    writer.uint(this.log.length)
    for (const { move } of this.log) writeMove(writer, move)
  }

  read(reader: ByteReader): void {
    const flag = reader.u8()
    if (flag > 1) throw notCanonical('the start of a tree')
    if (flag === 1) {
      this.folded = readMove(reader)
      let last: string | undefined
      for (let count = reader.uint(); count > 0; count--) {
        const node = readText(reader)
        if (!isNodeId(node) || (last !== undefined && compareTexts(last, node) >= 0)) throw notCanonical('nodes')
        last = node
        this.base.set(node, readPlace(reader))
      }
      if (hasCycle(this.base)) throw notCanonical('a cycle in a tree')
    }
    const moves: Move[] = []
    for (let count = reader.uint(); count > 0; count--) {
      const move = readMove(reader)
      const before = moves.at(-1) ?? this.folded
      if (before !== undefined && compareMoves(before, move) >= 0) throw notCanonical('moves out of order')
      moves.push(move)
    }
    this.restart(moves)
  }

  private search(move: Move): number {
    let low = 0
    let high = this.log.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareMoves((this.log[middle] as Done).move, move) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  private restart(moves: readonly Move[]): void {
    this.places.clear()
    this.childrenOf.clear()
    for (const [node, place] of this.base) this.put(node, place)
    this.log = moves.map((move) => ({ move, before: this.carryOut(move) }))
  }

  private carryOut({ node, place }: Move): Place | undefined | 'skipped' {
    for (let at: string | undefined = place.parent; at !== undefined; at = this.places.get(at)?.parent) {
      if (at === node) return 'skipped'
    }
    const before = this.places.get(node)
    this.put(node, place)
    return before
  }

  private takeBack({ move, before }: Done): void {
    if (before !== 'skipped') this.put(move.node, before)
  }

  private put(node: string, place: Place | undefined): void {
    const before = this.places.get(node)
    if (this.moved !== undefined && !this.moved.has(node)) this.moved.set(node, before)
    if (before !== undefined) this.childrenOf.get(before.parent)?.delete(node)
    if (place === undefined) this.places.delete(node)
    else {
      this.places.set(node, place)
      const siblings = this.childrenOf.get(place.parent)
      if (siblings === undefined) this.childrenOf.set(place.parent, new Set([node]))
      else siblings.add(node)
    }
  }
}

/** Whether some way up never ends. */
function hasCycle(places: ReadonlyMap<string, Place>): boolean {
  const fine = new Set<string>()
  for (const node of places.keys()) {
    const way = new Set<string>()
    let at: string | undefined = node
    while (at !== undefined && !fine.has(at)) {
      if (way.has(at)) return true
      way.add(at)
      at = places.get(at)?.parent
    }
    for (const id of way) fine.add(id)
  }
  return false
}

function writeMove(writer: ByteWriter, move: Move): void {
  writeTime(writer, move.high, move.low)
  writer.uint(move.rid)
  writer.uint(move.seq)
  writeText(writer, move.node)
  writePlace(writer, move.place)
}

function readMove(reader: ByteReader): Move {
  const [high, low] = readTime(reader)
  const rid = reader.uint()
  const seq = reader.uint()
  const node = readText(reader)
  if (rid > maxReplicaId || seq >= maxSeq || !isNodeId(node)) throw notCanonical('a move in a tree')
  return { rid, seq, high, low, node, place: readPlace(reader) }
}

function writePlace(writer: ByteWriter, { parent, position }: Place): void {
  writeText(writer, parent)
  writeText(writer, position)
}

function readPlace(reader: ByteReader): Place {
  const parent = readText(reader)
  const position = readText(reader)
  if (parent === trashId) {
    if (position !== '') throw notCanonical('a position in the trash')
    return { parent, position }
  }
  if (parent !== rootId && !isNodeId(parent)) throw notCanonical('a parent in a tree')
  checkPosition(position)
  return { parent, position }
}
