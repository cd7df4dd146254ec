/** Requests and responses of the KV service, from etcd's form to that of the kv program and back. */
import type {
  Condition,
  DeleteOperation,
  KvEntry,
  Operation,
  OperationAnswer,
  PutOperation,
  RangeRequest,
  RangeResult,
  RangeSort,
  Relation,
  Txn,
  TxnAnswer,
} from '../../../execution/codec.ts'
import { defaultLimits } from '../../../execution/codec.ts'
import { refuse } from './errors.ts'
import { keyRangeOf, noKeys, writableKey } from './key-range.ts'
import { leaseIdOf } from './lease-id.ts'
import { etcdToStore, storeToEtcd } from './revision.ts'
import { RpcError } from './rpc-error.ts'
import type { Decoded, Encodable } from './schema/index.ts'

const sorts: readonly RangeSort[] = ['key', 'version', 'create', 'mod', 'value']
const relations: readonly Relation[] = ['=', '>', '<', '!=']
const orders = { none: 0, ascend: 1, descend: 2 } as const
const targets = { version: 0, create: 1, mod: 2, value: 3, lease: 4 } as const
/** No number of a record is as great. */
const beyond = Number.MAX_SAFE_INTEGER

/** A range read. Throws RpcError. */
export function rangeRequestOf(request: Decoded<'RangeRequest'>): RangeRequest {
  const sort = sorts[request.sort_target]
  const order = request.sort_order
  if (sort === undefined || order < orders.none || order > orders.descend) throw refuse('invalidSort')
  const range = keyRangeOf(request.key, request.range_end)
  // At revision 1 there was nothing yet.
  const { start, end, fromKey } = request.revision === 1 ? noKeys : range
  return {
    start,
    end,
    fromKey,
    limit: Math.min(Math.max(0, request.limit), beyond),
    reverse: order === orders.descend,
    revision: etcdToStore(bound(request.revision)),
    sort,
    minModRevision: lowerBound(request.min_mod_revision, request.max_mod_revision),
    maxModRevision: etcdToStore(bound(request.max_mod_revision)),
    minCreateRevision: lowerBound(request.min_create_revision, request.max_create_revision),
    maxCreateRevision: etcdToStore(bound(request.max_create_revision)),
    keysOnly: request.keys_only,
    countOnly: request.count_only,
  }
}

/** 0, and what is below it, is none. */
function bound(revision: number): number {
  return Math.min(Math.max(0, revision), beyond)
}

/** An upper bound of 1, where there is nothing, would be 0 inside, which is none: then the lower one says that nothing is meant. */
function lowerBound(least: number, most: number): number {
  return most === 1 ? beyond : etcdToStore(bound(least))
}

/** A put. Throws RpcError. */
export function putOperationOf(request: Decoded<'PutRequest'>): PutOperation {
  const key = writableKey(request.key)
  if (request.ignore_value && request.value.length > 0) throw refuse('valueProvided')
  if (request.ignore_lease && request.lease !== 0) throw refuse('leaseProvided')
  return {
    kind: 'put',
    key,
    value: request.value,
    lease: request.lease === 0 ? 0 : leaseIdOf(request.lease),
    prevKv: request.prev_kv,
    ignoreValue: request.ignore_value,
    ignoreLease: request.ignore_lease,
  }
}

/** A delete. Throws RpcError. */
export function deleteOperationOf(request: Decoded<'DeleteRangeRequest'>): DeleteOperation {
  return { kind: 'delete', range: keyRangeOf(request.key, request.range_end), prevKv: request.prev_kv }
}

/** A transaction. Throws RpcError for what etcd refuses without looking at its state. */
export function txnOf(request: Decoded<'TxnRequest'>, allowed: number = defaultLimits.transactionOps): Txn {
  const { compare, success, failure } = request
  const here = Math.max(compare.length, success.length, failure.length)
  if (here > allowed) throw refuse('tooManyOps')
  const operation = (op: Decoded<'RequestOp'>): Operation => operationOf(op, allowed - here)
  return {
    conditions: compare.map(conditionOf),
    success: success.map(operation),
    failure: failure.map(operation),
  }
}

