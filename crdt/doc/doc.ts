/**
 * A document: named values that any number of replicas change without asking each other.
 *
 *   const doc = new Doc({ replica: 1 })
 *   doc.map('config').set('mode', 'blue')
 *   const bundle = doc.commit()            // bytes for the others: other.apply(bundle)
 *
 * Mutators change the document at once and add to the open bundle; `commit` ends it. Updates are taken in any order and any
 * number of times: what comes too early waits. All replicas that have the same events show the same values, and give the same
 * bytes for the same missing events. Two processes must never use the same replica id in one document.
 */
import type { Value } from '../../base/index.ts'
import { NitroError } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import type { VersionVector } from '../graph/graph.ts'
import type { ReplicaId } from '../kernel/dot.ts'
import { checkReplicaId, maxReplicaId } from '../kernel/dot.ts'
import { maxForgotten } from '../text/erasure.ts'
import type { Base } from './base.ts'
import { baseAt, readBase, writeBase } from './base.ts'
import type { Change } from './core.ts'
import { DocCore } from './core.ts'
import { updateSince, updateUntil } from './encode.ts'
import type { Compress, Decompress } from './envelope.ts'
import { openEnvelope, sealEnvelope } from './envelope.ts'
import { Floor, stableWithin } from './floor.ts'
import type { DocBoundedCounter, DocCounter, DocFlag, DocMultiValue, DocRegister, DocSet, Handle } from './handle.ts'
import type { Patch } from './patches.ts'
import { Patcher } from './patches.ts'
import type { DocMovableList } from './movable-handle.ts'
import type { DocMap, Kind, Places } from './places.ts'
import { handleAt, kinds, valuesOf } from './places.ts'
import type { DocList, DocText } from './sequence-handles.ts'
import { isSequence } from './sequence.ts'
import type { DocTree } from './tree-handle.ts'
import { UndoStack } from './undo.ts'

/** How a document is opened. */
export interface DocOptions {
  /** The id of this writer, an integer of 32 bits that no other process uses in this document. */
  readonly replica: ReplicaId
  /** Shows wall milliseconds, to order concurrent writes as people would; without it only their causal order counts. */
  readonly wallMs?: () => number
  /** The most bytes of updates that wait for what they build on; 16 MiB unless given. */
  readonly pendingBytesMax?: number
  /** The most updates that wait; 10,000 unless given. */
  readonly pendingUpdatesMax?: number
}

/** Which events a replica has: for each replica, how many of its. */
export type Version = VersionVector

/** See the header. */
export class Doc implements Places {
  /**
   * Keeps the shapes of all that a document is made of, as {@link ByteReader.kept} does. Who opens one document after the other, and
   * none is left in between, would run uncompiled code again and again: a merge of text took five times as long.
   */
  static readonly kept: readonly unknown[] = openAllKinds(new Doc({ replica: 0 }))
  private readonly core: DocCore
  private readonly options: DocOptions
  /** What is left of the history before the version that the document was compacted at. */
  private base: Base | undefined

  /** Opens an empty document. Throws `InvalidArgument`. */
  constructor(options: DocOptions) {
    checkReplicaId(options.replica)
    const bytes = options.pendingBytesMax ?? 16 * 1024 * 1024
    const updates = options.pendingUpdatesMax ?? 10_000
    this.options = options
    this.core = new DocCore(options.replica, options.wallMs ?? (() => 0), { bytes, updates })
  }

  /** The id of this writer. */
  get replica(): ReplicaId {
    return this.options.replica
  }

  // --- values ---

  map(name: string): DocMap {
    return this.handle('map', name) as DocMap
  }

  register(name: string): DocRegister {
    return this.handle('register', name) as DocRegister
  }

  multiValue(name: string): DocMultiValue {
    return this.handle('multiValue', name) as DocMultiValue
  }

  counter(name: string): DocCounter {
    return this.handle('counter', name) as DocCounter
  }

  /** A counter that never goes below zero; only a document has them, because they can't be emptied. */
  boundedCounter(name: string): DocBoundedCounter {
    return this.handle('boundedCounter', name) as DocBoundedCounter
  }

  enableWinsFlag(name: string): DocFlag {
    return this.handle('enableWinsFlag', name) as DocFlag
  }

  disableWinsFlag(name: string): DocFlag {
    return this.handle('disableWinsFlag', name) as DocFlag
  }

  addWinsSet(name: string): DocSet {
    return this.handle('addWinsSet', name) as DocSet
  }

  removeWinsSet(name: string): DocSet {
    return this.handle('removeWinsSet', name) as DocSet
  }

  tree(name: string): DocTree {
    return this.handle('tree', name) as DocTree
  }

  text(name: string): DocText {
    return this.handle('text', name) as DocText
  }

  list(name: string): DocList {
    return this.handle('list', name) as DocList
  }

