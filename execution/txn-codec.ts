/**
 * Arguments and results of kv.write, kv.remove and kv.txn.
 *
 *   write      put                                   -> uint revision, put answer
 *   remove     delete                                -> uint revision, delete answer
 *   txn        transaction                           -> uint revision, transaction answer
 *
 *   put          u8 bits (1 previous record, 2 keep value, 4 keep lease), uint lease, blob key, blob value
 *   delete       u8 bits (1 deleted records), key range
 *   transaction  uint n, n x condition; uint n, n x operation (success); uint n, n x operation (failure)
 *   condition    u8 target, u8 relation, key range, then by target: blob value | uint | u8; held: u8 target, u8 0, resource, uint token
 *   operation    u8 kind, success: 1 put | 2 delete | 3 blob of kv.range arguments | 4 transaction
 *
 *   put answer          u8 n (0 or 1), n x record
 *   delete answer       uint deleted, uint n, n x record
 *   transaction answer  u8 succeeded, uint n, n x (u8 kind, answer); a range's is the blob of a kv.range payload
 */
import { ByteReader, ByteWriter, NitroError } from '../base/index.ts'
import {
  decodeRangeArgs,
  decodeRangeResult,
  encodeRangeArgs,
  readKeyRange,
  readKvEntry,
  writeKeyRange,
} from './kv-codec.ts'
import type { KvEntry, RangeResult } from './kv-codec.ts'
import { readResource, writeResource } from './sync/codec.ts'
import type { Condition, DeleteOperation, Operation, PutOperation, Relation, Txn } from './txn.ts'

/** Kinds of operations as they are written; kinds of answers, too. */
export const operationKinds = { put: 1, delete: 2, range: 3, txn: 4 } as const

const targets = ['value', 'version', 'create', 'mod', 'lease', 'exists', 'held'] as const
const relations: readonly Relation[] = ['=', '!=', '<', '>']
const putBits = { prevKv: 1, ignoreValue: 2, ignoreLease: 4 } as const

/** A decoder goes no deeper than this, whatever the limits of the machine: bytes must not overflow its stack. */
const decodeDepthMax = 64

/** The answer of a put with options. */
export interface PutAnswer {
  /** The record before, if it was asked for and there was one. */
  readonly previous: KvEntry | undefined
}

/** The answer of a delete with options. */
export interface DeleteAnswer {
  readonly deleted: number
  /** The deleted records in key order, if they were asked for. */
  readonly previous: readonly KvEntry[]
}

/** The answer of one operation. */
export type OperationAnswer =
  | ({ readonly kind: 'put' } & PutAnswer)
  | ({ readonly kind: 'delete' } & DeleteAnswer)
  | ({ readonly kind: 'range' } & RangeResult)
  | ({ readonly kind: 'txn' } & TxnAnswer)

/** The answer of a transaction. */
export interface TxnAnswer {
  /** Whether all conditions held, so that `success` ran. */
  readonly succeeded: boolean
  /** One answer for each operation that ran, in order. */
  readonly answers: readonly OperationAnswer[]
}

/** An answer, and the revision of the state after it. */
export type Revised<T> = T & { readonly revision: number }

/** Arguments of kv.write. */
export function encodeWriteArgs(op: Omit<PutOperation, 'kind'>): Uint8Array {
  const writer = new ByteWriter(op.key.length + op.value.length + 24)
  writePutOperation(writer, op)
  return writer.take()
}

/** Arguments of kv.remove. Throws `InvalidArgument` for an end beside `fromKey`. */
export function encodeRemoveArgs(op: Omit<DeleteOperation, 'kind'>): Uint8Array {
  const writer = new ByteWriter(64)
  writeDeleteOperation(writer, op)
  return writer.take()
}

/** Arguments of kv.txn. Throws `InvalidArgument` for an end beside `fromKey`. */
export function encodeTxnArgs(txn: Txn): Uint8Array {
  const writer = new ByteWriter(256)
  writeTxn(writer, txn)
  return writer.take()
}

