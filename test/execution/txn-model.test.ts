/** Random transactions on a machine against an obvious model, in steps that may be flushed and restarted between. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareBytes, latin1, utf8 } from '../../base/index.ts'
import {
  decodeRemoveResult,
  decodeTxnResult,
  decodeWriteResult,
  encodeLeaseGrantArgs,
  encodeRemoveArgs,
  encodeTxnArgs,
  encodeWriteArgs,
} from '../../execution/index.ts'
import type { Condition, KvEntry, Operation, OperationAnswer, PutOperation, Txn } from '../../execution/index.ts'
import { Box, call, codeOf, payloadOf, put as plainPut } from './harness.ts'

interface ModelRecord {
  value: string
  create: number
  mod: number
  version: number
  lease: number
}

interface Keys {
  readonly start: string
  readonly end: string
}

type ModelAnswer =
  | { kind: 'put'; previous: unknown }
  | { kind: 'delete'; deleted: number; previous: unknown[] }
  | { kind: 'range'; count: number; records: unknown[] }
  | { kind: 'txn'; succeeded: boolean; answers: ModelAnswer[] }

/** Operations as the model reads them; the machine gets the same as bytes. */
type ModelOp =
  | (Omit<PutOperation, 'key' | 'value'> & { readonly key: string; readonly value: string })
  | { readonly kind: 'delete'; readonly keys: Keys; readonly prevKv: boolean }
  | { readonly kind: 'range'; readonly keys: Keys; readonly limit: number }
  | { readonly kind: 'txn'; readonly txn: ModelTxn }

/** What conditions look at; grants have a model of their own. */
type ModelTarget = Exclude<Condition['target'], 'held'>

interface ModelTxn {
  readonly conditions: readonly (readonly [Keys, ModelTarget, '=' | '!=' | '<' | '>', number])[]
  readonly success: readonly ModelOp[]
  readonly failure: readonly ModelOp[]
}

class Model {
  records = new Map<string, ModelRecord>()
  revision = 0
  readonly leases = new Set<number>()

  /** Undefined when the transaction is refused; then nothing has changed. */
  run(txn: ModelTxn): ModelAnswer | undefined {
    const before = this.records
    const path = this.decide(txn, before)
    const work = { records: new Map(before), changed: false, refused: false }
    const answer = this.execute(path, work)
    if (work.refused) return undefined
    this.records = work.records
    if (work.changed) this.revision++
    return answer
  }

  private decide(txn: ModelTxn, records: ReadonlyMap<string, ModelRecord>): { succeeded: boolean; ops: unknown[] } {
    const succeeded = txn.conditions.every(([keys, target, relation, operand]) => {
      const found = inRange(records, keys)
      if (target === 'exists') return relation === '=' ? found.length > 0 : found.length === 0
      const sides = found.map(([, record]) =>
        target === 'value' ? compareText(record.value, String(operand)) : record[target] - operand,
      )
      if (found.length === 0) {
        if (target === 'value') return false
        sides.push(0 - operand)
      }
      return sides.every((side) => ({ '=': side === 0, '!=': side !== 0, '<': side < 0, '>': side > 0 })[relation])
    })
    const ops = (succeeded ? txn.success : txn.failure).map((op) =>
      op.kind === 'txn' ? this.decide(op.txn, records) : op,
    )
    return { succeeded, ops }
  }

  private execute(
    path: { succeeded: boolean; ops: unknown[] },
    work: { records: Map<string, ModelRecord>; changed: boolean; refused: boolean },
  ): ModelAnswer {
    const answers = path.ops.map((op): ModelAnswer => {
      if (typeof op === 'object' && op !== null && 'ops' in op) return this.execute(op as typeof path, work)
      return this.one(op as Exclude<ModelOp, { kind: 'txn' }>, work)
    })
    return { kind: 'txn', succeeded: path.succeeded, answers }
  }

