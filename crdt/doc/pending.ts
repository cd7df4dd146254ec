/** Updates that came before what they build on. They wait here, within limits, until it has come. */
import { NitroError } from '../../base/index.ts'
import type { Dot } from '../kernel/dot.ts'
import type { PendingLimits } from './core.ts'
import type { Breach, Floor } from './floor.ts'
import type { Prepared } from './receive.ts'
import type { DocState } from './state.ts'

interface Waiting {
  readonly prepared: Prepared
  /** Its length as it came. */
  readonly bytes: number
  readonly missing: Dot
}

/** See the header. */
export class Pending {
  private readonly limits: PendingLimits
  /** By the replica that made what is missing. */
  private readonly waiting = new Map<number, Waiting[]>()
  private bytes = 0
  private count = 0

  constructor(limits: PendingLimits) {
    this.limits = limits
  }

  /** How many updates wait. */
  get size(): number {
    return this.count
  }

  /** Keeps an update. Throws `Overloaded` when there is no room: fetch what is missing and send this again. */
  add(prepared: Prepared, bytes: number, missing: Dot): void {
    if (this.bytes + bytes > this.limits.bytes || this.count >= this.limits.updates) {
      const { rid, seq } = missing
      throw new NitroError('Overloaded', `no room for an update that builds on ${rid}:${seq}, which has not come`, {
        details: { rid, seq },
      })
    }
    this.bytes += bytes
    this.count++
    const list = this.waiting.get(missing.rid)
    if (list === undefined) this.waiting.set(missing.rid, [{ prepared, bytes, missing }])
    else list.push({ prepared, bytes, missing })
  }

  /** An event that waits and was made without all of a version, or undefined. */
  breach(floor: Floor): Breach | undefined {
    for (const list of this.waiting.values()) {
      for (const { prepared } of list) {
        const found = floor.without(prepared.update.spans)
        if (found !== undefined) return found
      }
    }
    return undefined
  }

  /** Takes out those whose missing event has come, one after the other; more may still be missing for each. */
  *ready(state: DocState): Generator<Waiting> {
    for (let next = this.takeReady(state); next !== undefined; next = this.takeReady(state)) yield next
  }

  private takeReady({ graph }: DocState): Waiting | undefined {
    for (const [rid, list] of this.waiting) {
      const next = graph.nextSeq(rid)
      const at = list.findIndex(({ missing }) => missing.seq < next)
      if (at < 0) continue
      const [found] = list.splice(at, 1)
      if (list.length === 0) this.waiting.delete(rid)
      this.bytes -= found?.bytes ?? 0
      this.count--
      return found
    }
    return undefined
  }
}
