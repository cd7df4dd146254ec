/**
 * Who holds what by the log: every acquisition, from the first node that applies each revision. This is the truth that what holders
 * believe is compared with. It finds nothing itself; checkers listen to it, change by change.
 */
import { text } from '../../../../base/index.ts'
import type { Entry } from '../../../../consensus/index.ts'
import { decodeSyncEntry, decodeSyncKey, syncKinds } from '../../../../execution/index.ts'
import type { Machine, SyncMode } from '../../../../execution/index.ts'
import type { Picture } from '../checker.ts'

/** Guarded writes go to keys that begin with this. */
export const guardedPrefix = '~guarded/'

/** One acquisition as the log has it. */
export interface Acquisition {
  /** Kind and name, as `lock a`. */
  readonly resource: string
  /** The revision at which it came; its place in the queue. */
  readonly sequence: number
  readonly label: string
  readonly lease: number
  readonly mode: SyncMode
  /** How many may share the resource; 0 for any number. */
  readonly capacity: number
  readonly maxHoldMs: number
  /** What its holder proclaimed, in order. */
  readonly values: string[]
  /** 0 while it waits. */
  token: number
  /** When a node had applied its grant and its end, in true time; undefined before. */
  grantedAtMs: number | undefined
  endedAtMs: number | undefined
}

/** A resource that is held or waited for. */
export interface Held {
  readonly name: string
  /** In the order of arrival. */
  readonly waiting: Acquisition[]
  /** In the order of grants. */
  readonly holders: Acquisition[]
}

/** A write under {@link guardedPrefix}. */
export interface GuardedWrite {
  readonly revision: number
  readonly key: string
  readonly value: string
}

/** Hears of changes in the order of the log. The picture is as it is right after the change. */
export interface SyncListener {
  queued?(one: Acquisition): void
  /** `revision` is where its grant stands, which should be its token. */
  granted?(one: Acquisition, revision: number, held: Held): void
  /** A new value under its key. */
  proclaimed?(one: Acquisition): void
  over?(one: Acquisition): void
  wrote?(write: GuardedWrite): void
  /** A cancel is remembered: its acquire has not come. */
  cancelledAhead?(): void
  /** An entry is applied to its end; these resources have changed. */
  settled?(changed: ReadonlySet<Held>): void
}

const kindNames: ReadonlyMap<number, string> = new Map(Object.entries(syncKinds).map(([name, code]) => [code, name]))

/** Keeps the truth. */
export class SyncLog implements Picture {
  /** False from the moment on at which something is not known. */
  whole = true
  /** By label, in the order of the log. One that was tried anew with another session is there twice. */
  readonly byLabel: Map<string, Acquisition[]> = new Map()
  readonly resources: Map<string, Held> = new Map()
  /** Every grant there ever was. */
  readonly byToken: Map<number, Acquisition> = new Map()
  private readonly listeners: SyncListener[] = []
  private readonly byKey = new Map<string, Acquisition>()
  private readonly changed = new Set<Held>()
  private readonly nowMs: () => number
  private revision = 0

  constructor(nowMs: () => number) {
    this.nowMs = nowMs
  }

  /** Lets one hear every change from now on. Returns it. */
  add<T extends SyncListener>(one: T): T {
    this.listeners.push(one)
    return one
  }

  /** The acquisition that holds a resource under a token now. */
  holder(resource: string, token: number): Acquisition | undefined {
    return this.resources.get(resource)?.holders.find((one) => one.token === token)
  }

  /** The acquisition of a label that was granted this token. */
  find(label: string, token: number): Acquisition | undefined {
    return this.byLabel.get(label)?.find((one) => one.token === token)
  }

  /** Acquisitions that wait or hold. */
  present(): IterableIterator<Acquisition> {
    return this.byKey.values()
  }

  loaded(_node: string, machine: Machine): void {
    if (machine.revision > this.revision) this.whole = false
  }

  applied(_node: string, _entry: Entry, machine: Machine): void {
    const from = this.revision + 1
    if (!this.whole || machine.revision < from) return
    this.revision = machine.revision
    if (machine.compactRevision > from) {
      this.whole = false
      return
    }
    machine.visitEvents(from, (view) => {
      const { revision, kind, key, lease } = view
      if (key.startsWith('\0s')) this.change(key, kind === 'delete' ? undefined : view.value(), revision, lease)
      else if (kind === 'put' && key.startsWith('\0x')) for (const each of this.listeners) each.cancelledAhead?.()
      else if (kind === 'put' && key.startsWith(guardedPrefix)) {
        for (const each of this.listeners) each.wrote?.({ revision, key, value: text(view.value()) })
      }
      return true
    })
    if (this.changed.size === 0) return
    for (const each of this.listeners) each.settled?.(this.changed)
    this.changed.clear()
  }

  private change(key: string, value: Uint8Array | undefined, revision: number, lease: number): void {
    const known = this.byKey.get(key)
    if (value === undefined) {
      if (known !== undefined) this.end(key, known)
      return
    }
    const content = decodeSyncEntry(value)
    const one = known ?? this.enqueue(key, content, lease)
    if (one === undefined) return
    const held = this.heldOf(one.resource)
    if (one.token !== content.token) {
      const at = held.waiting.indexOf(one)
      if (at >= 0) held.waiting.splice(at, 1)
      one.token = content.token
      one.grantedAtMs = this.nowMs()
      this.byToken.set(one.token, one)
      held.holders.push(one)
      for (const each of this.listeners) each.granted?.(one, revision, held)
    } else if (known !== undefined) {
      one.values.push(text(content.value))
      for (const each of this.listeners) each.proclaimed?.(one)
    }
  }

  private enqueue(key: string, content: ReturnType<typeof decodeSyncEntry>, lease: number): Acquisition | undefined {
    const at = decodeSyncKey(Uint8Array.from(key, (char) => char.charCodeAt(0)))
    if (at === undefined) return undefined
    const { mode, capacity, maxHoldMs, label, value } = content
    const one: Acquisition = {
      ...{ resource: resourceText(at.kind, at.name), sequence: at.sequence, label: text(label), lease, mode, capacity },
      ...{ maxHoldMs, values: [text(value)], token: 0, grantedAtMs: undefined, endedAtMs: undefined },
    }
    this.byKey.set(key, one)
    this.byLabel.set(one.label, [...(this.byLabel.get(one.label) ?? []), one])
    this.heldOf(one.resource).waiting.push(one)
    for (const each of this.listeners) each.queued?.(one)
    return one
  }

  private end(key: string, one: Acquisition): void {
    const held = this.heldOf(one.resource)
    const list = one.token === 0 ? held.waiting : held.holders
    const at = list.indexOf(one)
    if (at >= 0) list.splice(at, 1)
    this.byKey.delete(key)
    one.endedAtMs = this.nowMs()
    for (const each of this.listeners) each.over?.(one)
  }

  private heldOf(name: string): Held {
    const held = this.resources.get(name) ?? { name, waiting: [], holders: [] }
    this.resources.set(name, held)
    this.changed.add(held)
    return held
  }
}

/** A resource as text. */
export function resourceText(kind: number, name: Uint8Array): string {
  return `${kindNames.get(kind) ?? kind} ${text(name)}`
}

/** An acquisition in words. */
export function describeAcquisition({ resource, label, sequence, token }: Acquisition): string {
  return `${resource} of ${label}, queued at ${sequence}${token === 0 ? '' : `, token ${token}`}`
}
