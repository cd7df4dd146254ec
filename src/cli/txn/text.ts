/**
 * The readable form of a transaction, parsed into the document of `document.ts`.
 *
 *   if                                 each part may be left out
 *     version config/mode = 0          value | version | create | mod | lease  KEYS  = | != | < | >  OPERAND
 *     missing prefix jobs/             exists | missing  KEYS
 *   then
 *     put config/mode blue lease 7 prev
 *     del prefix jobs/
 *     get config/mode rev 12
 *     range from a to b limit 10 reverse keys-only
 *     txn                              a transaction within: parts as above, until
 *     end
 *   else
 *     get config/mode
 *
 * KEYS is a key, `prefix P`, or `from START [to END]`. A word with spaces, or one that must not be taken for a keyword, stands in double
 * quotes, with the escapes of JSON. What follows a # at the beginning of a word is a comment.
 */
import { NitroError } from '../../../base/index.ts'
import type { Members } from './document.ts'

interface Word {
  readonly text: string
  readonly quoted: boolean
}

interface Line {
  readonly number: number
  readonly words: readonly Word[]
}

const parts: ReadonlySet<string> = new Set(['if', 'then', 'else'])
const word = /"(?:[^"\\]|\\.)*"|[^\s"#][^\s"]*|#.*|\S+/gy

/** Parses the readable form. Throws `InvalidArgument` naming the line. */
export function parseTxn(text: string): Members {
  const lines: Line[] = []
  for (const [at, line] of text.split('\n').entries()) {
    const words = wordsOf(line, at + 1)
    if (words.length > 0) lines.push({ number: at + 1, words })
  }
  const parser = new Parser(lines)
  return parser.transaction(false)
}

function wordsOf(line: string, number: number): Word[] {
  const words: Word[] = []
  let at = 0
  for (;;) {
    while (/\s/.test(line[at] ?? '')) at++
    if (at >= line.length) return words
    word.lastIndex = at
    const [found = ''] = word.exec(line) ?? []
    if (found.startsWith('#')) return words
    at += found.length
    if (!found.includes('"')) words.push({ text: found, quoted: false })
    else words.push({ text: unquoted(found, line[at], number), quoted: true })
  }
}

function unquoted(found: string, next: string | undefined, number: number): string {
  try {
    if (next !== undefined && !/\s/.test(next)) throw new SyntaxError('text right behind a quoted word')
    return JSON.parse(found) as string
  } catch (error) {
    throw new NitroError('InvalidArgument', `line ${number}: ${found} is no quoted word`, { cause: error })
  }
}

class Parser {
  private readonly lines: readonly Line[]
  private at = 0

  constructor(lines: readonly Line[]) {
    this.lines = lines
  }

  /** All lines to the end, or to the `end` of a nested transaction. */
  transaction(nested: boolean): Members {
    const document = new Map<string, Members[]>()
    let part: string | undefined
    for (;;) {
      const line = this.lines[this.at++]
      if (line === undefined) {
        if (nested) throw new NitroError('InvalidArgument', 'a "txn" has no "end"')
        return Object.fromEntries(document)
      }
      const cursor = new Cursor(line)
      const [first] = line.words
      if (line.words.length === 1 && first?.quoted === false && parts.has(first.text)) {
        part = first.text
        continue
      }
      if (nested && line.words.length === 1 && cursor.takes('end')) return Object.fromEntries(document)
      if (part === undefined) throw cursor.wrong('the first line must be "if", "then" or "else"')
      const list = document.get(part) ?? []
      list.push(part === 'if' ? condition(cursor) : this.operation(cursor))
      document.set(part, list)
      cursor.finish()
    }
  }

  private operation(cursor: Cursor): Members {
    const op = cursor.next('an operation')
    switch (op) {
      case 'put':
        return {
          op,
          key: cursor.next('a key'),
          value: cursor.next('a value'),
          ...cursor.options({ lease: 'number', prev: 'flag' }),
        }
      case 'get':
        return { op, key: cursor.next('a key'), ...cursor.options({ rev: 'number' }) }
      case 'del':
        return { op, ...cursor.keys(), ...cursor.options({ prev: 'flag' }) }
      case 'range': {
        const flags = { reverse: 'flag', 'keys-only': 'flag', 'count-only': 'flag' } as const
        return { op, ...cursor.keys(), ...cursor.options({ rev: 'number', limit: 'number', sort: 'word', ...flags }) }
      }
      case 'txn':
        cursor.finish()
        return { op, ...this.transaction(true) }
      default:
        throw cursor.wrong(`"${op}" is no operation; known are put, get, del, range and txn`)
    }
  }
}

function condition(cursor: Cursor): Members {
  const test = cursor.next('a test')
  const keys = cursor.keys()
  if (test === 'exists' || test === 'missing') return { test, ...keys }
  const is = cursor.next('a relation')
  return { test, ...keys, is, to: test === 'value' ? cursor.next('a value') : cursor.number('a number') }
}

/** Takes the words of a line from left to right. */
class Cursor {
  private readonly line: Line
  private at = 0

  constructor(line: Line) {
    this.line = line
  }

  wrong(what: string): NitroError {
    return new NitroError('InvalidArgument', `line ${this.line.number}: ${what}`)
  }

  next(what: string): string {
    const found = this.line.words[this.at++]
    if (found === undefined) throw this.wrong(`${what} is missing`)
    return found.text
  }

  number(what: string): number {
    const text = this.next(what)
    if (!/^\d+$/.test(text)) throw this.wrong(`"${text}" is no whole number`)
    return Number(text)
  }

  /** Takes the next word if it is this keyword. */
  takes(keyword: string): boolean {
    const found = this.line.words[this.at]
    if (found === undefined || found.quoted || found.text !== keyword) return false
    this.at++
    return true
  }

  keys(): Members {
    if (this.takes('prefix')) return { prefix: this.next('a prefix') }
    if (!this.takes('from')) return { key: this.next('a key') }
    const start = this.next('a key')
    return this.takes('to') ? { start, end: this.next('a key') } : { start }
  }

  options(known: Readonly<Record<string, 'number' | 'flag' | 'word'>>): Members {
    const found: Record<string, unknown> = {}
    for (;;) {
      const name = Object.keys(known).find((one) => this.takes(one))
      if (name === undefined) return found
      const kind = known[name]
      const member = members[name] ?? name
      found[member] = kind === 'flag' ? true : kind === 'number' ? this.number(name) : this.next(name)
    }
  }

  finish(): void {
    const left = this.line.words[this.at]
    if (left !== undefined) throw this.wrong(`"${left.text}" has no meaning here`)
  }
}

/** Names in the document that differ from those in the text. */
const members: Readonly<Record<string, string>> = {
  rev: 'revision',
  'keys-only': 'keysOnly',
  'count-only': 'countOnly',
}
