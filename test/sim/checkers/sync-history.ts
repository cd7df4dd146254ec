/** A history of locks and elections made by hand, for tests of checkers: one entry of the log for each step. */
import { fromLatin1, utf8 } from '../../../base/index.ts'
import type { Machine, SyncMode } from '../../../execution/index.ts'
import { syncKinds } from '../../../execution/index.ts'
import { encodeSyncEntry } from '../../../execution/sync/entry.ts'
import { entryName, resourceName } from '../../../execution/sync/key.ts'
import type { SyncFact } from '../../../src/testing/checkers/sync/facts.ts'
import { guardedPrefix, SyncLog } from '../../../src/testing/checkers/sync/log.ts'
import { entry } from './reports.ts'

interface Event {
  readonly kind: 'put' | 'delete'
  readonly key: string
  readonly value: Uint8Array
}

interface Given {
  readonly label: string
  readonly resource?: string
  readonly mode?: SyncMode
  readonly capacity?: number
  readonly value?: string
}

/** Somebody who wants something. */
export interface Party {
  readonly key: string
  readonly given: Given
  token: number
}

/** The log as one node applies it, with true time. */
export class SyncHistory {
  nowMs = 0
  readonly found: string[] = []
  readonly report = (what: string): void => void this.found.push(what)
  readonly log: SyncLog = new SyncLog(() => this.nowMs)
  revision = 0
  private index = 0

  /** Comes, and waits until it is granted. */
  queue(given: Given): Party {
    const [party, event] = this.coming(given)
    this.apply([[event]])
    return party
  }

  /** Comes and is granted at once. Returns it with its token, which is `token` if that is given. */
  grantAtOnce(given: Given, token = this.revision + 1): Party {
    const [party] = this.coming(given)
    party.token = token
    this.apply([[this.put(party)]])
    return party
  }

  /** Ends some and grants others, each in a revision of its own. */
  step({ end = [], grant = [] }: { readonly end?: readonly Party[]; readonly grant?: readonly Party[] }): void {
    const ends = end.map(({ key }): Event[] => [{ kind: 'delete', key, value: new Uint8Array() }])
    const grants = grant.map((party, at): Event[] => {
      party.token = this.revision + ends.length + at + 1
      return [this.put(party)]
    })
    this.apply([...ends, ...grants])
  }

  /** Proclaims a value. */
  proclaim(party: Party, value: string): void {
    this.apply([[this.put({ ...party, given: { ...party.given, value } })]])
  }

  /** A write under a guard. */
  write(party: Party, count = 0, token = party.token): void {
    const { label, resource = 'lock a' } = party.given
    const value = utf8(JSON.stringify({ resource, token, label, count }))
    this.apply([[{ kind: 'put', key: `${guardedPrefix}${resource}`, value }]])
  }

  /** One entry with these revisions. */
  apply(revisions: readonly (readonly Event[])[]): void {
    const from = this.revision
    this.revision += revisions.length
    const known = {
      ...{ revision: this.revision, compactRevision: 0 },
      visitEvents: (_from: number, visit: (view: object) => boolean) => {
        for (const [at, events] of revisions.entries()) {
          for (const { kind, key, value } of events) {
            visit({ revision: from + at + 1, kind, key, lease: 7, value: () => value })
          }
        }
      },
    }
    this.log.applied('n1', entry(++this.index, 1), known as unknown as Machine)
  }

  private coming(given: Given): [Party, Event] {
    const [kind = '', name = ''] = (given.resource ?? 'lock a').split(' ')
    const code = syncKinds[kind as keyof typeof syncKinds]
    const resource = resourceName({ kind: code, namespace: new Uint8Array(), name: utf8(name) })
    const party: Party = { key: entryName(resource, this.revision + 1), given, token: 0 }
    return [party, this.put(party)]
  }

  private put({ key, token, given }: Party): Event {
    const { mode = 'exclusive', capacity = 1, label, value = '' } = given
    const bytes = encodeSyncEntry({
      ...{ acquireId: fromLatin1('0123456789abcdef'), mode, capacity, token, sinceMs: 0, maxHoldMs: 0, deadline: 0 },
      ...{ label: utf8(label), value: utf8(value) },
    })
    return { kind: 'put', key, value: bytes }
  }
}

/** What a holder of a party reads. */
export function holderStep(
  { given, token }: Party,
  state: 'held' | 'uncertain' | 'lost' | 'released',
  signalled = state === 'lost' || state === 'released',
): SyncFact {
  const { label, resource = 'lock a' } = given
  return { kind: 'holder step', client: 'c', label, resource, token, state, signalled }
}
