/** The node that the gateway stands on, and what all its services need of it. */
import type { Clock, Crypto, Scheduler } from '../../../base/index.ts'
import {
  decodeHistoryResult,
  decodeRangeResult,
  defaultLimits,
  encodeHistoryArgs,
  encodeRangeArgs,
} from '../../../execution/codec.ts'
import type { KeyRange } from '../../../execution/codec.ts'
import type {
  Admin,
  Auth,
  Engine,
  Leases,
  NodeAuth,
  NodePosition,
  NodeStatus,
  Principal,
  ReadOptions,
} from '../../api/index.ts'
import type { CallContext } from './call.ts'
import { refuse } from './errors.ts'
import { storeToEtcd } from './revision.ts'
import type { Encodable } from './schema/index.ts'

/** A node as somebody sees it: everything that is asked of it is checked for them. */
export interface EtcdNodeFor {
  readonly engine: Engine
  readonly leases: Leases
  readonly admin: Admin
  readonly auth: Auth
}

/** The part of a node that the gateway uses. */
export interface EtcdNode {
  /** May do everything: for what tells callers nothing. */
  readonly engine: Engine
  readonly auth: NodeAuth
  as(principal: Principal): EtcdNodeFor
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

  /** The node, for everything that may be known or done by anybody. Throws RpcError while there is none. */
  private get owner(): EtcdNode {
    const node = this.source()
    if (node === undefined) throw refuse('noLeader')
    return node
  }

  /** The node as the caller may see it. Throws RpcError, NitroError. */
  async nodeFor({ token }: CallContext): Promise<EtcdNodeFor> {
    const { owner } = this
    return owner.as(await owner.auth.principalOf(token))
  }

  /** Throws RpcError, NitroError unless the caller is root, or permissions are not in force. */
  async requireRoot({ token }: CallContext): Promise<void> {
    const { auth } = this.owner
    auth.requireRoot(await auth.principalOf(token))
  }

  /** What lets users in. */
  get auth(): NodeAuth {
    return this.owner.auth
  }

  status(): NodeStatus {
    return this.owner.status()
  }

  position(): NodePosition {
    return this.owner.position()
  }

  get hasLeader(): boolean {
    return (this.source()?.position().leaderId ?? 0) !== 0
  }

  /** The header of a response about this revision of the store; by default the newest one that the node knows. */
  header(storeRevision?: number): Encodable<'ResponseHeader'> {
    const { id, term, revision } = this.position()
    return {
      cluster_id: this.clusterId(),
      member_id: id,
      revision: storeToEtcd(storeRevision ?? revision),
      raft_term: term,
    }
  }

  /** Waits until this node has applied everything that was acknowledged before, members included. Throws NitroError. */
  async barrier(timeoutMs: number): Promise<void> {
    // Any linearizable read is one.
    await this.compactRevision({ timeoutMs })
  }

  /** The oldest revision of the store that can be read; it tells nothing about keys. Throws NitroError. */
  async compactRevision(options: ReadOptions): Promise<number> {
    const args = encodeHistoryArgs({ key: Uint8Array.of(1), limit: 1 })
    return decodeHistoryResult(await this.owner.engine.query('kv', 'history', args, options)).compactRevision
  }

  /** A key up to which a range holds no more than one transaction may change; undefined when it holds none. Throws NitroError. */
  async cutOf(range: KeyRange, timeoutMs: number): Promise<Uint8Array | undefined> {
    // Asked as the owner: the caller hears nothing of the key, and what is done with it is checked.
    const args = encodeRangeArgs({ ...range, keysOnly: true, limit: defaultLimits.transactionKeys })
    return decodeRangeResult(await this.owner.engine.query('kv', 'range', args, { timeoutMs })).records.at(-1)?.key
  }

  private clusterId(): number {
    if (this.knownClusterId === 0) {
      const { clusterId } = this.status()
      if (clusterId !== '') this.knownClusterId = Number.parseInt(clusterId.slice(0, clusterIdDigits), 16)
    }
    return this.knownClusterId
  }
}
