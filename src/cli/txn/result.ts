/** What a transaction answered, printed. */
import type { DeleteOpResult, Entry, Op, PutOpResult, RangeOpResult, TxnOutcome } from '../../api/index.ts'
import { displayBytes } from '../bytes-text.ts'
import type { CliContext } from '../context.ts'
import { jsonOf, printRecord, type OutputFormat } from '../output.ts'

type Outcome = TxnOutcome<readonly Op[], readonly Op[]>

/**
 * Prints a result: JSON as a whole, `value` only whether the conditions held, a table one line for each operation and one for each record.
 */
export async function printResult(
  context: CliContext,
  output: OutputFormat,
  result: Outcome & { readonly revision: number },
): Promise<void> {
  const { succeeded, revision } = result
  if (output === 'value') return printRecord(context, output, { succeeded }, 'succeeded')
  if (output === 'table') {
    await printRecord(context, output, { succeeded, revision }, 'succeeded')
    return context.stdout.write(linesOf(result.results, '').join(''))
  }
  const document = { succeeded, revision, results: result.results.map(documentOf) }
  return context.stdout.write(`${JSON.stringify(document, undefined, output === 'json' ? 2 : undefined)}\n`)
}

/** Results are told apart by their members: each kind of operation has its own. */
type Known =
  | { readonly kind: 'get'; readonly entry: Entry | undefined }
  | { readonly kind: 'put'; readonly result: PutOpResult }
  | { readonly kind: 'del'; readonly result: DeleteOpResult }
  | { readonly kind: 'range'; readonly result: RangeOpResult }
  | { readonly kind: 'txn'; readonly result: Outcome }

function known(result: unknown): Known {
  if (result === undefined) return { kind: 'get', entry: undefined }
  const members = result as object
  if ('modRevision' in members) return { kind: 'get', entry: members as Entry }
  if ('succeeded' in members) return { kind: 'txn', result: members as Outcome }
  if ('deleted' in members) return { kind: 'del', result: members as DeleteOpResult }
  if ('entries' in members) return { kind: 'range', result: members as RangeOpResult }
  return { kind: 'put', result: members as PutOpResult }
}

function documentOf(result: unknown): unknown {
  const one = known(result)
  switch (one.kind) {
    case 'get':
      return { op: 'get', entry: one.entry === undefined ? null : entryOf(one.entry) }
    case 'put':
      return { op: 'put', ...(one.result.previous && { previous: entryOf(one.result.previous) }) }
    case 'del': {
      const { deleted, previous } = one.result
      return { op: 'del', deleted, ...(previous.length > 0 && { previous: previous.map(entryOf) }) }
    }
    case 'range': {
      const { count, more, entries } = one.result
      return { op: 'range', count, more, entries: entries.map(entryOf) }
    }
    case 'txn':
      return { op: 'txn', succeeded: one.result.succeeded, results: one.result.results.map(documentOf) }
  }
}

function entryOf({ key, value, createRevision, modRevision, version, lease }: Entry): unknown {
  return jsonOf({ key, value, createRevision, modRevision, version, lease })
}

function linesOf(results: readonly unknown[], indent: string): readonly string[] {
  const record = (entry: Entry): string => `${indent}  ${displayBytes(entry.key)}  ${displayBytes(entry.value)}\n`
  return results.flatMap((result) => {
    const one = known(result)
    switch (one.kind) {
      case 'get':
        return one.entry === undefined ? [`${indent}get: no such key\n`] : [`${indent}get\n`, record(one.entry)]
      case 'put':
        return [`${indent}put\n`, ...(one.result.previous === undefined ? [] : [record(one.result.previous)])]
      case 'del':
        return [`${indent}del: ${one.result.deleted}\n`, ...one.result.previous.map(record)]
      case 'range':
        return [
          `${indent}range: ${one.result.entries.length} of ${one.result.count}\n`,
          ...one.result.entries.map(record),
        ]
      case 'txn':
        return [
          `${indent}txn: ${one.result.succeeded ? 'then' : 'else'}\n`,
          ...linesOf(one.result.results, `${indent}  `),
        ]
    }
  })
}
