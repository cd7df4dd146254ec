/** Asks several nodes the same thing, each over a connection of its own. */
import type { Command } from 'commander'
import { isNitroError, messageOf } from '../../../base/index.ts'
import type { Client } from '../../client/index.ts'
import type { CliContext } from '../context.ts'
import { openClient, sharedOptions, withNode, type SharedOptions } from '../shared.ts'
import { onlyReason } from '../unreachable.ts'

/** What one node answered, or why it did not. */
export interface Probe<T> {
  readonly endpoint: string
  readonly answer: T | undefined
  /** Empty when it answered. */
  readonly error: string
  readonly tookMs: number
}

/** Asks every endpoint at once; never rejects for a node that is away. */
export function probe<T>(
  context: CliContext,
  shared: SharedOptions,
  endpoints: readonly string[],
  ask: (client: Client, timeoutMs: number) => Promise<T>,
): Promise<readonly Probe<T>[]> {
  return Promise.all(
    endpoints.map(async (endpoint) => {
      const started = context.clock.monotonicMs()
      const took = (): number => Math.round((context.clock.monotonicMs() - started) * 10) / 10
      try {
        const answer = await withNode(context, shared, endpoint, (client) => ask(client, shared.timeoutMs))
        return { endpoint, answer, error: '', tookMs: took() }
      } catch (error) {
        return { endpoint, answer: undefined, error: shortError(error), tookMs: took() }
      }
    }),
  )
}

/** The endpoints to ask: those given, or with `cluster` the addresses of all members. */
export async function probedEndpoints(
  context: CliContext,
  command: Command,
  cluster: boolean,
): Promise<readonly string[]> {
  const shared = sharedOptions(context, command)
  if (!cluster) return shared.endpoints
  const client = await openClient(context, shared, shared.endpoints)
  try {
    const members = await client.admin.members({ timeoutMs: shared.timeoutMs })
    return members.map(({ address }) => address)
  } finally {
    await client.close()
  }
}

function shortError(error: unknown): string {
  return isNitroError(error) ? `${error.code}: ${onlyReason(error)}` : messageOf(error)
}