  private one(
    op: Exclude<ModelOp, { kind: 'txn' }>,
    work: { records: Map<string, ModelRecord>; changed: boolean; refused: boolean },
  ): ModelAnswer {
    const { records } = work
    const mod = this.revision + 1
    if (op.kind === 'range') {
      const found = inRange(records, op.keys)
      return { kind: 'range', count: found.length, records: found.slice(0, op.limit || undefined).map(shown) }
    }
    if (op.kind === 'delete') {
      const found = inRange(records, op.keys)
      for (const [key] of found) records.delete(key)
      if (found.length > 0) work.changed = true
      return { kind: 'delete', deleted: found.length, previous: op.prevKv ? found.map(shown) : [] }
    }
    const before = records.get(op.key)
    if (op.lease !== 0 && !this.leases.has(op.lease)) work.refused = true
    if ((op.ignoreValue || op.ignoreLease) && before === undefined) work.refused = true
    records.set(op.key, {
      value: op.ignoreValue ? (before?.value ?? '') : op.value,
      create: before?.create ?? mod,
      mod,
      version: (before?.version ?? 0) + 1,
      lease: op.ignoreLease ? (before?.lease ?? 0) : op.lease,
    })
    work.changed = true
    return { kind: 'put', previous: op.prevKv && before !== undefined ? shown([op.key, before]) : undefined }
  }
}

function inRange(records: ReadonlyMap<string, ModelRecord>, { start, end }: Keys): [string, ModelRecord][] {
  return [...records].filter(([key]) => key >= start && key < end).sort(([a], [b]) => (a < b ? -1 : 1))
}

const compareText = (a: string, b: string): number => compareBytes(utf8(a), utf8(b))
const shown = ([key, record]: [string, ModelRecord]) => ({ key, ...record })
const seen = (entry: KvEntry | undefined) =>
  entry && {
    key: latin1(entry.key),
    value: latin1(entry.value),
    create: entry.createRevision,
    mod: entry.modRevision,
    version: entry.version,
    lease: entry.lease,
  }

function seenAnswer(answer: OperationAnswer): ModelAnswer {
  switch (answer.kind) {
    case 'put':
      return { kind: 'put', previous: seen(answer.previous) }
    case 'delete':
      return { kind: 'delete', deleted: answer.deleted, previous: answer.previous.map(seen) }
    case 'range':
      return { kind: 'range', count: answer.count, records: answer.records.map(seen) }
    case 'txn':
      return { kind: 'txn', succeeded: answer.succeeded, answers: answer.answers.map(seenAnswer) }
  }
}

const rangeOf = ({ start, end }: Keys) => ({ start: utf8(start), end: utf8(end) })

function coded(txn: ModelTxn): Txn {
  const conditions = txn.conditions.map(([keys, target, relation, operand]): Condition => {
    const range = rangeOf(keys)
    if (target === 'exists') return { target, range, exists: relation === '=' }
    if (target === 'value') return { target, range, relation, value: utf8(String(operand)) }
    return { target, range, relation, number: operand }
  })
  return { conditions, success: txn.success.map(codedOp), failure: txn.failure.map(codedOp) }
}

function codedOp(op: ModelOp): Operation {
  if (op.kind === 'txn') return { kind: 'txn', txn: coded(op.txn) }
  if (op.kind === 'range') return { kind: 'range', request: { ...rangeOf(op.keys), limit: op.limit } }
  if (op.kind === 'delete') return { kind: 'delete', range: rangeOf(op.keys), prevKv: op.prevKv }
  return { ...op, key: utf8(op.key), value: utf8(op.value) }
}

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const keys: fc.Arbitrary<Keys> = fc.oneof(
  key.map((start) => ({ start, end: `${start}\0` })),
  fc.tuple(key, fc.constantFrom('b', 'd', 'z')).map(([start, end]) => ({ start, end })),
)
const put: fc.Arbitrary<ModelOp> = fc
  .record({
    kind: fc.constant('put' as const),
    key,
    value: fc.nat(3).map(String),
    lease: fc.constantFrom(0, 0, 0, 1, 2, 9),
    prevKv: fc.boolean(),
    ignoreValue: fc.constantFrom(false, false, true),
    ignoreLease: fc.constantFrom(false, false, true),
  })
  .map((op) => ({ ...op, value: op.ignoreValue ? '' : op.value, lease: op.ignoreLease ? 0 : op.lease }))
