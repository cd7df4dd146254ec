/** What the clients of the state engine of one run share: what was told so far, their leases, and their watches. */
import type { Fact, Known } from '../checkers/facts.ts'
import type { Cluster } from '../cluster.ts'
import type { Watcher } from './watchers.ts'

/** A lease that a client believes to have. */
export interface OwnLease {
  readonly id: number
  readonly ttlMs: number
}

/** The desk. */
export class Desk {
  /** The longest time to live that was asked for. */
  ttlMsMax = 0
  /** Faults are over: readers do not dawdle any more. */
  hurry = false
  readonly watchers: Watcher[] = []
  readonly leases = new Map<string, OwnLease[]>()
  private readonly cluster: Cluster
  private revision = 0

  constructor(cluster: Cluster) {
    this.cluster = cluster
  }

  /** What anybody was told so far, and what any node has compacted: it is committed. Whoever begins now must see as much. */
  known(): Known {
    return { revision: this.revision, compactRevision: this.cluster.watched.history.compactRevision }
  }

  /** Reports what a client was told. */
  tell(fact: Fact): void {
    const { checkers, trace, time } = this.cluster
    switch (fact.kind) {
      case 'read':
        if ('count' in fact.answer) this.revision = Math.max(this.revision, fact.answer.revision)
        break
      case 'write':
        this.revision = Math.max(this.revision, fact.revision)
        break
      default:
    }
    if (fact.kind !== 'watch') trace.add(time.nowMs, fact.kind, 'told', undefined, JSON.stringify(fact))
    checkers.told(fact)
  }

  /** The leases of one client. */
  leasesOf(client: string): OwnLease[] {
    const own = this.leases.get(client) ?? []
    this.leases.set(client, own)
    return own
  }

  /** Watches that have not come to this revision and are not over. */
  behind(revision: number): Watcher[] {
    return this.watchers.filter((one) => !one.over && one.through < revision)
  }
}
