/**
 * Bundles of somebody who types, taken in at once: one span, one run of operations on a text that others were about before, ASCII
 * only, nothing missing and nothing known. They are most of what a document ever gets, and all that is in them is a handful of
 * numbers. Anything else, and all that is wrong, is left to the general reader, with nothing done.
 *
 * The layout is that of `docs/reference/crdt-encoding.md`, with everything but the numbers given; a single span names each other
 * replica once, so with its last event known by then:
 *
 *   1 0 | replicas: own: id seq+1, others: id 0 seq | 1 place length-1 parents, others: place 0 | 1 0 12 name epoch | 0
 *   size | 1 head cursor 0 0 content 0
 */
import { ByteWriter, emptyBytes } from '../../base/index.ts'
import { writeText } from '../codec/text.ts'
import type { Update } from '../codec/update.ts'
import { updateVersion } from '../codec/update.ts'
import type { CausalGraph } from '../graph/graph.ts'
import type { Dot } from '../kernel/dot.ts'
import { opKind } from '../text/op-log.ts'
import type { OpKind } from '../text/op-log.ts'
import type { Patcher } from './patches.ts'
import type { Touched } from './receive.ts'
import { TextContent, textTag } from './sequence-types.ts'
import type { DocState, Place } from './state.ts'

/** With more replicas in one bundle the general reader is as good. */
const replicasMax = 8

/** See the header. */
export class TypingReader {
  private bytes: Uint8Array = emptyBytes
  private at = 0
  /** The text that the last update was about, and how updates about it say so. */
  private place: Place | undefined
  private epoch = 0
  private placeBytes: Uint8Array = emptyBytes

  // What the update says, once it is read.
  private rid = 0
  private seq = 0
  private length = 0
  /** Whether it builds on the last event of its replica and nothing else; otherwise these are the parents. */
  private follows = false
  private parents: number[] = []
  private kind = 0
  private position = 0
  /** Where its content is. */
  private start = 0
  /** LVs of the parents of other replicas, by place in the list. */
  private readonly named: number[] = []

  /** Remembers the text that an update was about, if it was about one text in no map. */
  remember(places: readonly Place[], update: Update): void {
    const [place] = places
    if (place === undefined || places.length > 1 || place.tag !== textTag || place.parent !== undefined) return
    const epoch = update.places[0]?.epoch ?? 0
    if (place === this.place && epoch === this.epoch) return
    const writer = new ByteWriter(64)
    writer.u8(1)
    writer.u8(0)
    writer.u8(textTag)
    writeText(writer, place.name)
    writer.uint(epoch)
    writer.u8(0)
    this.placeBytes = writer.take()
    this.place = place
    this.epoch = epoch
  }

  /** Takes an update in, or returns false and does nothing. */
  take({ graph, floor }: DocState, bytes: Uint8Array, patcher: Patcher | undefined, touched: Touched): boolean {
    const { place } = this
    if (place === undefined || bytes[0] !== updateVersion || bytes[1] !== 0) return false
    this.bytes = bytes
    this.at = 2
    const { content } = place
    if (!this.readSpan(graph) || !this.samePlace()) return false
    if (floor !== undefined && !floor.isSeenBy(this.parentDots(graph))) return false
    if (place.epoch !== this.epoch || !(content instanceof TextContent) || !this.readRun()) return false
    const { rid, seq, length, kind, position, start } = this
    // More than there can be is looked at elsewhere.
    const ahead = kind === opKind.insert ? 0 : kind === opKind.delete ? length : 1
    if (ahead > 0 && position + ahead > content.log.inserted) return false
    const lv = this.follows ? graph.follow(rid, length) : graph.add(rid, seq, length, this.parents)
    if (kind === opKind.insert) content.receiveUnits(position, bytes, start, start + length, lv)
    else content.receiveDelete(kind as OpKind, position, length, lv)
    if (touched.get(place) !== content) {
      patcher?.noteEdits(place, content)
      touched.set(place, content)
    }
    return true
  }