function operationOf(op: Decoded<'RequestOp'>, allowed: number): Operation {
  if (op.request_range !== null) return { kind: 'range', request: rangeRequestOf(op.request_range) }
  if (op.request_put !== null) return putOperationOf(op.request_put)
  if (op.request_delete_range !== null) return deleteOperationOf(op.request_delete_range)
  if (op.request_txn !== null) return { kind: 'txn', txn: txnOf(op.request_txn, allowed) }
  throw refuse('keyNotFound')
}

function conditionOf(compare: Decoded<'Compare'>): Condition {
  const range = keyRangeOf(compare.key, compare.range_end)
  const relation = relations[compare.result]
  if (relation === undefined) throw new RpcError('invalidArgument', 'etcdserver: unknown comparison')
  switch (compare.target) {
    case targets.value:
      return { target: 'value', range, relation, value: compare.value ?? new Uint8Array(0) }
    case targets.version:
      return { target: 'version', range, ...numberTest(relation, compare.version ?? 0) }
    case targets.lease:
      return { target: 'lease', range, ...numberTest(relation, compare.lease ?? 0) }
    case targets.create:
      return { target: 'create', range, ...revisionTest(relation, compare.create_revision ?? 0) }
    case targets.mod:
      return { target: 'mod', range, ...revisionTest(relation, compare.mod_revision ?? 0) }
    default:
      throw new RpcError('invalidArgument', 'etcdserver: unknown comparison')
  }
}

interface NumberTest {
  readonly relation: Relation
  readonly number: number
}

const always: NumberTest = { relation: '<', number: beyond }
const never: NumberTest = { relation: '>', number: beyond }

/** The same test of a number that is from 0 to 2^53. */
function numberTest(relation: Relation, operand: number): NumberTest {
  if (operand < 0) return relation === '>' || relation === '!=' ? always : never
  return { relation, number: Math.min(operand, beyond) }
}

/** The same test of a revision inside, which is 0 for 0 and one less for any other. */
function revisionTest(relation: Relation, operand: number): NumberTest {
  if (operand !== 1) return numberTest(relation, operand <= 0 ? operand : operand - 1)
  if (relation === '<') return { relation: '=', number: 0 }
  if (relation === '>') return { relation: '>', number: 0 }
  return relation === '!=' ? always : never
}

/** A record. */
export function keyValueOf(entry: KvEntry): Encodable<'KeyValue'> {
  const { key, value, createRevision, modRevision, version, lease } = entry
  return {
    key,
    create_revision: storeToEtcd(createRevision),
    mod_revision: storeToEtcd(modRevision),
    version,
    value,
    ...(lease === 0 ? {} : { lease }),
  }
}

/** The answer of a read. */
export function rangeResponseOf(
  { records, more, count }: Pick<RangeResult, 'records' | 'more' | 'count'>,
  header: Encodable<'ResponseHeader'>,
): Encodable<'RangeResponse'> {
  return { header, kvs: records.map(keyValueOf), ...(more ? { more } : {}), count }
}

/** The answer of a transaction; `header` is for it, answers within it tell the revision only. */
export function txnResponseOf(
  { succeeded, answers }: TxnAnswer,
  header: Encodable<'ResponseHeader'>,
): Encodable<'TxnResponse'> {
  const inner = { revision: header.revision }
  return { header, succeeded, responses: answers.map((answer) => responseOf(answer, inner)) }
}

function responseOf(answer: OperationAnswer, header: Encodable<'ResponseHeader'>): Encodable<'ResponseOp'> {
  switch (answer.kind) {
    case 'range':
      return { response_range: rangeResponseOf(answer, header) }
    case 'put':
      return { response_put: { header, ...previousOf(answer.previous) } }
    case 'delete':
      return {
        response_delete_range: { header, deleted: answer.deleted, prev_kvs: answer.previous.map(keyValueOf) },
      }
    case 'txn':
      return { response_txn: txnResponseOf(answer, header) }
  }
}

/** The record before, if there is one. */
export function previousOf(entry: KvEntry | undefined): { readonly prev_kv?: Encodable<'KeyValue'> } {
  return entry === undefined ? {} : { prev_kv: keyValueOf(entry) }
}
