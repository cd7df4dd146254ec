/** Steps as calls of the product, and what both sides answer as plain values that can be compared. */
import type { Entry, Op, RangeQuery, RangeResult, WatchEvent } from '../../src/api/index.ts'
import { del, key, keys, put, range as rangeOp, txn } from '../../src/store/index.ts'
import type { Rec, TxnResult } from './model.ts'
import type { ConditionStep, OpStep, RangeSpec, RangeStep, TxnStep } from './steps.ts'

export function recOf(record: Rec | undefined): unknown {
  if (record === undefined) return null
  const { key, value, create, mod, version, lease } = record
  return [key, value, create, mod, version, lease]
}

export function entryOf(entry: Entry | undefined): unknown {
  if (entry === undefined) return null
  const { createRevision, modRevision, version, lease } = entry
  return [entry.keyText(), entry.text(), createRevision, modRevision, version, lease]
}

export function eventOf(event: WatchEvent): string {
  return JSON.stringify([event.type, event.keyText(), entryOf(event.entry), entryOf(event.previous)])
}

export function pageOf({ revision, count, more, entries }: RangeResult, inTxn: boolean): unknown {
  return inTxn ? [count, more, entries.map(entryOf)] : [revision, count, more, entries.map(entryOf)]
}

export function rangeOf(
  range: RangeSpec,
): { readonly prefix: string } | { readonly start: string; readonly end?: string } {
  return 'key' in range ? { start: range.key, end: `${range.key}\0` } : range
}

export function queryOf(step: RangeStep): RangeQuery {
  const { range, revision, limit, reverse, sort, minMod, maxMod, minCreate, maxCreate, keysOnly, countOnly } = step
  return {
    ...rangeOf(range),
    ...{ revision, reverse, sort, keysOnly, countOnly },
    ...(limit === 0 ? {} : { limit }),
    ...{ minModRevision: minMod, maxModRevision: maxMod, minCreateRevision: minCreate, maxCreateRevision: maxCreate },
  }
}

export function putOptions({ lease, prev, ignoreValue, ignoreLease }: OpStep & { readonly do: 'put' }): {
  readonly lease: number
  readonly prev: boolean
  readonly ignoreValue: boolean
  readonly ignoreLease: boolean
} {
  return { lease, prev, ignoreValue, ignoreLease }
}

export function conditionOf({
  range,
  target,
  relation,
  operand,
}: ConditionStep): ReturnType<ReturnType<typeof key>['exists']> {
  const test = 'key' in range ? key(range.key) : keys(rangeOf(range))
  if (target === 'exists' || target === 'missing') return test[target]()
  return target === 'value' ? test.value[relation](String(operand)) : test[target][relation](Number(operand))
}

export function opOf(step: OpStep): Op {
  switch (step.do) {
    case 'put':
      return put(step.key, step.value, putOptions(step))
    case 'delete':
      return del('key' in step.range ? step.range.key : rangeOf(step.range), { prev: step.prev })
    case 'range':
      return rangeOp(queryOf(step))
    case 'txn':
      return txn()
        .if(...step.conditions.map(conditionOf))
        .then(...step.success.map(opOf))
        .else(...step.failure.map(opOf))
  }
}

interface Outcome {
  readonly succeeded: boolean
  readonly results: readonly unknown[]
}

export function resultsOf(step: TxnStep, { succeeded, results }: Outcome): unknown {
  const ops = succeeded ? step.success : step.failure
  return [
    succeeded,
    results.map((result, at) => {
      const op = ops[at] as OpStep
      if (op.do === 'txn') return resultsOf(op, result as Outcome)
      if (op.do === 'put') return entryOf((result as { readonly previous: Entry | undefined }).previous)
      if (op.do === 'range') return pageOf(result as RangeResult, true)
      const { deleted, previous } = result as { readonly deleted: number; readonly previous: readonly Entry[] }
      return [deleted, previous.map(entryOf)]
    }),
  ]
}

export function modelResult({ succeeded, answers }: TxnResult): unknown {
  return [
    succeeded,
    answers.map((answer) => {
      if ('answers' in answer) return modelResult(answer)
      if ('deleted' in answer) return [answer.deleted, answer.previous.map(recOf)]
      if ('count' in answer) return [answer.count, answer.more, answer.records.map(recOf)]
      return recOf(answer.previous)
    }),
  ]
}