/** The put of kv.write's arguments; its bytes are views. Throws `MalformedFrame`. */
export function decodeWriteArgs(reader: ByteReader): PutOperation {
  const op = readPutOperation(reader)
  reader.finish()
  return op
}

/** The delete of kv.remove's arguments; its bytes are views. Throws `MalformedFrame`. */
export function decodeRemoveArgs(reader: ByteReader): DeleteOperation {
  const op = readDeleteOperation(reader)
  reader.finish()
  return op
}

/** The transaction of kv.txn's arguments; its bytes are views. Throws `MalformedFrame`, or `LimitExceeded` for one too deep. */
export function decodeTxnArgs(reader: ByteReader): Txn {
  const txn = readTxn(reader, 0)
  reader.finish()
  return txn
}

/** The payload of a kv.write's result. The bytes of records are views into it, here and below. */
export function decodeWriteResult(payload: Uint8Array): Revised<PutAnswer> {
  return revised(payload, readPutAnswer)
}

/** The payload of a kv.remove's result. */
export function decodeRemoveResult(payload: Uint8Array): Revised<DeleteAnswer> {
  return revised(payload, readDeleteAnswer)
}

/** The payload of a kv.txn's result. */
export function decodeTxnResult(payload: Uint8Array): Revised<TxnAnswer> {
  return revised(payload, readTxnAnswer)
}

function writePutOperation(writer: ByteWriter, op: Omit<PutOperation, 'kind'>): void {
  writer.u8(
    (op.prevKv ? putBits.prevKv : 0) |
      (op.ignoreValue ? putBits.ignoreValue : 0) |
      (op.ignoreLease ? putBits.ignoreLease : 0),
  )
  writer.uint(op.lease)
  writer.blob(op.key)
  writer.blob(op.value)
}

function readPutOperation(reader: ByteReader): PutOperation {
  const bits = readBits(reader, putBits.prevKv | putBits.ignoreValue | putBits.ignoreLease)
  return {
    kind: 'put',
    prevKv: (bits & putBits.prevKv) !== 0,
    ignoreValue: (bits & putBits.ignoreValue) !== 0,
    ignoreLease: (bits & putBits.ignoreLease) !== 0,
    lease: reader.uint(),
    key: reader.blob(),
    value: reader.blob(),
  }
}

function writeDeleteOperation(writer: ByteWriter, op: Omit<DeleteOperation, 'kind'>): void {
  writer.u8(op.prevKv ? 1 : 0)
  writeKeyRange(writer, op.range)
}

function readDeleteOperation(reader: ByteReader): DeleteOperation {
  const prevKv = readBits(reader, 1) !== 0
  return { kind: 'delete', prevKv, range: readKeyRange(reader) }
}

function writeTxn(writer: ByteWriter, txn: Txn): void {
  writer.uint(txn.conditions.length)
  for (const condition of txn.conditions) writeCondition(writer, condition)
  for (const branch of [txn.success, txn.failure]) {
    writer.uint(branch.length)
    for (const op of branch) writeOperation(writer, op)
  }
}

function writeCondition(writer: ByteWriter, condition: Condition): void {
  writer.u8(targets.indexOf(condition.target))
  writer.u8('relation' in condition ? relations.indexOf(condition.relation) : 0)
  if (condition.target === 'held') {
    writeResource(writer, condition.grant)
    writer.uint(condition.grant.token)
    return
  }
  writeKeyRange(writer, condition.range)
  if (condition.target === 'value') writer.blob(condition.value)
  else if (condition.target === 'exists') writer.u8(condition.exists ? 1 : 0)
  else writer.uint(condition.number)
}

