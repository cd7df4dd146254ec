/**
 * The trace of a run: a chained hash over every event, and the events themselves for whoever wants to look.
 *
 * Two runs of one seed must end with the same hash. When they do not, {@link firstDifference} names the first event that
 * differs: what happened right before it depends on something that is not simulated.
 */
import { hash128, hashBytes, hashText, utf8 } from '../../base/index.ts'
import type { Hash128 } from '../../base/index.ts'

/** One thing that happened. */
export interface TraceEvent {
  readonly atMs: number
  /** Node, client, or a part of the simulator. */
  readonly who: string
  readonly kind: string
  /** Lanes of the hash of the bytes involved, or a short text. */
  readonly what: string
  /** The chained hash after it. */
  readonly chain: number
}

/** Events kept; older ones are forgotten. */
const keptMax = 200_000

/** Records one run. */
export class Trace {
  /** Events so far. */
  count = 0
  private chain: Hash128 = hash128(new Uint8Array(0))
  private readonly ring: TraceEvent[] = []
  private readonly buffer = new Uint8Array(64)
  private readonly view = new DataView(this.buffer.buffer)
  private readonly names = new Map<string, number>()

  /** Adds an event. `bytes` or `note` say what it was about. */
  add(atMs: number, who: string, kind: string, bytes?: Uint8Array, note?: string): void {
    const { buffer, view } = this
    const payload = bytes ?? (note === undefined ? undefined : utf8(note))
    buffer.set(hashBytes(this.chain), 0)
    view.setFloat64(16, atMs)
    view.setUint32(24, this.nameOf(who))
    view.setUint32(28, this.nameOf(kind))
    buffer.fill(0, 32)
    if (payload !== undefined) {
      buffer.set(hashBytes(hash128(payload)), 32)
      view.setUint32(48, payload.length)
    }
    this.chain = hash128(buffer)
    const what = note ?? (bytes === undefined ? '' : `${bytes.length} bytes #${view.getUint32(32).toString(16)}`)
    this.ring[this.count++ % keptMax] = { atMs, who, kind, what, chain: this.chain[0] as number }
  }

  /** 32 hexadecimal digits over everything so far. */
  get hash(): string {
    return hashText(this.chain)
  }

  /** Event number `at`, if it is still known. */
  event(at: number): TraceEvent | undefined {
    return at < this.count && at >= this.count - keptMax ? this.ring[at % keptMax] : undefined
  }

  /** The last events as lines of text, oldest first. */
  tail(lines: number): string[] {
    const out: string[] = []
    for (let at = Math.max(0, this.count - lines); at < this.count; at++) out.push(describe(at, this.event(at)))
    return out
  }

  /** Numbers in order of first use: names cost nothing in the hash, but a new one in another order changes it. */
  private nameOf(name: string): number {
    let number = this.names.get(name)
    if (number === undefined) this.names.set(name, (number = this.names.size))
    return number
  }
}

/** Where two runs of one seed part, with the events before, as text; undefined if they are equal. */
export function firstDifference(one: Trace, two: Trace): string | undefined {
  if (one.hash === two.hash && one.count === two.count) return undefined
  const known = Math.max(0, one.count - keptMax, two.count - keptMax)
  let at = known
  while (one.event(at) !== undefined && one.event(at)?.chain === two.event(at)?.chain) at++
  const before = Array.from({ length: Math.min(8, at - known) }, (_, i) => at - Math.min(8, at - known) + i)
  return [
    `the runs part at event ${at}:`,
    ...before.map((i) => `  both   ${describe(i, one.event(i))}`),
    `  first  ${describe(at, one.event(at))}`,
    `  second ${describe(at, two.event(at))}`,
  ].join('\n')
}

function describe(at: number, event: TraceEvent | undefined): string {
  if (event === undefined) return `${at} (none)`
  return `${at} ${event.atMs.toFixed(3)} ${event.who} ${event.kind} ${event.what}`
}
