/**
 * Which watchers an event concerns. Watchers of the same keys and options are one group; an event is looked up once: its key
 * in a map of single keys, its beginnings in one map for each length of prefix there is, and then every other range in turn.
 */
import { prefixEnd } from '../../../base/index.ts'
import type { EventKind, EventView } from '../../../execution/index.ts'
import type { WatchSpec } from './types.ts'

/** All watchers of one {@link WatchSpec}. */
export class Group {
  readonly spec: WatchSpec
  /** Open watches. */
  size = 0

  constructor(spec: WatchSpec) {
    this.spec = spec
  }

  /** Whether it wants events of this kind. */
  wants(kind: EventKind): boolean {
    const { puts, deletes, emits } = this.spec
    return kind === 'put' ? puts : kind === 'delete' ? deletes : emits
  }
}

/** The groups there are, by what they match. */
export class Matcher {
  private readonly groups = new Map<string, Group>()
  private readonly keys = new Map<string, Group[]>()
  /** By length, then by prefix. */
  private readonly prefixes = new Map<number, Map<string, Group[]>>()
  private readonly ranges: Group[] = []

  /** The group of a spec, with one watch more. */
  enter(spec: WatchSpec): Group {
    const name = nameOf(spec)
    let group = this.groups.get(name)
    if (group === undefined) {
      group = new Group(spec)
      this.groups.set(name, group)
      this.place(group)
    }
    group.size++
    return group
  }

  /** A watch of this group is over. */
  leave(group: Group): void {
    group.size--
    if (group.size > 0) return
    const { spec } = group
    this.groups.delete(nameOf(spec))
    const { start, end } = spec
    const length = prefixLength(spec)
    if (end === `${start}\0`) drop(this.keys, start, group)
    else if (length === undefined) this.ranges.splice(this.ranges.indexOf(group), 1)
    else {
      const sameLength = this.prefixes.get(length) as Map<string, Group[]>
      drop(sameLength, start.slice(0, length), group)
      if (sameLength.size === 0) this.prefixes.delete(length)
    }
  }

  private place(group: Group): void {
    const { start, end } = group.spec
    const length = prefixLength(group.spec)
    if (end === `${start}\0`) add(this.keys, start, group)
    else if (length === undefined) this.ranges.push(group)
    else {
      const sameLength = this.prefixes.get(length) ?? new Map<string, Group[]>()
      this.prefixes.set(length, sameLength)
      add(sameLength, start.slice(0, length), group)
    }
  }

  /** Visits every group that an event concerns. */
  match(event: EventView, visit: (group: Group) => void): void {
    const { key, kind } = event
    const exact = this.keys.get(key)
    if (exact !== undefined) for (const group of exact) if (group.wants(kind)) visit(group)
    for (const [length, sameLength] of this.prefixes) {
      if (length > key.length) continue
      const found = sameLength.get(key.slice(0, length))
      if (found !== undefined) for (const group of found) if (group.wants(kind)) visit(group)
    }
    for (const group of this.ranges) {
      const { start, end } = group.spec
      if (key >= start && (end === undefined || key < end) && group.wants(kind)) visit(group)
    }
  }
}

/** How long the prefix is that a range stands for, 0 for all keys; undefined for a range that is none. */
function prefixLength({ start, end }: WatchSpec): number | undefined {
  if (end === undefined) return start === '' || start === '\0' ? 0 : undefined
  return prefixEnd(start) === end ? start.length : undefined
}

function nameOf({ start, end, puts, deletes, emits, previous }: WatchSpec): string {
  const bits = (puts ? 1 : 0) | (deletes ? 2 : 0) | (emits ? 4 : 0) | (previous ? 8 : 0)
  return `${start.length}:${start}${end === undefined ? '' : `:${end}`}/${bits}`
}

function add(map: Map<string, Group[]>, key: string, group: Group): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [group])
  else list.push(group)
}

function drop(map: Map<string, Group[]>, key: string, group: Group): void {
  const list = map.get(key) as Group[]
  if (list.length === 1) map.delete(key)
  else list.splice(list.indexOf(group), 1)
}