  /** Reads a single span that is all new and lacks nothing. */
  private readSpan(graph: CausalGraph): boolean {
    const { bytes, named } = this
    const replicas = this.uint()
    if (replicas < 1 || replicas > replicasMax) return false
    let own = -1
    let before = -1
    for (let i = 0; i < replicas; i++) {
      const rid = this.uint()
      const first = this.uint()
      if (rid <= before || first < 0 || (first > 0 && own >= 0)) return false
      before = rid
      if (first > 0) {
        own = i
        this.rid = rid
        this.seq = first - 1
      } else {
        const seq = this.uint()
        if (seq < 0 || seq >= graph.nextSeq(rid)) return false
        named[i] = graph.lvOf(rid, seq)
      }
    }
    if (own < 0 || graph.nextSeq(this.rid) !== this.seq || bytes[this.at++] !== 1 || bytes[this.at++] !== own)
      return false
    this.length = this.uint() + 1
    const code = this.uint() - 2 * (replicas - 1)
    if (this.length < 1 || code < 0 || code > 1 || (code === 1 && this.seq === 0)) return false
    for (let i = 0; i < replicas; i++) {
      if (i !== own && (bytes[this.at++] !== i || bytes[this.at++] !== 0)) return false
    }
    this.follows = replicas === 1 && code === 1
    if (this.follows) return true
    const parents: number[] = []
    for (let i = 0; i < replicas; i++) if (i !== own) parents.push(named[i] as number)
    if (code === 1) parents.push(graph.lvOf(this.rid, this.seq - 1))
    this.parents = parents.sort((a, b) => a - b)
    return true
  }

  private parentDots(graph: CausalGraph): Dot[] {
    return this.follows ? [{ rid: this.rid, seq: this.seq - 1 }] : this.parents.map((lv) => graph.dotOf(lv))
  }

  /** Reads the section of a text: one run of all events, with what it inserts. */
  private readRun(): boolean {
    const { bytes, length } = this
    if (this.uint() !== bytes.length - this.at || bytes[this.at++] !== 1) return false
    const head = this.uint()
    const cursor = this.uint()
    const kind = head & 3
    const back = kind === opKind.deleteBack
    if (head < 0 || (head >> 2) + 1 !== length || kind > opKind.deleteBack || cursor < 0 || cursor % 2 === 1)
      return false
    const position = (cursor >> 1) - (back ? 1 : 0)
    if (position < 0 || (back && (length === 1 || position - length + 1 < 0))) return false
    if (bytes[this.at++] !== 0 || bytes[this.at++] !== 0) return false
    this.kind = kind
    this.position = position
    return this.readContent(kind === opKind.insert ? length : 0)
  }

  /** A number below 2^28 in its shortest form, or -1. */
  private uint(): number {
    const { bytes } = this
    let byte = bytes[this.at++]
    if (byte === undefined) return -1
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    for (let shift = 7; shift < 28; shift += 7) {
      byte = bytes[this.at++]
      if (byte === undefined || byte === 0) return -1
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    return -1
  }

  /** Goes over the table of places and the empty one of rows, if they are as they were. */
  private samePlace(): boolean {
    const { bytes, at, placeBytes } = this
    const { length } = placeBytes
    for (let i = 0; i < length; i++) if (bytes[at + i] !== placeBytes[i]) return false
    this.at = at + length
    return true
  }

  /** Reads so many ASCII characters, after which no marks and nothing else may come. */
  private readContent(count: number): boolean {
    const { bytes } = this
    if (this.uint() !== count) return false
    const start = this.at
    const end = start + count
    if (end + 1 !== bytes.length || bytes[end] !== 0) return false
    for (let i = start; i < end; i++) if ((bytes[i] as number) > 0x7f) return false
    this.start = start
    return true
  }
}
