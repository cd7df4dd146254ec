/** Holding a lock or a leadership on behalf of another command, or of whoever watches the terminal. */
import { NitroError, isNitroError } from '../../base/index.ts'
import type { Hold } from '../api/index.ts'
import { note, type CliContext } from './context.ts'
import { ExitWith, exitCodes } from './exit-codes.ts'
import { printRecord } from './output.ts'
import type { SharedOptions } from './shared.ts'

/** What is to be held, and what for. */
export interface Holding {
  readonly name: string
  /** The command to run, with its arguments; empty for none. */
  readonly child: readonly string[]
  /** How long it may take to end when it is to, in milliseconds. */
  readonly graceMs: number
  acquire(signal: AbortSignal): Promise<Hold>
}

/**
 * Acquires, runs the command, or waits for Ctrl-C, and gives back. Throws ExitWith: 4 when it was lost, 1 when it was not had, the
 * command's own exit code otherwise.
 */
export async function holdFor(context: CliContext, shared: SharedOptions, holding: Holding): Promise<void> {
  const interrupt = new AbortController()
  /** What ends the command: a loss, or a request to this process that the command did not get as well. */
  const end = new AbortController()
  const stopListening = context.onInterrupt((signal) => {
    interrupt.abort()
    if (signal !== 'SIGINT' || !context.stdin.isTerminal) end.abort()
  })
  try {
    await using hold = await acquired(context, holding, interrupt.signal)
    hold.signal.addEventListener('abort', () => end.abort())
    if (holding.child.length > 0) await runUnder(context, shared, holding, hold, end.signal)
    else await stayUntil(context, shared, holding, hold, interrupt.signal)
  } finally {
    stopListening()
  }
}

async function acquired(context: CliContext, { name, acquire }: Holding, signal: AbortSignal): Promise<Hold> {
  try {
    return await acquire(signal)
  } catch (error) {
    const isLate = isNitroError(error, 'Timeout') && error.details['waitMs'] !== undefined
    if (!isLate && !signal.aborted) throw error
    await note(context, isLate ? `${name} is held by others.` : `Not waiting for ${name} any more.`)
    throw new ExitWith(exitCodes.error)
  }
}

async function runUnder(
  context: CliContext,
  { endpoints }: SharedOptions,
  { name, child, graceMs }: Holding,
  hold: Hold,
  signal: AbortSignal,
): Promise<void> {
  const [command = '', ...args] = child
  const code = await context.runChild({
    ...{ command, args, input: new Uint8Array(), sharesInput: true, stop: { signal, killAfterMs: graceMs } },
    environment: {
      NITROSTATE_NAME: name,
      NITROSTATE_TOKEN: String(hold.token),
      NITROSTATE_LEASE: String(hold.lease),
      NITROSTATE_ENDPOINTS: endpoints.join(','),
    },
  })
  if (hold.state === 'lost') throw lostWhile(name, hold)
  if (code !== 0) throw new ExitWith(code)
}

async function stayUntil(
  context: CliContext,
  { output = 'table' }: SharedOptions,
  { name }: Holding,
  hold: Hold,
  interrupt: AbortSignal,
): Promise<void> {
  const { token, lease } = hold
  await printRecord(context, output, { name, token, lease }, 'token')
  await note(context, `Holding ${name}; Ctrl-C gives it back.`)
  if (!interrupt.aborted && !hold.signal.aborted) {
    await new Promise<void>((resolve) => {
      for (const signal of [interrupt, hold.signal]) signal.addEventListener('abort', () => resolve())
    })
  }
  if (hold.state === 'lost') throw lostWhile(name, hold)
}

function lostWhile(name: string, hold: Hold): NitroError {
  return new NitroError('LockLost', `${name} was lost`, { details: { token: hold.token }, cause: hold.signal.reason })
}
