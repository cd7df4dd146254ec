/** An event log in memory, written from the rules of watches alone: what the hub is tested against without a machine. */
import { NitroError, latin1, utf8 } from '../../base/index.ts'
import type { EventView } from '../../execution/index.ts'
import type { EventSource } from '../../src/replica/watch/types.ts'
import type { Change } from '../../src/testing/checkers/watch.ts'

interface Recorded {
  readonly revision: number
  readonly position: number
  readonly kind: Change['type']
  readonly key: string
  readonly value: string
  readonly createRevision: number
  readonly version: number
  readonly before: Recorded | undefined
}

/** Grows by revisions, and forgets by compaction. */
export class FakeSource implements EventSource {
  revision = 0
  compactRevision = 1
  damage: NitroError | undefined = undefined
  /** Events visited, for tests of how much work is done. */
  visited = 0
  /** Makes the next visit fail as damaged state would. */
  broken = false
  private events: Recorded[] = []
  private readonly current = new Map<string, Recorded>()

  /** Writes one revision; without changes it is one that changed no key. */
  write(...changes: readonly Change[]): number {
    const revision = ++this.revision
    changes.forEach(({ type, key: given, value = '' }, position) => {
      const key = latin1(utf8(given))
      const before = type === 'emit' ? undefined : this.current.get(key)
      const lives = type === 'put'
      const createRevision = lives ? (before?.createRevision ?? revision) : 0
      const version = lives ? (before?.version ?? 0) + 1 : 0
      const event = { revision, position, kind: type, key, value, createRevision, version, before }
      this.events.push(event)
      if (type === 'put') this.current.set(key, event)
      if (type === 'delete') this.current.delete(key)
    })
    return revision
  }

  compact(revision: number): void {
    this.compactRevision = revision
    this.events = this.events.filter((event) => event.revision >= revision)
  }

  /** Another node's log, which stands at this revision. */
  at(revision: number): FakeSource {
    const copy = new FakeSource()
    copy.revision = revision
    copy.compactRevision = Math.min(this.compactRevision, revision)
    copy.events = this.events.filter((event) => event.revision <= revision)
    return copy
  }

  /** Takes over what happened meanwhile in the log this one is a copy of. */
  catchUp(original: FakeSource, revision: number): void {
    const next = original.at(revision)
    this.revision = next.revision
    this.compactRevision = next.compactRevision
    this.events = next.events
  }

  visitEvents(fromRevision: number, visit: (event: EventView) => boolean): void {
    if (fromRevision < this.compactRevision) {
      const details = { compactRevision: this.compactRevision }
      throw new NitroError('Compacted', `history begins at ${this.compactRevision}`, { details })
    }
    let low = 0
    let high = this.events.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.events[middle] as Recorded).revision < fromRevision) low = middle + 1
      else high = middle
    }
    for (let i = low; i < this.events.length; i++) {
      if (this.broken) throw new NitroError('StateDamaged', 'a record is damaged')
      const event = this.events[i] as Recorded
      this.visited++
      const { revision, position, kind, key, createRevision, version, before } = event
      const more = visit({
        ...{ revision, position, kind, key, createRevision, version, lease: 0 },
        lastOfRevision: this.events[i + 1]?.revision !== revision,
        value: () => utf8(event.value),
        previous: () =>
          before === undefined || revision === this.compactRevision
            ? undefined
            : {
                ...{ createRevision: before.createRevision, modRevision: before.revision, version: before.version },
                ...{ lease: 0, value: utf8(before.value) },
              },
      })
      if (!more) return
    }
  }
}
