/** `nitrostate range [PREFIX]` */
import { Command, Option } from 'commander'
import { NitroError } from '../../../base/index.ts'
import type { Consistency, Entry, RangeOptions, RangeOrder } from '../../api/index.ts'
import type { Client } from '../../client/index.ts'
import { integer } from '../arguments.ts'
import { note, type CliContext } from '../context.ts'
import { printRecord, printRows, type OutputFormat, type Row } from '../output.ts'
import { consistencyOption, usesCluster, withClient } from '../shared.ts'
import { addKeyRange, keyRange, type KeyRangeOptions } from './key-range.ts'

interface Options extends KeyRangeOptions {
  readonly prefix?: string
  readonly limit?: number
  readonly reverse?: true
  readonly keysOnly?: true
  readonly count?: true
  readonly rev?: number
  readonly sort?: RangeOrder
  readonly minMod?: number
  readonly maxMod?: number
  readonly minCreate?: number
  readonly maxCreate?: number
  readonly consistency: Consistency
}

/** A table needs all its rows before the first can be drawn; more than this nobody reads. */
const tableRows = 1000
const orders: readonly RangeOrder[] = ['key', 'version', 'create', 'mod', 'value']
/** Rows that are written together. */
const streamedRows = 256

const examples = `
Without --limit, json, jsonl and value print every key, page by page, all of one revision; a table ends after ${tableRows} rows.
In another order than the key's, at most 10,000 are printed.

Examples:
  nitrostate range config/                         all below config/
  nitrostate range --start a --end b --keys-only   keys from "a" up to, not including, "b"
  nitrostate range config/ --rev 100               what was there at revision 100
  nitrostate range jobs/ --sort mod --reverse --limit 10      the ten changed last
  nitrostate range users/ --count -o value         only how many
  nitrostate range -o jsonl | jq .value            every key of the store, one JSON object a line`

/** Reads many keys in key order. */
export function rangeCommand(context: CliContext): Command {
  const command = usesCluster(new Command('range'))
    .description('read keys in order: those with a prefix, between two keys, or all')
    .argument('[prefix]', 'only keys that begin with it')
    .option('--prefix <prefix>', 'the same, as the other commands take it')
  return addKeyRange(command)
    .addOption(new Option('--limit <count>', 'at most this many').argParser(integer(1)))
    .option('--reverse', 'from the last key, or the greatest, down')
    .option('--keys-only', 'without values')
    .option('--count', 'only how many keys there are')
    .addOption(new Option('--rev <revision>', 'the state at this revision').argParser(integer(1)))
    .addOption(new Option('--sort <order>', 'what to order by').choices([...orders]))
    .addOption(new Option('--min-mod <revision>', 'only what was changed since').argParser(integer(1)))
    .addOption(new Option('--max-mod <revision>', 'only what was not changed after').argParser(integer(1)))
    .addOption(new Option('--min-create <revision>', 'only keys made since').argParser(integer(1)))
    .addOption(new Option('--max-create <revision>', 'only keys not made after').argParser(integer(1)))
    .addOption(consistencyOption())
    .addHelpText('after', examples)
    .action(async (argument: string | undefined, options: Options, self: Command) => {
      if (argument !== undefined && options.prefix !== undefined) {
        throw new NitroError('InvalidArgument', 'give the prefix once')
      }
      const range = keyRange(argument ?? options.prefix, options) ?? {}
      await withClient(context, self, async ({ store }, { output = 'table', timeoutMs }) => {
        const { reverse, keysOnly, consistency, rev: revision, sort } = options
        const { minMod, maxMod, minCreate, maxCreate } = options
        const mod = { minModRevision: minMod, maxModRevision: maxMod }
        const create = { minCreateRevision: minCreate, maxCreateRevision: maxCreate }
        const query = { ...range, ...mod, ...create, ...{ reverse, keysOnly, revision, sort, consistency, timeoutMs } }
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
  for await (const entry of entriesOf(context, store, pageSize(query, most))) {
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

/** All of a range in the order of keys, page by page; one page in any other order. */
async function* entriesOf(context: CliContext, store: Client['store'], query: RangeOptions): AsyncIterable<Entry> {
  const { sort = 'key', ...inKeyOrder } = query
  if (sort === 'key') {
    yield* store.entries(inKeyOrder)
    return
  }
  const { entries, more } = await store.range({ ...query, sort })
  yield* entries
  if (more && query.limit === undefined) await note(context, `There are more than these ${entries.length} keys.`)
}

/** Asks for no more than is printed, and one to know whether there is more. */
function pageSize(query: RangeOptions, most: number): RangeOptions {
  return most < 10_000 ? { ...query, limit: most + 1 } : query
}

function rowOf(entry: Entry, keysOnly: true | undefined): Row {
  const { key, value, createRevision, modRevision, version, lease } = entry
  const facts = { key, createRevision, modRevision, version, lease }
  // The value comes last: however long it is, it pushes nothing aside.
  return keysOnly === true ? facts : { ...facts, value }
}
