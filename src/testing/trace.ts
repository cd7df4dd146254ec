/**
 * The trace of a run: a chained hash over every event, and, where it is asked for, the events themselves.
 *
 * Two runs of one seed must end with the same hash. When they do not, run both again with their events kept, and
 * {@link firstDifference} names the first event that differs: what happened right before it depends on something that is
 * not simulated.
 */
import { hash128Into, hashText } from '../../base/index.ts'

/** One thing that happened. */
export interface TraceEvent {
  readonly atMs: number
  /** Node, client, or a part of the simulator. */
  readonly who: string
  readonly kind: string
  /** Length and hash of the bytes involved, or a short text. */
  readonly what: string
  /** First lane of the chained hash after it. */
  readonly chain: number
}

/** Records one run. */
export class Trace {
  /** Events so far. */
  count = 0
  private readonly keep: number
  private readonly ring: TraceEvent[] = []
  /** The state of the hash, and the words that go in next. */
  private readonly chain = new Uint32Array(4)
  private readonly payload = new Uint32Array(4)
  private readonly moment = new Float64Array(1)
  private readonly words = new Uint32Array(this.moment.buffer)
  private readonly names = new Map<string, number>()

  /** Keeps the last `keep` events; the hash covers all of them. */
  constructor(keep = 0) {
    this.keep = keep
  }

  /** Adds an event. `bytes` or `note` say what it was about. */
  add(atMs: number, who: string, kind: string, bytes?: Uint8Array, note?: string): void {
    const { moment, words, payload } = this
    moment[0] = atMs
    const label = this.nameOf(who) * 65_536 + this.nameOf(kind)
    this.mix(words[0] as number, words[1] as number, label, bytes?.length ?? note?.length ?? 0)
    if (bytes !== undefined) {
      hash128Into(payload, 0, bytes, 0, bytes.length)
      this.mix(payload[0] as number, payload[1] as number, payload[2] as number, payload[3] as number)
    } else if (note !== undefined) {
      for (let at = 0; at < note.length; at += 4) {
        this.mix(note.charCodeAt(at), note.charCodeAt(at + 1), note.charCodeAt(at + 2), note.charCodeAt(at + 3))
      }
    }
    this.count++
    if (this.keep === 0) return
    const what = note ?? (bytes === undefined ? '' : `${bytes.length} bytes #${(payload[0] as number).toString(16)}`)
    this.ring[(this.count - 1) % this.keep] = { atMs, who, kind, what, chain: this.chain[0] as number }
  }

  /** One block of MurmurHash3_x86_128, whose finish is left out: every block is whole. */
  private mix(a: number, b: number, c: number, d: number): void {
    const { chain } = this
    let h1 = chain[0] as number
    let h2 = chain[1] as number
    let h3 = chain[2] as number
    let h4 = chain[3] as number
    h1 ^= Math.imul(rotl(Math.imul(a, 0x239b961b), 15), 0xab0e9789)
    h1 = (Math.imul(rotl(h1, 19) + h2, 5) + 0x561ccd1b) | 0
    h2 ^= Math.imul(rotl(Math.imul(b, 0xab0e9789), 16), 0x38b34ae5)
    h2 = (Math.imul(rotl(h2, 17) + h3, 5) + 0x0bcaa747) | 0
    h3 ^= Math.imul(rotl(Math.imul(c, 0x38b34ae5), 17), 0xa1e38b93)
    h3 = (Math.imul(rotl(h3, 15) + h4, 5) + 0x96cd1c35) | 0
    h4 ^= Math.imul(rotl(Math.imul(d, 0xa1e38b93), 18), 0x239b961b)
    h4 = (Math.imul(rotl(h4, 13) + h1, 5) + 0x32ac3b17) | 0
    chain[0] = h1
    chain[1] = h2
    chain[2] = h3
    chain[3] = h4
  }

  /** 32 hexadecimal digits over everything so far. */
  get hash(): string {
    return hashText(this.chain)
  }

  /** Event number `at`, if it is still known. */
  event(at: number): TraceEvent | undefined {
    return at < this.count && at >= this.count - this.keep ? this.ring[at % this.keep] : undefined
  }

  /** Number of the oldest event that is known. */
  get oldest(): number {
    return Math.max(0, this.count - this.keep)
  }

  /** The last events as lines of text, oldest first. */
  tail(lines: number): string[] {
    const out: string[] = []
    for (let at = Math.max(this.oldest, this.count - lines); at < this.count; at++) {
      out.push(describeEvent(at, this.event(at)))
    }
    return out
  }

  /** Numbers in order of first use: names cost nothing in the hash, but a new one in another order changes it. */
  private nameOf(name: string): number {
    let number = this.names.get(name)
    if (number === undefined) this.names.set(name, (number = this.names.size))
    return number
  }
}

const rotl = (x: number, r: number): number => (x << r) | (x >>> (32 - r))

/**
 * Where two runs of one seed part, with the events before, as text; undefined if they are equal. Says only that they part
 * when the events were not kept.
 */
export function firstDifference(one: Trace, two: Trace): string | undefined {
  if (one.hash === two.hash && one.count === two.count) return undefined
  const known = Math.max(one.oldest, two.oldest)
  let at = known
  while (one.event(at) !== undefined && one.event(at)?.chain === two.event(at)?.chain) at++
  if (one.event(at) === undefined && two.event(at) === undefined) return 'the runs part at an event that was not kept'
  const before = Array.from({ length: Math.min(8, at - known) }, (_, i) => at - Math.min(8, at - known) + i)
  return [
    `the runs part at event ${at}:`,
    ...before.map((i) => `  both   ${describeEvent(i, one.event(i))}`),
    `  first  ${describeEvent(at, one.event(at))}`,
    `  second ${describeEvent(at, two.event(at))}`,
  ].join('\n')
}

function describeEvent(at: number, event: TraceEvent | undefined): string {
  if (event === undefined) return `${at} (none)`
  return `${at} ${event.atMs.toFixed(3)} ${event.who} ${event.kind} ${event.what}`
}