function writeOperation(writer: ByteWriter, op: Operation): void {
  writer.u8(operationKinds[op.kind])
  if (op.kind === 'put') writePutOperation(writer, op)
  else if (op.kind === 'delete') writeDeleteOperation(writer, op)
  else if (op.kind === 'range') writer.blob(encodeRangeArgs(op.request))
  else writeTxn(writer, op.txn)
}

function readTxn(reader: ByteReader, depth: number): Txn {
  if (depth > decodeDepthMax) {
    const details = { name: 'transactionDepth', limit: decodeDepthMax }
    throw new NitroError('LimitExceeded', 'transactions nested too deeply', { details })
  }
  return {
    conditions: readList(reader, readCondition),
    success: readList(reader, (from) => readOperation(from, depth)),
    failure: readList(reader, (from) => readOperation(from, depth)),
  }
}

function readCondition(reader: ByteReader): Condition {
  const target = targets[reader.u8()]
  const relation = relations[reader.u8()]
  if (target === undefined || relation === undefined) throw malformed('a condition of an unknown kind')
  if (target === 'held') {
    if (relation !== '=') throw malformed('a condition of an unknown kind')
    return { target, grant: { ...readResource(reader), token: reader.uint() } }
  }
  const range = readKeyRange(reader)
  if (target === 'value') return { target, range, relation, value: reader.blob() }
  if (target !== 'exists') return { target, range, relation, number: reader.uint() }
  if (relation !== '=') throw malformed('a condition of an unknown kind')
  return { target, range, exists: readBits(reader, 1) !== 0 }
}

function readOperation(reader: ByteReader, depth: number): Operation {
  switch (reader.u8()) {
    case operationKinds.put:
      return readPutOperation(reader)
    case operationKinds.delete:
      return readDeleteOperation(reader)
    case operationKinds.range:
      return { kind: 'range', request: decodeRangeArgs(reader.blob()) }
    case operationKinds.txn:
      return { kind: 'txn', txn: readTxn(reader, depth + 1) }
    default:
      throw malformed('an operation of an unknown kind')
  }
}

function revised<T extends object>(payload: Uint8Array, read: (reader: ByteReader) => T): Revised<T> {
  const reader = new ByteReader(payload)
  const revision = reader.uint()
  const answer = read(reader)
  reader.finish()
  return { ...answer, revision }
}

function readPutAnswer(reader: ByteReader): PutAnswer {
  return { previous: readBits(reader, 1) === 0 ? undefined : readKvEntry(reader) }
}

function readDeleteAnswer(reader: ByteReader): DeleteAnswer {
  return { deleted: reader.uint(), previous: readList(reader, readKvEntry) }
}

function readTxnAnswer(reader: ByteReader): TxnAnswer {
  return { succeeded: readBits(reader, 1) !== 0, answers: readList(reader, readOperationAnswer) }
}

function readOperationAnswer(reader: ByteReader): OperationAnswer {
  switch (reader.u8()) {
    case operationKinds.put:
      return { kind: 'put', ...readPutAnswer(reader) }
    case operationKinds.delete:
      return { kind: 'delete', ...readDeleteAnswer(reader) }
    case operationKinds.range:
      return { kind: 'range', ...decodeRangeResult(reader.blob()) }
    case operationKinds.txn:
      return { kind: 'txn', ...readTxnAnswer(reader) }
    default:
      throw malformed('an answer of an unknown kind')
  }
}

function readList<T>(reader: ByteReader, read: (reader: ByteReader) => T): T[] {
  const count = reader.uint()
  if (count > reader.remaining) throw malformed(`${count} items in ${reader.remaining} bytes`)
  const items: T[] = []
  for (let i = 0; i < count; i++) items.push(read(reader))
  return items
}

function readBits(reader: ByteReader, known: number): number {
  const bits = reader.u8()
  if ((bits & ~known) !== 0) throw malformed(`options ${bits}`)
  return bits
}

function malformed(what: string): NitroError {
  return new NitroError('MalformedFrame', `transaction: ${what}`)
}
