/**
 * Watchers that have come equally far, and how they get on together.
 *
 * A pass walks the event log from where the cohort stands, encodes each event once for every group it concerns, and hands each
 * group's events to its watchers. It is bounded in events and bytes and ends between two revisions, or, when one revision is
 * large, inside it: then what a watcher got is marked as not whole. A watcher that can't take more is left where it was.
 */
import { ByteWriter, emptyBytes } from '../../../base/index.ts'
import { writeEvent } from '../../../execution/index.ts'
import type { Caller, EventView } from '../../../execution/index.ts'
import type { Group, Matcher } from './matcher.ts'
import type { EventBuffer, EventSource, WatchOutlet } from './types.ts'

/** Events of a pass, after which it ends with the revision. */
const passEvents = 1024
/** Encoded bytes of a pass, after which it ends with the revision, or at once. */
const passBytes = 256 << 10
const passBytesMax = 1 << 20

/** One open watch. */
export class Watcher {
  readonly id: number
  readonly outlet: WatchOutlet
  readonly group: Group
  readonly caller: Caller
  /** Bytes it may still be sent; what it gets last may take it below 0. */
  creditBytes: number
  /** Who it goes along with; undefined while it is not open yet or has been left behind. */
  cohort: Cohort | undefined = undefined
  /** While left behind: the first event it has not got. */
  revision = 0
  position = 0
  /** While left behind: it got a part of that revision. */
  midway = false
  over = false

  constructor(id: number, outlet: WatchOutlet, group: Group, caller: Caller, creditBytes: number) {
    this.id = id
    this.outlet = outlet
    this.group = group
    this.caller = caller
    this.creditBytes = creditBytes
  }

  /** Whether it may be sent more. */
  get canTake(): boolean {
    return this.creditBytes > 0 && this.outlet.hasRoom
  }
}

/** What happens to watchers in a pass. */
export interface PassEvents {
  /** A watcher was given `buffer`. */
  given(watcher: Watcher, buffer: EventBuffer): void
  /** A watcher could not take its events; it stands where it stood, outside the cohort. */
  leftBehind(watcher: Watcher): void
}

/** Events of one group during a pass. */
class Draft {
  readonly writer = new ByteWriter(512)
  readonly firstRevision: number
  readonly firstPosition: number
  lastRevision = 0
  count = 0

  constructor(event: EventView) {
    this.firstRevision = event.revision
    this.firstPosition = event.position
  }
}

/** An event encoded in the forms that groups ask for, each at most once. */
class EncodedEvent {
  private readonly forms = [0, 1, 2, 3].map(() => new ByteWriter(512))

  clear(): void {
    for (const form of this.forms) form.clear()
  }

  /** Valid until the next event. */
  bytes(event: EventView, first: boolean, previous: boolean): Uint8Array {
    const form = this.forms[(first ? 1 : 0) + (previous ? 2 : 0)] as ByteWriter
    if (form.length === 0) writeEvent(form, event, first, previous)
    return form.view()
  }
}

/** Passes run one at a time; the memory is used again. */
const encoded = new EncodedEvent()

/** Watchers at one place of the event log. */
export class Cohort {
  /** The first event not handed out: this revision and position. */
  revision: number
  position: number
  size = 0
  private members = new Map<Group, Set<Watcher>>()
  /** Groups that got a part of `revision`. */
  private midway = new Set<Group>()

  constructor(revision: number, position: number) {
    this.revision = revision
    this.position = position
  }

  /** Takes in a watcher that stands where the cohort does. */
  add(watcher: Watcher): void {
    const { group } = watcher
    let same = this.members.get(group)
    if (same === undefined) this.members.set(group, (same = new Set()))
    same.add(watcher)
    if (watcher.midway) this.midway.add(group)
    watcher.midway = false
    watcher.cohort = this
    this.size++
  }

  /** Lets a member go. */
  remove(watcher: Watcher): void {
    const same = this.members.get(watcher.group)
    if (same?.delete(watcher) !== true) return
    if (same.size === 0) this.members.delete(watcher.group)
    watcher.cohort = undefined
    this.size--
  }

  /** Takes all members of another cohort that stands at the same place, between two revisions. */
  absorb(other: Cohort): void {
    for (const watcher of other.watchers()) this.add(watcher)
    other.members = new Map()
    other.size = 0
  }

  /** All members; the cohort may change meanwhile. */
  watchers(): Watcher[] {
    return [...this.members.values()].flatMap((same) => [...same])
  }

  /** Goes on as far as a pass goes. Throws `Compacted` or `StateDamaged`, and then nobody got anything. */
  pass(source: EventSource, matcher: Matcher, events: PassEvents): void {
    const drafts = new Map<Group, Draft>()
    const from = { revision: this.revision, position: this.position }
    const to = this.collect(source, matcher, drafts)
    const wasMidway = this.midway
    this.revision = to.revision
    this.position = to.position
    this.midway = new Set()
    for (const [group, draft] of drafts) {
      const more = to.position > 0 && draft.lastRevision === to.revision
      if (more) this.midway.add(group)
      const buffer = { bytes: draft.writer.view(), count: draft.count, more, through: to.revision - 1 }
      const goesOn = wasMidway.has(group)
      // What it had of a revision that is over now, before the draft began: its end travels with the draft.
      this.give(
        group,
        buffer,
        draft.firstRevision,
        draft.firstPosition,
        events,
        goesOn && draft.firstRevision === from.revision,
      )
    }
    for (const group of wasMidway) {
      if (drafts.has(group)) continue
      if (to.revision === from.revision) this.midway.add(group)
      else
        this.give(
          group,
          { bytes: emptyBytes, count: 0, more: false, through: to.revision - 1 },
          from.revision,
          from.position,
          events,
          true,
        )
    }
  }

  private collect(
    source: EventSource,
    matcher: Matcher,
    drafts: Map<Group, Draft>,
  ): { revision: number; position: number } {
    const { revision: fromRevision, position: fromPosition, members } = this
    let to = { revision: source.revision + 1, position: 0 }
    let visited = 0
    let sizeBytes = 0
    let event: EventView
    const take = (group: Group): void => {
      if (!members.has(group)) return
      let draft = drafts.get(group)
      if (draft === undefined) drafts.set(group, (draft = new Draft(event)))
      const bytes = encoded.bytes(event, draft.lastRevision !== event.revision, group.spec.previous)
      draft.writer.raw(bytes)
      draft.lastRevision = event.revision
      draft.count++
      sizeBytes += bytes.length
    }
    source.visitEvents(fromRevision, (view) => {
      const { revision, position, lastOfRevision } = view
      if (revision === fromRevision && position < fromPosition) return true
      event = view
      encoded.clear()
      matcher.match(view, take)
      visited++
      const enough = lastOfRevision ? visited >= passEvents || sizeBytes >= passBytes : sizeBytes >= passBytesMax
      if (!enough) return true
      to = lastOfRevision ? { revision: revision + 1, position: 0 } : { revision, position: position + 1 }
      return false
    })
    return to
  }

  private give(
    group: Group,
    buffer: EventBuffer,
    revision: number,
    position: number,
    events: PassEvents,
    midway: boolean,
  ): void {
    const members = this.members.get(group)
    if (members === undefined) {
      this.midway.delete(group)
      return
    }
    for (const watcher of members) {
      if (watcher.canTake) {
        watcher.creditBytes -= buffer.bytes.length
        events.given(watcher, buffer)
        continue
      }
      this.remove(watcher)
      watcher.revision = revision
      watcher.position = position
      watcher.midway = midway
      events.leftBehind(watcher)
    }
  }
}
