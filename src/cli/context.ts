/** The world of a command: streams, environment, time and connections. Tests give their own. */
import type { Clock, Random, Scheduler } from '../../base/index.ts'
import type { Client, ConnectOptions } from '../client/index.ts'
import type { ChildRun } from './child.ts'

/** A stream that commands write to. */
export interface OutputStream {
  readonly isTerminal: boolean
  /** Width of the terminal in cells; undefined when it is none. */
  readonly columns: number | undefined
  /** Resolves when more may be written, so that large outputs do not pile up in memory. */
  write(chunk: string | Uint8Array): Promise<void>
}

/** Standard input. */
export interface InputStream {
  readonly isTerminal: boolean
  chunks(): AsyncIterable<Uint8Array>
}

/** Everything a command may touch. */
export interface CliContext {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Data only. */
  readonly stdout: OutputStream
  /** Notes, progress and errors. */
  readonly stderr: OutputStream
  readonly stdin: InputStream
  readonly colors: boolean
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly random: Random
  /** Path of the executable script, for commands that start servers. */
  readonly mainPath: string
  /** What a person types to run this program, for advice on what to type next. */
  readonly invocation: string
  connect(options: ConnectOptions): Promise<Client>
  /** Runs another program to its end and resolves with its exit code. */
  runChild(run: ChildRun): Promise<number>
  /** Calls `listener` on Ctrl-C or a request to end; returns a function that stops listening. */
  onInterrupt(listener: (signal: string) => void): () => void
}

/** Writes a note for people to standard error. */
export async function note(context: CliContext, line: string): Promise<void> {
  await context.stderr.write(`${line}\n`)
}

/** All of standard input. */
export async function readInput(input: InputStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of input.chunks()) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Lines of UTF-8 chunks without their ends; the last may lack one. Throws TypeError for bytes that are no text. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line
  }
  rest += decoder.decode()
  if (rest !== '') yield rest
}