const condition = fc.tuple(
  keys,
  fc.constantFrom<ModelTarget>('value', 'version', 'create', 'mod', 'lease', 'exists'),
  fc.constantFrom('=' as const, '!=' as const, '<' as const, '>' as const),
  fc.nat(4),
)
const { txn } = fc.letrec<{ txn: ModelTxn; op: ModelOp }>((tie) => ({
  txn: fc.record({
    conditions: fc.array(condition, { maxLength: 2 }),
    success: fc.array(tie('op'), { maxLength: 4 }),
    failure: fc.array(tie('op'), { maxLength: 4 }),
  }),
  op: fc.oneof(
    { depthSize: 'small' },
    { weight: 4, arbitrary: put },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), keys, prevKv: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('range' as const), keys, limit: fc.nat(2) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('txn' as const), txn: tie('txn') }) },
  ),
}))

const newBox = (): Box => {
  const box = new Box({ garbageBytes: 0, cacheBytes: 300 })
  for (const id of [1, 2]) box.run(call('lease', 'grant', encodeLeaseGrantArgs(id, 60_000)))
  return box
}

function checkState(box: Box, model: Model): void {
  const { records } = box.range({ start: utf8(''), fromKey: true })
  expect(records.map(seen)).toEqual(inRange(model.records, { start: '', end: '~' }).map(shown))
  expect(box.machine.revision).toBe(model.revision)
}

