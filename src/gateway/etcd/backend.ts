/** The node that the gateway stands on, and what all its services need of it. */
import type { Clock, Crypto, Scheduler } from '../../../base/index.ts'
import type { Admin, Engine, Leases, NodePosition, NodeStatus } from '../../api/index.ts'
import { refuse } from './errors.ts'
import { compactRevision } from './kv-range.ts'
import { storeToEtcd } from './revision.ts'
import type { Encodable } from './schema/index.ts'

/** The part of a node that the gateway uses. */
export interface EtcdNode {
  readonly engine: Engine
  readonly leases: Leases
  readonly admin: Admin
  status(): NodeStatus
  position(): NodePosition
}

/** What a {@link Backend} stands on. */
export interface BackendOptions {
  /** The node; undefined while it is being opened and after it has ended. */
  readonly node: () => EtcdNode | undefined
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly crypto: Crypto
}

/** Digits of the cluster's id that are told: as many as a number holds exactly. */
const clusterIdDigits = 13

/** One node's side of the gateway. */
export class Backend {
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly crypto: Crypto
  private readonly source: () => EtcdNode | undefined
  private knownClusterId = 0

  constructor({ node, clock, scheduler, crypto }: BackendOptions) {
    this.source = node
    this.clock = clock
    this.scheduler = scheduler
    this.crypto = crypto
  }

  /** The node. Throws RpcError while there is none. */
  get node(): EtcdNode {
    const node = this.source()
    if (node === undefined) throw refuse('noLeader')
    return node
  }

  get hasLeader(): boolean {
    return (this.source()?.position().leaderId ?? 0) !== 0
  }

  /** The node's current revision, as etcd counts. */
  get revision(): number {
    return storeToEtcd(this.node.position().revision)
  }

  /** The header of a response about this revision of the store; by default the newest one that the node knows. */
  header(storeRevision?: number): Encodable<'ResponseHeader'> {
    const { node } = this
    const { id, term, revision } = node.position()
    return {
      cluster_id: this.clusterId(node),
      member_id: id,
      revision: storeToEtcd(storeRevision ?? revision),
      raft_term: term,
    }
  }

  /** Waits until this node has applied everything that was acknowledged before, members included. Throws NitroError. */
  async barrier(timeoutMs: number): Promise<void> {
    // Any linearizable read is one.
    await compactRevision(this.node.engine, { timeoutMs })
  }

  private clusterId(node: EtcdNode): number {
    if (this.knownClusterId === 0) {
      const { clusterId } = node.status()
      if (clusterId !== '') this.knownClusterId = Number.parseInt(clusterId.slice(0, clusterIdDigits), 16)
    }
    return this.knownClusterId
  }
}
