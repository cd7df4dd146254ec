/**
 * What the handles of a document work on: local operations go into an open bundle, and everything else seals that first. So
 * the operations of a bundle have one time and the same past but for each other.
 */
import type { Value } from '../../base/index.ts'
import { ByteReader, NitroError } from '../../base/index.ts'
import { decoding, notCanonical } from '../codec/errors.ts'
import { fenceKind } from '../codec/rows.ts'
import type { Row } from '../codec/rows.ts'
import { readUpdate } from '../codec/update.ts'
import { checkText } from '../codec/text.ts'
import { ownValue } from '../codec/values.ts'
import { everything } from '../kernel/cell.ts'
import type { ReplicaId } from '../kernel/dot.ts'
import type { Op } from '../kernel/op.ts'
import { noValue } from '../kernel/op.ts'
import { collectSpans, dotsOf } from './collect.ts'
import { encodeRows, encodeSpans, encodeUpdate } from './encode.ts'
import type { Handle } from './handle.ts'
import type { Patch } from './patches.ts'
import { Patcher } from './patches.ts'
import { Pending } from './pending.ts'
import type { Prepared, Touched } from './receive.ts'
import { integrate, missingFor, prepare, receive } from './receive.ts'
import type { Edit, SequenceContent, UnitSequence } from './sequence.ts'
import { isSequence } from './sequence.ts'
import type { Place } from './state.ts'
import { DocState, shapesOf } from './state.ts'
import { TypingReader } from './typing.ts'

/** Who made a change: the user of this document, another replica, or the user by undoing or redoing. */
export type Origin = 'local' | 'remote' | 'undo'

/** What listeners are told. */
export interface Change {
  readonly origin: Origin
  readonly patches: readonly Patch[]
}

/** Limits of the buffer for updates that come before what they build on. */
export interface PendingLimits {
  readonly bytes: number
  readonly updates: number
}

/** Sees each local operation before it is carried out, and each local edit after it; for undo. */
export interface Recorder {
  operation(place: Place, op: Op): void
  edit(place: Place, edit: LocalEdit): void
  sealed(): void
}

/** A local edit of a sequence: units `[lv, lv + length)` put in or taken out at a position, or how to take back another edit. */
export type LocalEdit =
  | {
      readonly kind: 'insert' | 'delete'
      readonly sequence: UnitSequence
      readonly position: number
      readonly lv: number
      readonly length: number
      /** What was taken out. */
      readonly removed: unknown
    }
  | { readonly kind: 'other'; readonly takeBack: () => void }

/** A local operation: a row of its bundle and an operation in one. Its value may still grow while the bundle is open. */
interface LocalRow extends Row, Op {
  value: Value
}

/** Local operations that are not sealed yet. */
interface OpenBundle {
  readonly lv: number
  readonly seq: number
  readonly parents: readonly number[]
  readonly rows: LocalRow[]
  /** Those that were edited; undefined while there are none. */
  sequences: Map<Place, SequenceContent> | undefined
  /** The one that was edited last. */
  edited: SequenceContent | undefined
  readonly high: number
  readonly low: number
}

/** See the header. */
export class DocCore {
  state = new DocState()
  readonly replica: ReplicaId
  readonly pending: Pending
  readonly listeners = new Set<(change: Change) => void>()
  readonly recorders = new Set<Recorder>()
  /** By place. */
  readonly handles = new Map<Place, Handle>()
  /** Set while an undo or redo is under way. */
  origin: Origin = 'local'
  /** Whether the document only shows a version of another one. */
  frozen = false
  private readonly wallMs: () => number
  private readonly typing = new TypingReader()
  private open: OpenBundle | undefined
  private patcher: Patcher | undefined
  /** Own events below this number have been given out by {@link commit}. */
  private given = 0

  constructor(replica: ReplicaId, wallMs: () => number, limits: PendingLimits) {
    this.replica = replica
    this.wallMs = wallMs
    this.pending = new Pending(limits)
  }

