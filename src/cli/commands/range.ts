/** `nitrostate range [PREFIX]` */
import { Command, Option } from 'commander'
import type { Consistency, Entry, RangeOptions } from '../../api/index.ts'
import type { Client } from '../../client/index.ts'
import { integer } from '../arguments.ts'
import { note, type CliContext } from '../context.ts'
import { printRecord, printRows, type OutputFormat, type Row } from '../output.ts'
import { consistencyOption, usesCluster, withClient } from '../shared.ts'
import { addKeyRange, keyRange, type KeyRangeOptions } from './key-range.ts'

interface Options extends KeyRangeOptions {
  readonly limit?: number
  readonly reverse?: true
  readonly keysOnly?: true
  readonly count?: true
  readonly consistency: Consistency
}

/** A table needs all its rows before the first can be drawn; more than this nobody reads. */
const tableRows = 1000
/** Rows that are written together. */
const streamedRows = 256

const examples = `
Without --limit, json, jsonl and value print every key, page by page; a table ends after ${tableRows} rows.

Examples:
  nitrostate range config/                         all below config/
  nitrostate range --start a --end b --keys-only   keys from "a" up to, not including, "b"
  nitrostate range users/ --count -o value         only how many
  nitrostate range -o jsonl | jq .value            every key of the store, one JSON object a line`

/** Reads many keys in key order. */
export function rangeCommand(context: CliContext): Command {
  const command = usesCluster(new Command('range'))
    .description('read keys in order: those with a prefix, between two keys, or all')
    .argument('[prefix]', 'only keys that begin with it')
  return addKeyRange(command)
    .addOption(new Option('--limit <count>', 'at most this many').argParser(integer(1)))
    .option('--reverse', 'from the last key down')
    .option('--keys-only', 'without values')
    .option('--count', 'only how many keys there are')
    .addOption(consistencyOption())
    .addHelpText('after', examples)
    .action(async (prefix: string | undefined, options: Options, self: Command) => {
      const range = keyRange(prefix, options) ?? {}
      await withClient(context, self, async ({ store }, { output = 'table', timeoutMs }) => {
        const { reverse, keysOnly, consistency } = options
        const query = { ...range, reverse, keysOnly, consistency, timeoutMs }
        if (options.count === true) {
          const { count, revision } = await store.range({ ...query, countOnly: true })
          await printRecord(context, output, { count, revision }, 'count')
        } else {
          await print(context, store, query, options, output)
        }
      })
    })
}

async function print(
  context: CliContext,
  store: Client['store'],
  query: RangeOptions,
  { limit, keysOnly }: Options,
  output: OutputFormat,
): Promise<void> {
  const main = keysOnly === true ? 'key' : 'value'
  const most = limit ?? (output === 'table' ? tableRows : Number.POSITIVE_INFINITY)
  const streamed = output === 'jsonl' || output === 'value'
  let rows: Row[] = []
  let more = false
  let count = 0
  for await (const entry of store.entries(pageSize(query, most))) {
    more = count === most
    if (more) break
    count++
    rows.push(rowOf(entry, keysOnly))
    if (!streamed || rows.length < streamedRows) continue
    await printRows(context, output, rows, main)
    rows = []
  }
  await printRows(context, output, rows, main)
  if (more && limit === undefined)
    await note(context, `There are more than ${most} keys: give --limit, or -o jsonl for all.`)
  if (count === 0 && output === 'table') await note(context, 'No keys.')
}

/** Asks for no more than is printed, and one to know whether there is more. */
function pageSize(query: RangeOptions, most: number): RangeOptions {
  return most < 10_000 ? { ...query, limit: most + 1 } : query
}

function rowOf(entry: Entry, keysOnly: true | undefined): Row {
  const { key, value, createRevision, modRevision, version } = entry
  const facts = { key, createRevision, modRevision, version }
  // The value comes last: however long it is, it pushes nothing aside.
  return keysOnly === true ? facts : { ...facts, value }
}
