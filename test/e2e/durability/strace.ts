/**
 * Reading what `strace -f -ttt -xx -yy` wrote: system calls with the place in the trace where each began and ended.
 *
 * A line is printed when a call begins and goes on when it returns; if anything of another thread comes in between, it is
 * split in `<unfinished ...>` and `<... NAME resumed>`. The tracer stops a thread at both ends of each call, so of two
 * events of which one brings about the other the first always stands first.
 */
import { readFileSync } from 'node:fs'

/** One call that was traced. */
export interface Syscall {
  readonly name: string
  /** The new one of `openat`; -1 for `rename`. */
  readonly fd: number
  /** What the descriptor was: a path, or `TCP:[here->there]`. The new path of `rename`. */
  readonly target: string
  /** Lines at which it began and returned; Infinity when it never did. */
  readonly began: number
  readonly ended: number
  /** When it began, in seconds since 1970. */
  readonly seconds: number
  /** What it returned; undefined when it never did. */
  readonly result: number | undefined
  /** What it was given to write, as far as the trace holds it, zeros for the rest. */
  readonly data: Buffer
  /** Where in the file, of `pwrite64`. */
  readonly offset: number
  /** Whether a descriptor made by `openat` syncs each write. */
  readonly syncsWrites: boolean
}

const linePattern = /^(\d+)\s+(\d+\.\d+) (.*)$/
const resumedPattern = /^<\.\.\. (\w+) resumed>(.*)$/
const unfinished = ' <unfinished ...>'
const callPattern = /^(\w+)\((\d+)<(TCP(?:v6)?:\[[^\]]*\]|[^>]*)>/
const openPattern = /^openat\(.*, (O_[A-Z_|]+)(?:, \d+)?\)\s+= (\d+)<([^>]*)>/
const renamePattern = /^rename\("[^"]*", "([^"]*)"/
const resultPattern = /\)\s+= (-?\d+)/
const piecePattern = /"((?:\\x[0-9a-f]{2})*)"(?:\.\.\.)?, (?:iov_len=)?(\d+)/g
const offsetPattern = /, (\d+)\)\s+= /
const interesting: ReadonlySet<string> = new Set([
  'write',
  'writev',
  'sendto',
  'sendmsg',
  'pwrite64',
  'pwritev',
  'fsync',
  'fdatasync',
  'openat',
  'rename',
])

interface Begun {
  readonly text: string
  readonly line: number
  readonly seconds: number
}

/** Reads a trace; calls come in the order in which they began. */
export function readTrace(path: string): Syscall[] {
  const calls: Syscall[] = []
  const begun = new Map<string, Begun>()
  readFileSync(path, 'latin1')
    .split('\n')
    .forEach((text, line) => {
      const [, pid = '', seconds = '', rest = ''] = linePattern.exec(text) ?? []
      const [, resumed, end = ''] = resumedPattern.exec(rest) ?? []
      if (resumed !== undefined) {
        const first = begun.get(pid)
        begun.delete(pid)
        if (first !== undefined) add(calls, `${first.text}${end}`, first, line)
      } else if (rest.endsWith(unfinished)) {
        begun.set(pid, { text: rest.slice(0, -unfinished.length), line, seconds: Number(seconds) })
      } else {
        add(calls, rest, { text: rest, line, seconds: Number(seconds) }, line)
      }
    })
  for (const first of begun.values()) add(calls, first.text, first, Infinity)
  return calls.toSorted((a, b) => a.began - b.began)
}

function add(calls: Syscall[], text: string, { line, seconds }: Begun, ended: number): void {
  const [, name = '', fd = '', target = ''] = partsOf(text)
  if (!interesting.has(name)) return
  const where = target.startsWith('TCP') ? target : bytesOf(target).toString('latin1')
  // Nobody asks for what goes to pipes, terminals and wakeups.
  if (!where.startsWith('TCP') && !where.startsWith('/')) return
  const result = resultPattern.exec(text)?.[1]
  calls.push({
    name,
    fd: Number(fd),
    target: where,
    began: line,
    ended,
    seconds,
    result: result === undefined ? undefined : Number(result),
    data: dataOf(text),
    offset: name === 'pwrite64' ? Number(offsetPattern.exec(text)?.[1] ?? 0) : 0,
    syncsWrites: name === 'openat' && /\bO_DSYNC\b/.test(openPattern.exec(text)?.[1] ?? ''),
  })
}

/** What it is, and its file: after the text itself, as patterns give it. */
function partsOf(text: string): readonly string[] {
  const [, renamed] = renamePattern.exec(text) ?? []
  if (renamed !== undefined) return ['', 'rename', '-1', renamed]
  const [, , opened, path = ''] = openPattern.exec(text) ?? []
  if (opened !== undefined) return ['', 'openat', opened, path]
  return callPattern.exec(text) ?? []
}

function dataOf(text: string): Buffer {
  const pieces: Buffer[] = []
  for (const [, escaped = '', length] of text.matchAll(piecePattern)) {
    const piece = Buffer.alloc(Number(length))
    bytesOf(escaped).copy(piece)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

function bytesOf(escaped: string): Buffer {
  return Buffer.from(escaped.replaceAll('\\x', ''), 'hex')
}
