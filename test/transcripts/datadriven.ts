/**
 * The format of the transcripts: a command line, optional input lines, `----`, and the expected output up to the next
 * blank line. Output that holds blank lines stands between doubled `----`. Lines that begin with `#` are comments.
 */

/** `key`, `key=value` or `key=(value, value)`. */
export interface Argument {
  readonly key: string
  readonly values: readonly string[]
}

/** A command with its arguments. */
export interface Command {
  readonly name: string
  readonly args: readonly Argument[]
}

/** One case of a transcript. */
export interface Case extends Command {
  /** The number of the command's line, from 1. */
  readonly line: number
  readonly text: string
  readonly input: readonly string[]
  readonly expected: readonly string[]
}

const separator = '----'

/** Splits a command line. Values in parentheses may hold spaces. */
export function parseCommand(text: string): Command {
  const words = text.match(/[^\s=]+=\([^)]*\)|\S+/g) ?? []
  const args = words.slice(1).map((word): Argument => {
    const at = word.indexOf('=')
    if (at === -1) return { key: word, values: [] }
    const value = word.slice(at + 1)
    const list = value.startsWith('(') && value.endsWith(')') ? value.slice(1, -1).split(',') : [value]
    return { key: word.slice(0, at), values: list.map((one) => one.trim()).filter((one) => one !== '') }
  })
  return { name: words[0] ?? '', args }
}

/** Splits a transcript into its cases. */
export function parseTranscript(text: string): Case[] {
  const lines = text.split('\n')
  const cases: Case[] = []
  let at = 0
  const current = (): string => lines[at] ?? ''
  while (at < lines.length) {
    const head = current().trim()
    if (head === '' || head.startsWith('#')) {
      at++
      continue
    }
    const line = at + 1
    at++
    const input: string[] = []
    while (at < lines.length && current() !== separator) input.push(lines[at++] as string)
    at++
    const expected: string[] = []
    if (current() === separator) {
      at++
      while (at < lines.length && !(current() === separator && lines[at + 1] === separator))
        expected.push(lines[at++] as string)
      at += 2
    } else {
      while (at < lines.length && current().trim() !== '') expected.push(lines[at++] as string)
    }
    cases.push({ ...parseCommand(head), line, text: head, input, expected })
  }
  return cases
}

/** The values of one argument, or an empty list. */
export function valuesOf(args: readonly Argument[], key: string): readonly string[] {
  return args.filter((arg) => arg.key === key).flatMap((arg) => arg.values)
}

/** The arguments without values, as numbers: node ids. */
export function idsOf(args: readonly Argument[]): number[] {
  return args.filter((arg) => arg.values.length === 0).map((arg) => toNumber(arg.key))
}

/** The first argument, as a number. */
export function firstId(args: readonly Argument[]): number {
  return toNumber(args[0]?.key ?? '')
}

/** A whole number. Throws on anything else. */
export function toNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`not a number: ${JSON.stringify(text)}`)
  return Number(text)
}
