/** `nitrostate import [FILE]` */
import { createReadStream } from 'node:fs'
import { Command, Option } from 'commander'
import { NitroError, messageOf } from '../../../base/index.ts'
import type { Store } from '../../api/index.ts'
import { integer } from '../arguments.ts'
import { note, readLines, type CliContext } from '../context.ts'
import { parseDumpLine } from '../dump.ts'
import { showProgress } from '../progress.ts'
import { usesCluster, withClient } from '../shared.ts'

const examples = `
Reads what "nitrostate export" writes. Existing keys are overwritten. When a line fails, those before it may have been
written: importing the file again does no harm.

Examples:
  nitrostate import all.jsonl
  nitrostate export --endpoints old:7401 | nitrostate import --endpoints new:7401`

/** Writes keys and values from JSON lines. */
export function importCommand(context: CliContext): Command {
  return usesCluster(new Command('import'))
    .description('write keys and values from JSON lines')
    .argument('[file]', 'the file; "-" or nothing reads standard input')
    .addOption(
      new Option('--concurrency <count>', 'writes outstanding at a time').argParser(integer(1, 1024)).default(128),
    )
    .addHelpText('after', examples)
    .action((file: string | undefined, { concurrency }: { readonly concurrency: number }, command: Command) =>
      withClient(context, command, async ({ store }, { timeoutMs }) => {
        const input = file === undefined || file === '-' ? context.stdin.chunks() : fileChunks(file)
        let done = 0
        const progress = showProgress(context, 'importing', () => done)
        try {
          await importLines(readLines(input), { store, concurrency, timeoutMs, written: () => done++ })
        } finally {
          await progress.stop()
          await note(context, `imported ${done} keys`)
        }
      }),
    )
}

/**
 * Writes every line, at most `concurrency` at a time; two lines with one key keep their order, because commands of one
 * connection do. Stops at the first failure and throws it once all outstanding writes have ended.
 */
export async function importLines(
  lines: AsyncIterable<string>,
  options: {
    readonly store: Store
    readonly concurrency: number
    readonly timeoutMs: number
    readonly written: () => void
  },
): Promise<void> {
  const { store, concurrency, timeoutMs, written } = options
  const outstanding = new Set<Promise<void>>()
  const failures: unknown[] = []
  let number = 0
  try {
    for await (const line of lines) {
      number++
      if (line.trim() === '') continue
      const { key, value } = parseDumpLine(line, number)
      const write: Promise<void> = store
        .put(key, value, { timeoutMs })
        .then(written, (error: unknown) => void failures.push(error))
        .finally(() => outstanding.delete(write))
      outstanding.add(write)
      if (outstanding.size >= concurrency) await Promise.race(outstanding)
      if (failures.length > 0) break
    }
  } catch (error) {
    failures.push(error instanceof TypeError ? notText(number + 1, error) : error)
  }
  await Promise.all(outstanding)
  if (failures.length > 0) throw failures[0]
}

function notText(line: number, cause: Error): NitroError {
  return new NitroError('InvalidArgument', `the input is not UTF-8 text, near line ${line}`, { cause })
}

async function* fileChunks(path: string): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path)) yield chunk as Uint8Array
  } catch (error) {
    throw new NitroError('InvalidArgument', `cannot read ${path}: ${messageOf(error)}`, { cause: error })
  }
}
