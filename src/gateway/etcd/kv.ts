/** The KV service. */
import { isNitroError } from '../../../base/index.ts'
import {
  decodeCompactResult,
  decodePutResult,
  decodeRemoveResult,
  decodeTxnResult,
  decodeWriteResult,
  encodeCompactArgs,
  encodePutArgs,
  encodeRemoveArgs,
  encodeTxnArgs,
  encodeWriteArgs,
} from '../../../execution/codec.ts'
import type { Backend } from './backend.ts'
import type { CallContext } from './call.ts'
import { refuse } from './errors.ts'
import { deleteRange } from './kv-delete.ts'
import { readRange } from './kv-range.ts'
import {
  deleteOperationOf,
  keyValueOf,
  previousOf,
  putOperationOf,
  rangeRequestOf,
  rangeResponseOf,
  txnOf,
  txnResponseOf,
} from './kv-requests.ts'
import { service, unary } from './methods.ts'
import type { Method } from './methods.ts'
import { etcdToStore } from './revision.ts'
import type { Decoded, Encodable } from './schema/index.ts'

/** Methods of `etcdserverpb.KV`. */
export function kvService(backend: Backend): readonly Method[] {
  const kv = new KvService(backend)
  return service('etcdserverpb.KV', [
    unary('Range', ['RangeRequest', 'RangeResponse'], ['/v3/kv/range'], (request, call) => kv.range(request, call)),
    unary('Put', ['PutRequest', 'PutResponse'], ['/v3/kv/put'], (request, call) => kv.put(request, call)),
    unary('DeleteRange', ['DeleteRangeRequest', 'DeleteRangeResponse'], ['/v3/kv/deleterange'], (request, call) =>
      kv.deleteRange(request, call),
    ),
    unary('Txn', ['TxnRequest', 'TxnResponse'], ['/v3/kv/txn'], (request, call) => kv.txn(request, call)),
    unary('Compact', ['CompactionRequest', 'CompactionResponse'], ['/v3/kv/compaction'], (request, call) =>
      kv.compact(request, call),
    ),
  ])
}

class KvService {
  private readonly backend: Backend

  constructor(backend: Backend) {
    this.backend = backend
  }

  async range(request: Decoded<'RangeRequest'>, call: CallContext): Promise<Encodable<'RangeResponse'>> {
    const consistency = request.serializable ? 'committed' : 'linearizable'
    const wish = rangeRequestOf(request)
    const { timeoutMs } = call
    const { engine } = await this.backend.nodeFor(call)
    if (request.revision === 1 && (await this.backend.compactRevision({ consistency, timeoutMs })) > 0)
      throw refuse('compacted')
    const result = await readRange(engine, wish, { consistency, timeoutMs })
    return rangeResponseOf(result, this.backend.header(result.revision))
  }

  async put(request: Decoded<'PutRequest'>, call: CallContext): Promise<Encodable<'PutResponse'>> {
    const op = putOperationOf(request)
    const { timeoutMs } = call
    const { engine } = await this.backend.nodeFor(call)
    const isPlain = op.lease === 0 && !op.prevKv && !op.ignoreValue && !op.ignoreLease
    if (isPlain) {
      const payload = await engine.command('kv', 'put', encodePutArgs(op.key, op.value), { timeoutMs })
      return { header: this.backend.header(decodePutResult(payload).revision) }
    }
    const payload = await engine.command('kv', 'write', encodeWriteArgs(op), { timeoutMs })
    const { revision, previous } = decodeWriteResult(payload)
    return { header: this.backend.header(revision), ...previousOf(previous) }
  }

  async deleteRange(
    request: Decoded<'DeleteRangeRequest'>,
    call: CallContext,
  ): Promise<Encodable<'DeleteRangeResponse'>> {
    const op = deleteOperationOf(request)
    const { timeoutMs } = call
    const { engine } = await this.backend.nodeFor(call)
    if (!op.prevKv) {
      const { revision, deleted } = await deleteRange(engine, op.range, call, (range, patienceMs) =>
        this.backend.cutOf(range, patienceMs),
      )
      return { header: this.backend.header(revision), deleted }
    }
    const payload = await engine.command('kv', 'remove', encodeRemoveArgs(op), { timeoutMs })
    const { revision, deleted, previous } = decodeRemoveResult(payload)
    return { header: this.backend.header(revision), deleted, prev_kvs: previous.map(keyValueOf) }
  }

  async txn(request: Decoded<'TxnRequest'>, call: CallContext): Promise<Encodable<'TxnResponse'>> {
    const args = encodeTxnArgs(txnOf(request))
    const { timeoutMs } = call
    const { engine } = await this.backend.nodeFor(call)
    const payload = await engine.command('kv', 'txn', args, { timeoutMs }).catch((error: unknown) => {
      // Everything else that it says of an argument was looked at before.
      throw isNitroError(error, 'InvalidArgument') ? refuse('duplicateKey') : error
    })
    const result = decodeTxnResult(payload)
    return txnResponseOf(result, this.backend.header(result.revision))
  }

  async compact(request: Decoded<'CompactionRequest'>, call: CallContext): Promise<Encodable<'CompactionResponse'>> {
    if (request.revision <= 0) throw refuse('compacted')
    const revision = etcdToStore(Math.min(request.revision, Number.MAX_SAFE_INTEGER))
    const { timeoutMs } = call
    const { engine } = await this.backend.nodeFor(call)
    const payload = await engine.command('kv', 'compact', encodeCompactArgs(revision), { timeoutMs })
    return { header: this.backend.header(decodeCompactResult(payload).revision) }
  }
}