  movableList(name: string): DocMovableList {
    return this.handle('movableList', name) as DocMovableList
  }

  /** Everything that holds something, as one plain value by name. */
  value(): Value {
    return valuesOf(this.core.state.forest.roots.values(), {})
  }

  /**
   * Empties a root and raises its epoch, by default by one: what others do to it concurrently counts no more, wherever it
   * arrives. Throws `InvalidArgument` when the epoch is not above the present one.
   */
  fence(kind: Kind, name: string, epoch?: number): void {
    const { place } = this.handle(kind, name)
    this.core.fence(place, epoch ?? place.epoch + 1)
  }

  /** The epoch of a root; 0 at first. */
  epoch(kind: Kind, name: string): number {
    return this.handle(kind, name).place.epoch
  }

  // --- exchange ---

  /** Ends the open bundle and returns own events not given out before, for others to apply; undefined when there are none. */
  commit(): Uint8Array | undefined {
    return this.core.commit()
  }

  /** Runs mutators and commits. What was done before a throw is committed, too, by the next commit. */
  transact(run: (doc: this) => void): Uint8Array | undefined {
    run(this)
    return this.commit()
  }

  /** Which events are here. */
  version(): Version {
    return this.core.state.graph.versionVector()
  }

  /** How many events are here. */
  get events(): number {
    return this.core.state.graph.length
  }

  /** How many updates wait for what they build on. */
  get pending(): number {
    return this.core.pending.size
  }

  /**
   * The events that a version lacks, as an update. Throws `HistoryCompacted` when some of them are gone, `InvalidArgument` for
   * what is no version.
   */
  since(version: Version): Uint8Array {
    checkIsVersion(version)
    this.core.seal()
    if (!this.reachesBack(version)) throw compacted()
    return updateSince(this.core.state, version)
  }

  /**
   * Takes in an update and returns what changed. What builds on missing events waits, see {@link pending}. Throws
   * `NotCanonical` or `UnsupportedFormat` for bytes that are no update, `Overloaded` when too much waits, `HistoryCompacted` for
   * a compacted document whose beginning is not here, and for an event made without all of what this one was compacted at.
   */
  apply(update: Uint8Array): Patch[] {
    return this.applyAll([update])
  }

  /** Takes in many updates as one change, which is faster than each for itself. Throws as {@link apply}; what came before stays. */
  applyAll(updates: readonly Uint8Array[]): Patch[] {
    const onBase = (base: Uint8Array): void => {
      if (!includes(this.version(), readBase(base).version)) throw compacted()
    }
    return this.core.apply(updates, onBase, new Patcher())
  }

  /**
   * Tells a listener of every change, local ones when their bundle ends. Returns a function that stops it. What a listener throws
   * comes out of the call that made the change, which is done all the same; {@link commit} then gives it out the next time.
   */
  on(listener: (change: Change) => void): () => void {
    this.core.listeners.add(listener)
    return () => {
      this.core.listeners.delete(listener)
    }
  }

  /** Takes in everything that another document has. Throws `HistoryCompacted` when it has forgotten what is missing here. */
  merge(other: Doc): Patch[] {
    return this.apply(other.since(this.version()))
  }

  /** A copy with another writer, with the whole history. */
  fork(replica: ReplicaId): Doc {
    return Doc.open(this.update(), { ...this.options, replica })
  }

  // --- history ---

  /**
   * The document as it was at a version, to be read or forked. Throws `InvalidArgument` for a version that has an event without
   * what that builds on, `HistoryCompacted` for one before the compaction.
   */
  at(version: Version): Doc {
    this.core.seal()
    this.checkVersion(version)
    if (!this.reachesBack(version)) throw compacted()
    const doc = Doc.open(updateUntil(this.core.state, version, this.baseBytes()), { ...this.options })
    doc.core.frozen = true
    return doc
  }

  /**
   * Forgets the history before a version, and all that only concurrent events could need. It must be stable: every event
   * outside of it, those that are still under way included, was made by somebody who had all of it ({@link stableVersion}). What all
   * replicas have is not enough. An event that comes later and was made without all of it is refused by {@link apply}. Of what
   * was deleted from texts and lists at most 2^24 units lose their content.
   * Throws as {@link at}, and `InvalidArgument` when an event that is here, if only waiting, shows the version not to be stable.
   */
  compact(stable: Version): void {
    const { state } = this.core
    const then = this.at(stable)
    state.floor = this.stableFloor(stable)
    this.base = baseAt(then.core.state, stable)
    const past = { covers: (rid: number, seq: number) => seq < (stable.get(rid) ?? 0) }
    const frontier = state.graph.frontierOf(stable)
    let room = maxForgotten
    for (const [, sequence] of state.sequences()) room -= sequence.forgotten ?? 0
    for (const { content } of state.forest.all) {
      if (isSequence(content)) room -= content.forget?.(frontier, room) ?? 0
      else content.forget(past)
    }
    state.journal.filter(({ position }) => {
      const { rid, seq } = state.graph.dotOf(position)
      return !past.covers(rid, seq)
    })
  }

