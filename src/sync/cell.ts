/** Cells: small values that are kept with a resource and outlive every session. */
import { NitroError } from '../../base/index.ts'
import { decodeCellResult, decodeSetResult, encodeCellArgs, encodeSetArgs, syncCellKey } from '../../execution/codec.ts'
import type { SyncCell, SyncResource } from '../../execution/codec.ts'
import type { ReadOptions, RequestOptions } from '../api/index.ts'
import { persist } from './entries.ts'
import { watchKeys } from './key-watch.ts'
import type { SyncPorts } from './ports.ts'

/** One cell. */
export class Cell {
  private readonly ports: SyncPorts
  private readonly resource: SyncResource

  constructor(ports: SyncPorts, resource: SyncResource) {
    this.ports = ports
    this.resource = resource
  }

  async read(options?: ReadOptions): Promise<SyncCell | undefined> {
    return (await this.readAt(options)).cell
  }

  private async readAt(options?: ReadOptions): Promise<ReturnType<typeof decodeCellResult>> {
    return decodeCellResult(await this.ports.engine.query('sync', 'cell', encodeCellArgs(this.resource), options))
  }

  /** Sets it if it is what it was, under a grant if there is one. Resolves with what it is now. Throws `NotHeld`. */
  async set(
    was: SyncCell | undefined,
    value: Uint8Array | undefined,
    { token = 0, ...options }: RequestOptions & { readonly token?: number } = {},
  ): Promise<{ readonly done: boolean; readonly cell: SyncCell | undefined }> {
    const args = encodeSetArgs({ ...this.resource, token, ifRevision: was?.revision ?? 0, value })
    return decodeSetResult(await this.ports.engine.command('sync', 'set', args, options))
  }

  /** Replaces it by what `change` makes of it, as often as others come between; undefined from `change` leaves it. */
  async change(
    change: (cell: SyncCell | undefined) => { readonly value: Uint8Array | undefined } | undefined,
    options?: RequestOptions,
  ): Promise<void> {
    let cell = await this.read(options)
    for (;;) {
      const next = change(cell)
      if (next === undefined) return
      const answer = await this.set(cell, next.value, options)
      if (answer.done) return
      cell = answer.cell
    }
  }

  /** Resolves when `enough` is true of it. Rejects with `signal.reason`, `Closed`, or what `enough` throws. */
  async until(enough: (value: Uint8Array | undefined) => boolean, given: AbortSignal | undefined): Promise<void> {
    const signal = given ?? new AbortController().signal
    await persist(this.ports.scheduler, signal, async () => {
      const { revision, cell } = await this.readAt({ signal })
      if (enough(cell?.value)) return
      const range = { start: syncCellKey(this.resource) }
      await watchKeys(this.ports.engine, range, revision + 1, signal, ({ entry }) => enough(entry?.value))
    })
  }
}

/** The error of a count that others don't share. */
export function otherCount(theirs: number, ours: number): NitroError {
  return new NitroError('CapacityMismatch', `others use it with a count of ${theirs}, not ${ours}`, {
    details: { capacity: theirs },
  })
}