describe('transactions', () => {
  it('answer and change what a small model does, or change nothing at all', () => {
    let refusals = 0
    let successes = 0
    const step = fc.tuple(txn, fc.constantFrom('none', 'flush', 'restart', 'none'))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12, size: 'max' }), (steps) => {
        const model = new Model()
        model.leases.add(1).add(2)
        const box = newBox()
        const steady = newBox()
        for (const [one, then] of steps) {
          const command = call('kv', 'txn', encodeTxnArgs(coded(one)))
          const result = box.run(command)
          expect(steady.run(command)).toEqual(result)
          if (codeOf(result) === 'InvalidArgument') continue
          const expected = model.run(one)
          if (expected === undefined) {
            refusals++
            expect(['LeaseNotFound', 'NotFound']).toContain(codeOf(result))
          } else {
            successes++
            const { revision, ...answer } = decodeTxnResult(payloadOf(result))
            expect(seenAnswer({ kind: 'txn', ...answer })).toEqual(expected)
            expect(revision).toBe(model.revision)
          }
          if (then !== 'none') box.flush()
          if (then === 'restart') box.restart()
          checkState(box, model)
          expect(box.hash()).toBe(steady.hash())
        }
      }),
      { numRuns: 200 },
    )
    expect(refusals).toBeGreaterThan(25)
    expect(successes).toBeGreaterThan(250)
  })

  it('share their rules with single writes and removals that have options', () => {
    const single = fc.oneof(put, fc.record({ kind: fc.constant('delete' as const), keys, prevKv: fc.boolean() }))
    fc.assert(
      fc.property(fc.array(single, { maxLength: 12 }), (ops) => {
        const model = new Model()
        model.leases.add(1).add(2)
        const box = newBox()
        for (const op of ops) {
          const expected = model.run({ conditions: [], success: [op], failure: [] })
          const result =
            op.kind === 'delete'
              ? box.run(call('kv', 'remove', encodeRemoveArgs({ range: rangeOf(op.keys), prevKv: op.prevKv })))
              : box.run(call('kv', 'write', encodeWriteArgs(codedOp(op) as PutOperation)))
          if (expected?.kind !== 'txn') {
            expect(codeOf(result)).not.toBe('ok')
          } else {
            const payload = payloadOf(result)
            const { revision, ...answer } =
              op.kind === 'delete' ? decodeRemoveResult(payload) : decodeWriteResult(payload)
            expect([seenAnswer({ kind: op.kind, ...answer } as OperationAnswer)]).toEqual(expected.answers)
            expect(revision).toBe(model.revision)
          }
          checkState(box, model)
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('a transaction', () => {
  const txnOf = (success: readonly Operation[]) =>
    call('kv', 'txn', encodeTxnArgs({ conditions: [], success, failure: [] }))
  const write = (key: string, value: string, lease = 0): Operation =>
    codedOp({
      ...{ kind: 'put', key, value, lease, prevKv: false, ignoreValue: false, ignoreLease: false },
    })

  it('leaves nothing behind when its last operation is refused', () => {
    const box = newBox()
    box.run(plainPut('a', 'before'))
    const hash = () => box.range({ start: utf8(''), fromKey: true })
    const before = hash()
    for (const bad of [
      write('z', 'x', 77),
      { ...write('z', ''), ignoreValue: true } as Operation,
      { kind: 'range', request: { start: utf8('a'), revision: 99 } } as Operation,
    ]) {
      const result = box.run(txnOf([write('a', 'after'), write('b', 'new', 1), bad]))
      expect(codeOf(result)).not.toBe('ok')
      expect(hash()).toEqual(before)
      expect(box.machine.revision).toBe(1)
    }
  })

  it('reads an older revision as it was, beside its own changes', () => {
    const box = newBox()
    box.run(plainPut('a', 'one'))
    box.run(plainPut('a', 'two'))
    const read = (revision: number): Operation => ({ kind: 'range', request: { start: utf8('a'), revision } })
    const result = box.run(txnOf([write('a', 'three'), read(0), read(1), read(2)]))
    const values = decodeTxnResult(payloadOf(result)).answers.map((answer) =>
      answer.kind === 'range' ? latin1(answer.records[0]?.value ?? utf8('')) : '',
    )
    expect(values).toEqual(['', 'three', 'one', 'two'])
  })

  it('cuts its reads to one answer altogether, and says so', () => {
    const box = new Box({ limits: { rangeBytes: 500 } })
    for (const key of ['a', 'b', 'c']) box.run(plainPut(key, 'x'.repeat(200)))
    const all: Operation = { kind: 'range', request: { start: utf8(''), fromKey: true } }
    const { answers } = decodeTxnResult(payloadOf(box.run(txnOf([all, all]))))
    expect(answers.map((one) => (one.kind === 'range' ? [one.records.length, one.more, one.count] : []))).toEqual([
      [1, true, 3],
      [1, true, 3],
    ])
  })

  it('is refused when it asks for more of what was there than one answer holds', () => {
    const box = new Box({ limits: { rangeBytes: 500 } })
    for (const key of ['a', 'b', 'c']) box.run(plainPut(key, 'x'.repeat(200)))
    const remove = (prevKv: boolean) =>
      call('kv', 'remove', encodeRemoveArgs({ range: { start: utf8(''), fromKey: true }, prevKv }))
    expect(codeOf(box.run(remove(true)))).toBe('RequestTooLarge')
    expect(box.machine.keyCount).toBe(3)
    expect(codeOf(box.run(remove(false)))).toBe('ok')
  })

  it('changes no more keys and bytes than the limits say, and looks at no more for its conditions', () => {
    const box = new Box({ limits: { transactionKeys: 2, transactionBytes: 60, rangeRecords: 2 } })
    for (const key of ['a', 'b', 'c']) box.run(plainPut(key, 'x'))
    const all = { start: utf8(''), fromKey: true }
    expect(codeOf(box.run(txnOf([{ kind: 'delete', range: all, prevKv: false }])))).toBe('LimitExceeded')
    expect(codeOf(box.run(txnOf([write('d', 'x'.repeat(60))])))).toBe('RequestTooLarge')
    const conditions: Condition[] = [{ target: 'version', range: all, relation: '>', number: 0 }]
    expect(codeOf(box.run(call('kv', 'txn', encodeTxnArgs({ conditions, success: [], failure: [] }))))).toBe(
      'LimitExceeded',
    )
    expect(box.machine.revision).toBe(3)
  })
})
