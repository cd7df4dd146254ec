/** The options that say which keys: a prefix, or a start and an end. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { NitroError } from '../../../base/index.ts'
import type { KeyRange } from '../../api/index.ts'

/** Values of the options. */
export interface KeyRangeOptions {
  readonly start?: string
  readonly end?: string
}

/** Adds `--start` and `--end`. */
export function addKeyRange(command: Command): Command {
  return command
    .addOption(new Option('--start <key>', 'from this key on').argParser(notEmpty))
    .addOption(new Option('--end <key>', 'up to this key, without it').argParser(notEmpty))
}

/** The range that was asked for; undefined when none of the three is given. Throws `InvalidArgument`. */
export function keyRange(prefix: string | undefined, { start, end }: KeyRangeOptions): KeyRange | undefined {
  if (prefix !== undefined && (start !== undefined || end !== undefined)) {
    throw new NitroError('InvalidArgument', 'give either a prefix, or --start and --end')
  }
  if (prefix !== undefined) return prefix === '' ? {} : { prefix }
  if (start === undefined && end === undefined) return undefined
  return { start, end }
}

function notEmpty(value: string): string {
  if (value === '') throw new InvalidArgumentError('Expected a key.')
  return value
}
