/**
 * A double barrier: all go on when enough are in, and leave when all have left.
 *
 * Who is in holds a shared grant. A member looks at the history from its own grant on, so it sees the moment at which enough were
 * in even if some of them have left again by the time it looks.
 */
import { decodeRangeResult, decodeSyncKey, encodeRangeArgs, syncRange } from '../../execution/codec.ts'
import type { Condition, HoldState, Together } from '../api/index.ts'
import { followEntries } from './entries.ts'
import type { Grant } from './grant.ts'
import { watchKeys } from './key-watch.ts'
import type { SyncPorts } from './ports.ts'

/** Waits until `count` are in; gives the grant back if that fails. */
export async function enterTogether(
  ports: SyncPorts,
  grant: Grant,
  count: number,
  signal: AbortSignal | undefined,
): Promise<Together> {
  const either = signal === undefined ? grant.signal : AbortSignal.any([signal, grant.signal])
  try {
    return new Place(ports, grant, await untilOpen(ports, grant, count, either))
  } catch (error) {
    await grant[Symbol.asyncDispose]()
    throw error
  }
}

/** Sequences of those who were in when it opened. */
async function untilOpen(ports: SyncPorts, grant: Grant, count: number, signal: AbortSignal): Promise<Set<number>> {
  const range = syncRange(grant.resource)
  const args = encodeRangeArgs({ ...range, revision: grant.token, keysOnly: true, limit: 0 })
  const { records } = decodeRangeResult(await ports.engine.query('kv', 'range', args, { signal }))
  const inside = new Set(records.map(({ key }) => decodeSyncKey(key)?.sequence ?? 0))
  if (inside.size >= count) return inside
  await watchKeys(ports.engine, range, grant.token + 1, signal, ({ key, kind }) => {
    const sequence = decodeSyncKey(key)?.sequence ?? 0
    if (kind === 'delete') inside.delete(sequence)
    else inside.add(sequence)
    return inside.size >= count
  })
  return inside
}

class Place implements Together {
  private readonly ports: SyncPorts
  private readonly grant: Grant
  private readonly others: ReadonlySet<number>

  constructor(ports: SyncPorts, grant: Grant, together: Set<number>) {
    this.ports = ports
    this.grant = grant
    together.delete(grant.sequence)
    this.others = together
  }

  get name(): Uint8Array {
    return this.grant.name
  }

  get token(): number {
    return this.grant.token
  }

  get lease(): number {
    return this.grant.lease
  }

  get state(): HoldState {
    return this.grant.state
  }

  get signal(): AbortSignal {
    return this.grant.signal
  }

  throwIfLost(): void {
    this.grant.throwIfLost()
  }

  guard(): Condition {
    return this.grant.guard()
  }

  async leave({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    await this.grant.give({ signal })
    const { others } = this
    await followEntries(this.ports, this.grant.resource, signal ?? new AbortController().signal, (entries) => {
      for (const sequence of others) if (entries.has(sequence)) return false
      return true
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.grant[Symbol.asyncDispose]()
  }
}
