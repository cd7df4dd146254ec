/** The Maintenance service: what operators ask of one node. */
import { utf8 } from '../../../base/index.ts'
import type { Sha256 } from '../../../base/index.ts'
import type { KvEntry } from '../../../execution/codec.ts'
import type { Backend } from './backend.ts'
import type { CallContext } from './call.ts'
import { refuse } from './errors.ts'
import { readPages } from './kv-range.ts'
import { service, stream, unary } from './methods.ts'
import type { Method } from './methods.ts'
import { etcdToStore, storeToEtcd } from './revision.ts'
import { RpcError } from './rpc-error.ts'
import type { Decoded, Encodable } from './schema/index.ts'
import { sendSnapshot } from './snapshot.ts'

/** The version of the API that is spoken; clients refuse servers of one that is too old. */
export const etcdVersion = '3.5.21'

const alarmActions = { activate: 1 } as const
/** What etcd says when nothing was ever compacted. */
const neverCompacted = -1

/** Methods of `etcdserverpb.Maintenance`. */
export function maintenanceService(backend: Backend): readonly Method[] {
  const maintenance = new MaintenanceService(backend)
  return service('etcdserverpb.Maintenance', [
    unary('Alarm', ['AlarmRequest', 'AlarmResponse'], ['/v3/maintenance/alarm'], (request) =>
      maintenance.alarm(request),
    ),
    unary('Status', ['StatusRequest', 'StatusResponse'], ['/v3/maintenance/status'], () => maintenance.status()),
    unary('Defragment', ['DefragmentRequest', 'DefragmentResponse'], ['/v3/maintenance/defragment'], (_request, call) =>
      maintenance.defragment(call),
    ),
    unary('Hash', ['HashRequest', 'HashResponse'], [], (_request, call) => maintenance.hash(call)),
    unary(
      'HashKV',
      ['HashKVRequest', 'HashKVResponse'],
      ['/v3/maintenance/hash', '/v3/maintenance/hashkv'],
      (request, call) => maintenance.hashKv(request, call),
    ),
    stream('Snapshot', ['SnapshotRequest', 'SnapshotResponse'], ['/v3/maintenance/snapshot'], (_request, call) =>
      sendSnapshot(backend, call, etcdVersion),
    ),
    unary(
      'MoveLeader',
      ['MoveLeaderRequest', 'MoveLeaderResponse'],
      ['/v3/maintenance/transfer-leadership'],
      (request, call) => maintenance.moveLeader(request, call),
    ),
  ])
}

class MaintenanceService {
  private readonly backend: Backend

  constructor(backend: Backend) {
    this.backend = backend
  }

  /** There are no alarms: a disk that is full or data that is damaged end a node. So none can be raised, and all can be cleared. */
  async alarm({ action }: Decoded<'AlarmRequest'>): Promise<Encodable<'AlarmResponse'>> {
    if (action === alarmActions.activate) throw new RpcError('unimplemented', 'etcdserver: alarms can not be raised')
    return { header: this.backend.header() }
  }

  async status(): Promise<Encodable<'StatusResponse'>> {
    const { commitIndex, appliedIndex, term, logBytes, role } = this.backend.status()
    const { leaderId } = this.backend.position()
    return {
      header: this.backend.header(),
      version: etcdVersion,
      dbSize: logBytes,
      dbSizeInUse: logBytes,
      leader: leaderId,
      raftIndex: commitIndex,
      raftTerm: term,
      raftAppliedIndex: appliedIndex,
      errors: leaderId === 0 ? [refuse('noLeader').message] : [],
      isLearner: role === 'learner',
    }
  }

  /** There is nothing to do: storage compacts itself. */
  async defragment(call: CallContext): Promise<Encodable<'DefragmentResponse'>> {
    await this.backend.requireRoot(call)
    return { header: this.backend.header() }
  }

  async hash(call: CallContext): Promise<Encodable<'HashResponse'>> {
    const { admin } = await this.backend.nodeFor(call)
    const { hash, revision } = await admin.hash()
    return { header: this.backend.header(revision), hash: Number.parseInt(hash.slice(0, 8), 16) }
  }

  /** A hash over all records at a revision: the same on every member, whatever each has forgotten of the past. */
  async hashKv({ revision: wish }: Decoded<'HashKVRequest'>, call: CallContext): Promise<Encodable<'HashKVResponse'>> {
    await this.backend.requireRoot(call)
    const { timeoutMs } = call
    const { engine } = await this.backend.nodeFor(call)
    const newest = this.backend.position().revision
    const revision = wish <= 0 ? newest : etcdToStore(wish)
    const options = { consistency: 'committed', timeoutMs } as const
    if (revision > newest) throw refuse('futureRevision')
    const compacted = await this.backend.compactRevision(options)
    if (revision < compacted) throw refuse('compacted')
    const hash = this.backend.crypto.createSha256()
    if (revision > 0) {
      const all = { start: Uint8Array.of(1), fromKey: true, revision }
      for await (const { records } of readPages(engine, all, options))
        for (const record of records) hashRecord(hash, record)
    }
    return {
      header: this.backend.header(),
      hash: Buffer.from(hash.digest()).readUInt32BE(0),
      compact_revision: compacted === 0 ? neverCompacted : storeToEtcd(compacted),
      hash_revision: storeToEtcd(revision),
    }
  }

  async moveLeader(
    { targetID }: Decoded<'MoveLeaderRequest'>,
    call: CallContext,
  ): Promise<Encodable<'MoveLeaderResponse'>> {
    await this.backend.requireRoot(call)
    const { admin } = await this.backend.nodeFor(call)
    const { id, leaderId } = this.backend.position()
    if (id !== leaderId) throw refuse('notLeader')
    const target = (await admin.members()).find((member) => member.id === targetID)
    if (target === undefined || target.role !== 'voter') throw refuse('badTransferee')
    await admin.transferLeadership(target.name, { timeoutMs: call.timeoutMs })
    return { header: this.backend.header() }
  }
}

function hashRecord(hash: Sha256, record: KvEntry): void {
  const { key, value, createRevision, modRevision, version, lease } = record
  hash.update(utf8(`${key.length},${value.length},${createRevision},${modRevision},${version},${lease};`))
  hash.update(key)
  hash.update(value)
}
