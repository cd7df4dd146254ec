/** `nitrostate lease grant|keep|revoke|ttl|list` */
import { Argument, Command, Option } from 'commander'
import { NitroError, isNitroError, text, timerMsMax } from '../../../base/index.ts'
import type { Leases } from '../../api/index.ts'
import { holderMs } from '../../store/index.ts'
import { duration, integer } from '../arguments.ts'
import { note, type CliContext } from '../context.ts'
import { printRecord, printRows } from '../output.ts'
import { usesCluster, withClient } from '../shared.ts'

const examples = `
Examples:
  nitrostate lease grant 30s -o value              prints the id
  nitrostate put workers/7 here --lease 1          a key that goes with the lease
  nitrostate lease keep 1                          renews it until Ctrl-C; exit code 4 when it is lost
  nitrostate lease ttl 1 --keys`

/** Lifetimes that keys are attached to. */
export function leaseCommand(context: CliContext): Command {
  return new Command('lease')
    .description('grant, renew and end leases, which keys are attached to')
    .addHelpText('after', examples)
    .addCommand(grantCommand(context))
    .addCommand(keepCommand(context))
    .addCommand(revokeCommand(context))
    .addCommand(ttlCommand(context))
    .addCommand(listCommand(context))
}

const idArgument = (): Argument => new Argument('<id>', 'id of the lease').argParser(integer(1))

function grantCommand(context: CliContext): Command {
  return usesCluster(new Command('grant'))
    .description('make a lease; prints its id')
    .addArgument(new Argument('<ttl>', 'how long it lives without renewal, such as 30s').argParser(duration))
    .addOption(new Option('--id <id>', 'the id it is to have (default: the next free one)').argParser(integer(1)))
    .action((ttl: number, { id: wanted }: { readonly id?: number }, command: Command) =>
      withClient(context, command, async ({ leases }, { output, timeoutMs }) => {
        const { id, ttlMs } = await leases.grant({ ttl, id: wanted, timeoutMs })
        await printRecord(context, output ?? 'table', { id, ttlMs }, 'id')
      }),
    )
}

function keepCommand(context: CliContext): Command {
  return usesCluster(new Command('keep'))
    .description('renew a lease until Ctrl-C; exit code 4 when it is lost')
    .addArgument(idArgument())
    .option('--once', 'renew it once')
    .action((id: number, { once }: { readonly once?: true }, command: Command) =>
      withClient(context, command, async ({ leases }, { output = 'table', timeoutMs }) => {
        const interrupt = new AbortController()
        const stop = context.onInterrupt(() => interrupt.abort())
        try {
          if (once !== true) await note(context, `Keeping lease ${id}; Ctrl-C ends it.`)
          for await (const ttlMs of renewals(context, leases, id, timeoutMs, interrupt.signal)) {
            if (output === 'table') await context.stdout.write(`lease ${id} renewed for ${ttlMs} ms\n`)
            else await printRecord(context, output, { id, ttlMs }, 'ttlMs')
            if (once === true) return
          }
        } catch (error) {
          if (!interrupt.signal.aborted) throw error
        } finally {
          stop()
        }
      }),
    )
}

/** Renews at each third of what the owner may rely on, and gives the time to live. Throws `LeaseLost`. */
async function* renewals(
  { clock, scheduler }: CliContext,
  leases: Leases,
  id: number,
  timeoutMs: number,
  signal: AbortSignal,
): AsyncGenerator<number, void, undefined> {
  // Until it was renewed once nothing is known, and a failure is no loss.
  let boundMs = Infinity
  while (!signal.aborted) {
    const sentMs = clock.monotonicMs()
    if (sentMs >= boundMs) throw lost(id, 'it could not be renewed in time')
    const options = { signal, timeoutMs: Math.max(1, Math.min(boundMs - sentMs, timeoutMs)) }
    const ttlMs = await leases.keepAlive(id, options).catch((error: unknown) => {
      if (isNitroError(error, 'LeaseNotFound')) throw lost(id, 'there is no such lease, or it has expired')
      if (boundMs < Infinity && isNitroError(error) && error.retryable) return undefined
      throw error
    })
    if (ttlMs !== undefined) {
      yield ttlMs
      boundMs = sentMs + holderMs(ttlMs)
    }
    const nextMs = ttlMs === undefined ? sentMs + 100 : sentMs + holderMs(ttlMs) / 3
    await new Promise<void>((resolve) => {
      const end = (): void => {
        timer.cancel()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = scheduler.after(Math.min(Math.max(0, nextMs - clock.monotonicMs()), timerMsMax), end)
      signal.addEventListener('abort', end)
    })
  }
}

function lost(id: number, why: string): NitroError {
  return new NitroError('LeaseLost', `lease ${id}: ${why}`, { details: { lease: id } })
}

function revokeCommand(context: CliContext): Command {
  return usesCluster(new Command('revoke'))
    .description('end a lease; its keys are deleted')
    .addArgument(idArgument())
    .action((id: number, _options: unknown, command: Command) =>
      withClient(context, command, async ({ leases }, { output, timeoutMs }) => {
        const { deleted, revision } = await leases.revoke(id, { timeoutMs })
        await printRecord(context, output ?? 'table', { deleted, revision }, 'deleted')
      }),
    )
}

function ttlCommand(context: CliContext): Command {
  return usesCluster(new Command('ttl'))
    .description('what is left of a lease, and how many keys are attached')
    .addArgument(idArgument())
    .option('--keys', 'with the keys')
    .action((id: number, { keys: withKeys }: { readonly keys?: true }, command: Command) =>
      withClient(context, command, async ({ leases }, { output, timeoutMs }) => {
        const { keys, more, ...facts } = await leases.timeToLive(id, { keys: withKeys, timeoutMs })
        const named = withKeys === true ? { keys: keys.map((key) => text(key)) } : {}
        await printRecord(context, output ?? 'table', { ...facts, ...named }, 'remainingMs')
        if (more) await note(context, 'There are more keys than one answer holds.')
      }),
    )
}

function listCommand(context: CliContext): Command {
  return usesCluster(new Command('list'))
    .description('the ids of all leases')
    .action((_options: unknown, command: Command) =>
      withClient(context, command, async ({ leases }, { output = 'table', timeoutMs }) => {
        const ids = await leases.list({ timeoutMs })
        await printRows(
          context,
          output,
          ids.map((id) => ({ id })),
          'id',
        )
        if (ids.length === 0 && output === 'table') await note(context, 'No leases.')
      }),
    )
}
