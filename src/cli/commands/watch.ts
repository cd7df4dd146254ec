/** `nitrostate watch [KEY] [-- COMMAND...]` */
import { Command, Option } from 'commander'
import { NitroError } from '../../../base/index.ts'
import type { WatchBatch, WatchEvent, WatchEventType, WatchOptions } from '../../api/index.ts'
import { duration, integer } from '../arguments.ts'
import { splitOperands } from '../child.ts'
import { note, type CliContext } from '../context.ts'
import { jsonOf, printRecord, type OutputFormat, type Row } from '../output.ts'
import { usesCluster, withClient } from '../shared.ts'
import { childOf } from '../watch/child.ts'
import { readMark, writeMark } from '../watch/mark.ts'
import { eventLine } from '../watch/line.ts'
import { addKeyRange, keyRange, type KeyRangeOptions } from './key-range.ts'

interface Options extends KeyRangeOptions {
  readonly prefix?: string
  readonly rev?: number
  readonly prev?: true
  readonly filter?: WatchEventType
  readonly progress?: number
  readonly limit?: number
  readonly resume?: string
  readonly keepGoing?: true
}

const examples = `
Without a key and without a range every key is watched. Lost connections and changes of leader are gone over by itself, without
a gap. With --resume the revision is kept in a file whenever all its events have been printed, or their commands have ended;
the next start goes on behind it, so each event is handled once, or once more after a crash.

A command after "--" runs once for each event, one after the other. It gets the value on standard input, and in its
environment NITROSTATE_EVENT (put, delete or emit), NITROSTATE_KEY (or NITROSTATE_KEY64, base64), NITROSTATE_REVISION,
NITROSTATE_VERSION, NITROSTATE_LEASE and NITROSTATE_ENDPOINTS. If it fails, the watch ends with its exit code, unless
--keep-going is given.

Examples:
  nitrostate watch config/mode                     one key, from now on
  nitrostate watch --prefix jobs/ --rev 100 -o jsonl
  nitrostate watch --prefix config/ --resume seen -- ./reload.sh`

/** Prints events as they happen, or runs a command for each. */
export function watchCommand(context: CliContext, childWords: number): Command {
  const command = usesCluster(new Command('watch'))
    .description('print changes as they happen, until Ctrl-C; or run a command for each')
    .usage('[options] [key] [-- command...]')
    .argument('[key]', 'one key')
    .argument('[command...]', 'what to run for each event')
    .option('--prefix <prefix>', 'all keys that begin with it')
  return addKeyRange(command)
    .addOption(new Option('--rev <revision>', 'from this revision on (default: from now on)').argParser(integer(1)))
    .option('--prev', 'with the records before')
    .addOption(new Option('--filter <type>', 'only events of this type').choices(['put', 'delete', 'emit']))
    .addOption(new Option('--progress <time>', 'after so long without events tell how far it is').argParser(duration))
    .addOption(new Option('--limit <count>', 'end after so many events').argParser(integer(1)))
    .option('--resume <file>', 'keep the place in this file, and go on from there')
    .option('--keep-going', 'go on when the command fails')
    .addHelpText('after', examples)
    .action(async (_key: string | undefined, _command: readonly string[], options: Options, self: Command) => {
      const [own, child] = splitOperands(self, childWords)
      const range = rangeOf(own, options)
      const { resume } = options
      const mark = resume === undefined ? undefined : await readMark(resume)
      if (mark !== undefined && options.rev !== undefined) {
        throw new NitroError(
          'InvalidArgument',
          `give --rev or a --resume file that exists, not both: ${resume} says ${mark}`,
        )
      }
      const fromRevision = mark === undefined ? options.rev : mark + 1
      const { prev, filter, progress: progressMs } = options
      await withClient(context, self, async ({ store }, { output = 'table', endpoints }) => {
        const interrupt = new AbortController()
        const stop = context.onInterrupt(() => interrupt.abort())
        await using watch = store.watch({ ...range, fromRevision, prev, filter, progressMs, signal: interrupt.signal })
        const run = childOf(context, child, endpoints, options.keepGoing === true)
        try {
          const after = await watch.opened
          // From here on nothing is missed, also by a start that ends before the first event.
          if (resume !== undefined) await writeMark(resume, mark ?? after)
          await note(context, `Watching what comes after revision ${after}; Ctrl-C ends it.`)
          let left = options.limit ?? Infinity
          for await (const batch of watch) {
            const events = batch.events.slice(0, left)
            for (const event of events) {
              if (run === undefined) await print(context, output, batch.revision, event)
              else await run(batch.revision, event)
            }
            if (batch.events.length === 0) await printMark(context, output, batch)
            left -= events.length
            // A revision that is cut by the limit is not done.
            if (resume !== undefined && events.length === batch.events.length) await writeMark(resume, batch.revision)
            if (left <= 0) return
          }
        } catch (error) {
          // A command that Ctrl-C ended, too, has not handled its event, but that is no failure of its own.
          if (!interrupt.signal.aborted) throw error
        } finally {
          stop()
        }
      })
    })
}

function rangeOf(own: readonly string[], options: Options): WatchOptions {
  const [key, ...more] = own
  if (more.length > 0) throw new NitroError('InvalidArgument', 'give one key; a command to run stands after "--"')
  const range = keyRange(options.prefix, options)
  if (key !== undefined && range !== undefined) {
    throw new NitroError('InvalidArgument', 'give one of: a key, --prefix, --start and --end')
  }
  return key === undefined ? (range ?? {}) : { key }
}

async function print(context: CliContext, output: OutputFormat, revision: number, event: WatchEvent): Promise<void> {
  if (output === 'table') return context.stdout.write(eventLine(revision, event))
  const { type, key, entry, previous } = event
  const facts = entry && { version: entry.version, lease: entry.lease, value: entry.value }
  const row: Row = {
    revision,
    type,
    key,
    ...facts,
    ...(previous && { prevRevision: previous.modRevision, prevValue: previous.value }),
  }
  if (output !== 'json') return printRecord(context, output, row, 'value')
  // An endless list can't be one document: one follows the other.
  return context.stdout.write(`${JSON.stringify(jsonOf(row), undefined, 2)}\n`)
}

async function printMark(context: CliContext, output: OutputFormat, { revision }: WatchBatch): Promise<void> {
  if (output === 'table') await context.stdout.write(`${revision}  progress\n`)
  else if (output !== 'value') await printRecord(context, output, { revision, type: 'progress' }, 'revision')
}