  /**
   * The greatest version that can be given to {@link compact}, from what each replica had when it made the last event of its that
   * was taken in here: one for each that may still make events, empty for one that has made none. Every event to come has it then, and
   * so has every event here that is outside of it. Never less than what the document was compacted at. Throws `InvalidArgument` for
   * what is no version.
   */
  stableVersion(seen: Iterable<Version>): Version {
    const versions = [...seen]
    for (const version of versions) checkIsVersion(version)
    this.core.seal()
    const stable = stableWithin(this.core.state.graph, this.core.pending, versions)
    return this.reachesBack(stable) ? stable : this.compactedAt
  }

  /** The version that the history begins at; empty when all of it is here. */
  get compactedAt(): Version {
    return this.base?.version ?? new Map<ReplicaId, number>()
  }

  /** Notes what is done from now on, to be undone; at most so many bundles back. */
  undoStack(stepsMax: number = 100): UndoStack {
    return new UndoStack(this.core, stepsMax)
  }

  // --- storage ---

  /** The whole document as bytes, compressed if a function for that is given. */
  encode(compress?: Compress): Uint8Array {
    return sealEnvelope(this.update(), compress)
  }

  /**
   * Opens encoded bytes. Throws `NotCanonical` or `UnsupportedFormat` for bytes that are no document, `LimitExceeded` when they say
   * that more was forgotten than may be, `InvalidArgument` when they are compressed by another method than is given.
   */
  static decode(bytes: Uint8Array, options: DocOptions, decompress?: Decompress): Doc {
    return Doc.open(openEnvelope(bytes, decompress), options)
  }

  private static open(update: Uint8Array, options: DocOptions): Doc {
    const doc = new Doc(options)
    doc.core.apply([update], (base) => {
      doc.base = readBase(base, doc.core.state)
    })
    doc.core.allGiven()
    if (doc.pending > 0) throw new NitroError('NotCanonical', 'an encoded document lacks what it builds on')
    if (doc.base !== undefined) {
      const floor = new Floor(doc.core.state.graph, doc.base.version)
      if (floor.breach() !== undefined) throw notCanonical('an event above the base was made without all of it')
      doc.core.state.floor = floor
    }
    return doc
  }

  private update(): Uint8Array {
    this.core.seal()
    return updateSince(this.core.state, new Map(), this.baseBytes())
  }

  private baseBytes(): Uint8Array | undefined {
    return this.base === undefined ? undefined : writeBase(this.base)
  }

  private handle(kind: Kind, name: string): Handle {
    return handleAt(this.core, undefined, kind, name)
  }

  /** Whether the history since a version is still here. */
  private reachesBack(version: Version): boolean {
    return this.base === undefined || includes(version, this.base.version)
  }

  /** A version as a floor. Throws `InvalidArgument` when an event here, or one that waits, was made without all of it. */
  private stableFloor(version: Version): Floor {
    const floor = new Floor(this.core.state.graph, version)
    const found = floor.breach() ?? this.core.pending.breach(floor)
    if (found === undefined) return floor
    const { rid, seq } = found
    throw new NitroError('InvalidArgument', `the version is not stable: event ${rid}:${seq} was made without all of it`)
  }

  private checkVersion(version: Version): void {
    const { graph } = this.core.state
    checkIsVersion(version)
    for (const [rid, count] of version) {
      const known = Number.isSafeInteger(count) && count >= 0 && rid <= maxReplicaId && count <= graph.nextSeq(rid)
      if (!known) throw new NitroError('InvalidArgument', `not all ${count} events of replica ${rid} are here`)
    }
    if (!includes(version, graph.versionVector(graph.frontierOf(version)))) {
      throw new NitroError('InvalidArgument', 'the version has an event without what that builds on')
    }
  }
}

function checkIsVersion(version: Version): void {
  const isMap = typeof (Object(version) as Partial<Version>).get === 'function'
  if (!isMap) throw new NitroError('InvalidArgument', 'a version is what version() gives')
}

/** Whether a version has every event of another. */
function includes(version: Version, other: Version): boolean {
  for (const [rid, count] of other) if (count > (version.get(rid) ?? 0)) return false
  return true
}

function compacted(): NitroError {
  return new NitroError('HistoryCompacted', 'the history before the version that the document was compacted at is gone')
}

function openAllKinds(doc: Doc): unknown[] {
  // A bundle that stays open has shapes, too.
  doc.counter('').add(1)
  doc.text('').insert(0, ' ')
  return (Object.keys(kinds) as Kind[]).map((kind) => doc[kind](''))
}