  /** Carries out an operation on a cell. Throws `NotCanonical` when key or value can't be part of it. */
  perform(place: Place, kind: number, key: string, given: Value): Op {
    const { state } = this
    const { content } = place
    if (isSequence(content)) throw notCanonical('a row of a sequence')
    const value = given === noValue ? noValue : ownValue(given)
    if (key !== '') checkText(key)
    const bundle = this.begin()
    const position = state.graph.length - bundle.lv
    const timed = content.type.ops[kind]?.time === true
    const row: LocalRow = {
      place: state.addressOf(place),
      position,
      rid: this.replica,
      seq: bundle.seq + position,
      kind,
      high: timed ? bundle.high : 0,
      low: timed ? bundle.low : 0,
      key,
      value,
    }
    content.type.check(row)
    state.graph.append(this.replica, 1)
    if (this.recorders.size > 0) for (const recorder of this.recorders) recorder.operation(place, row)
    this.patcher?.note({ place, epoch: place.epoch }, row)
    content.apply(row, everything)
    bundle.rows.push(row)
    return row
  }

  /** The first number of the open bundle: events from there on can still be rewritten. -1 when none is open. */
  get rewritableFrom(): number {
    return this.open === undefined ? -1 : this.open.seq
  }

  /** Changes the value of an operation of the open bundle, which nobody but this replica has seen. */
  rewrite(place: Place, seq: number, change: (value: Value) => Value): void {
    const { rows } = this.open as OpenBundle
    let low = 0
    let high = rows.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((rows[middle] as LocalRow).seq <= seq) low = middle
      else high = middle - 1
    }
    const row = rows[low] as LocalRow
    const value = ownValue(change(row.value))
    this.patcher?.note({ place, epoch: place.epoch }, row)
    row.value = value
    this.state.cellOf(place).apply(row, everything)
  }

  /** Whether anybody wants to be told of edits. */
  get watched(): boolean {
    return this.recorders.size > 0 || this.listeners.size > 0
  }

  /** Makes the events of an edit of a sequence, which is to follow at once; returns the LV of the first. */
  startEdit(place: Place, sequence: SequenceContent, length: number): number {
    const bundle = this.begin()
    if (bundle.edited !== sequence) {
      bundle.edited = sequence
      bundle.sequences ??= new Map<Place, SequenceContent>()
      bundle.sequences.set(place, sequence)
      this.patcher?.noteEdits(place, sequence)
    }
    return this.state.graph.append(this.replica, length)
  }

  /** Tells of an edit that was made. */
  edited(place: Place, edit: LocalEdit, told?: Edit): void {
    for (const recorder of this.recorders) recorder.edit(place, edit)
    if (told !== undefined) this.patcher?.editsOf(place).push(told)
  }

  /** Raises the epoch of a root, which empties it. */
  fence(place: Place, epoch: number): void {
    if (!Number.isSafeInteger(epoch) || epoch <= place.epoch) {
      throw new NitroError('InvalidArgument', `the epoch of ${place.name} is ${place.epoch}, ${epoch} is not above it`)
    }
    const { state } = this
    const bundle = this.begin()
    const position = state.graph.append(this.replica, 1) - bundle.lv
    const seq = bundle.seq + position
    const address = state.addressOf(place, epoch)
    const op = { rid: this.replica, seq, kind: fenceKind, high: 0, low: 0, key: '', value: noValue }
    this.patcher?.note({ place, epoch }, op)
    state.carryOut(address, op, everything)
    bundle.rows.push({ ...op, place: address, position })
    bundle.edited = undefined
    for (const [at, sequence] of bundle.sequences ?? []) if (at.content !== sequence) bundle.sequences?.delete(at)
  }

  /** Ends the open bundle, if there is one. */
  seal(): void {
    const bundle = this.open
    if (bundle === undefined) return
    this.open = undefined
    for (const row of bundle.rows) this.state.journal.push(row.place, bundle.lv + row.position, row)
    if (this.recorders.size > 0) for (const recorder of this.recorders) recorder.sealed()
    const { patcher } = this
    this.patcher = undefined
    if (patcher !== undefined) this.tell(this.origin, patcher.finish())
  }

  /** Ends the open bundle and returns all own events not given out yet, as an update; undefined when there are none. */
  commit(): Uint8Array | undefined {
    const bundle = this.open
    this.seal()
    const { graph } = this.state
    const from = this.given
    const next = graph.nextSeq(this.replica)
    if (next <= from) return undefined
    this.given = next
    if (bundle !== undefined && bundle.seq === from) return this.bundleBytes(bundle, next - from)
    const own = [...graph.spansSince(new Map([[this.replica, from]]))].filter(({ rid }) => rid === this.replica)
    return encodeSpans(this.state, collectSpans(graph, own), undefined)
  }

  /** Forgets which own events have been given out: all there are have. */
  allGiven(): void {
    this.given = this.state.graph.nextSeq(this.replica)
  }

  /**
   * Takes updates in, one after the other, and what waited for them. The base of a compacted document is given to `onBase` first.
   * What changed is told if a patcher is given. Throws
   * `NotCanonical`, `UnsupportedFormat`, `Overloaded`.
   */
  apply(updates: readonly Uint8Array[], onBase: (base: Uint8Array) => void, patcher?: Patcher): Patch[] {
    this.refuseIfFrozen()
    this.seal()
    const touched: Touched = new Map<Place, SequenceContent>()
    let patches: Patch[]
    try {
      for (const bytes of updates) this.takeBytes(bytes, onBase, patcher, touched)
    } finally {
      integrate(this.state, touched, patcher)
      patches = patcher?.finish() ?? []
      this.tell('remote', patches)
    }
    return patches
  }

  private takeBytes(
    bytes: Uint8Array,
    onBase: (base: Uint8Array) => void,
    patcher: Patcher | undefined,
    touched: Touched,
  ): void {
    if (!this.typing.take(this.state, bytes, patcher, touched)) {
      const prepared = this.read(bytes, onBase)
      const missing = missingFor(this.state, prepared.update)
      if (missing !== undefined) {
        // The caller may use its memory again while this waits.
        this.pending.add(this.read(bytes.slice(), onBase), bytes.length, missing)
        return
      }
      if (!receive(this.state, prepared, patcher, touched)) return
      this.typing.remember(prepared.places, prepared.update)
    }
    if (this.pending.size === 0) return
    // One that is refused after all keeps nothing from the others that waited.
    forEachOf(this.pending.ready(this.state), ({ prepared, bytes: size }) => {
      const still = missingFor(this.state, prepared.update)
      if (still === undefined) receive(this.state, prepared, patcher, touched)
      else this.pending.add(prepared, size, still)
    })
  }

  private read(bytes: Uint8Array, onBase: (base: Uint8Array) => void): Prepared {
    return decoding(() => {
      const update = readUpdate(new ByteReader(bytes), shapesOf)
      if (update.base !== undefined) onBase(update.base)
      return prepare(this.state, update)
    })
  }

  /** Tells listeners of a change, all of them; then throws what the first that failed has thrown. */
  tell(origin: Origin, patches: readonly Patch[]): void {
    if (patches.length === 0) return
    forEachOf(this.listeners, (listener) => {
      listener({ origin, patches })
    })
  }

  private begin(): OpenBundle {
    if (this.open !== undefined) return this.open
    this.refuseIfFrozen()
    const { graph, clock } = this.state
    clock.advance(this.wallMs())
    if (this.listeners.size > 0) this.patcher = new Patcher()
    this.open = {
      lv: graph.length,
      seq: graph.nextSeq(this.replica),
      parents: graph.frontier,
      rows: [],
      sequences: undefined,
      edited: undefined,
      high: clock.high,
      low: clock.low,
    }
    return this.open
  }

  private refuseIfFrozen(): void {
    if (this.frozen)
      throw new NitroError('InvalidArgument', 'a version of the past can be read and forked, not changed')
  }

  private ownLv(seq: number): number {
    return this.state.graph.lvOf(this.replica, seq)
  }

  private bundleBytes(bundle: OpenBundle, length: number): Uint8Array {
    const { lv, seq, parents, rows, sequences } = bundle
    const own = seq === 0 ? parents.length === 0 : parents.length === 1 && parents[0] === this.ownLv(seq - 1)
    if (own && sequences === undefined) return encodeRows(this.state, this.replica, seq, length, seq > 0, rows)
    const span = { rid: this.replica, seq, length, parents: dotsOf(this.state.graph, parents) }
    return encodeUpdate(this.state, [span], rows, sequences, [lv, lv + length])
  }
}

/** Does something with each, also when it fails for some; then throws the first failure. */
function forEachOf<T>(items: Iterable<T>, run: (item: T) => void): void {
  const failures: unknown[] = []
  for (const item of items) {
    try {
      run(item)
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}
