/** Replicas of one sequence that exchange bytes: what a document does, without the document. */
import fc from 'fast-check'
import { ByteReader, ByteWriter } from '../../base/index.ts'
import type { Dot } from '../../crdt/graph/graph.ts'
import { CausalGraph } from '../../crdt/graph/graph.ts'
import type { Ranges } from '../../crdt/graph/walk.ts'

/** What peers need of a sequence. */
export interface Exchanged {
  writeOperations(writer: ByteWriter, ranges: Ranges): void
  readOperations(reader: ByteReader, events: number): unknown
  receive(read: never, lvOf: (event: number) => number): void
  integrate(end: number, patches?: never[]): void
}

/** One replica. */
export class Peer<S extends Exchanged> {
  readonly rid: number
  readonly graph = new CausalGraph()
  readonly sequence: S

  constructor(rid: number, make: (graph: CausalGraph) => S) {
    this.rid = rid
    this.sequence = make(this.graph)
  }

  /** The LV of `count` new local operations. */
  next(count: number): number {
    return this.graph.append(this.rid, count)
  }

  /** Where it stands, in dots. */
  version(): Dot[] {
    return this.graph.frontier.map((lv) => this.graph.dotOf(lv))
  }

  /** LVs here of a version of any peer. */
  here(version: readonly Dot[]): number[] {
    return version.map(({ rid, seq }) => this.graph.lvOf(rid, seq)).sort((a, b) => a - b)
  }

  /** Takes over all that another one has; `all` sends also what is known. */
  pull(other: Peer<S>, all = false, patches?: unknown[]): void {
    const spans = [...other.graph.spansSince(all ? new Map() : this.graph.versionVector())]
    if (spans.length === 0) return
    const writer = new ByteWriter()
    other.sequence.writeOperations(
      writer,
      spans.flatMap(({ lv, length }) => [lv, lv + length]),
    )
    const reader = new ByteReader(writer.take())
    const events: number[] = []
    const read = this.sequence.readOperations(
      reader,
      spans.reduce((sum, { length }) => sum + length, 0),
    )
    reader.finish()
    for (const { rid, seq, length, parents } of spans) {
      const known = Math.min(length, this.graph.nextSeq(rid) - seq)
      for (let i = 0; i < known; i++) events.push(-1)
      if (known === length) continue
      const before = known > 0 ? [{ rid, seq: seq + known - 1 }] : parents.map((lv) => other.graph.dotOf(lv))
      const lv = this.graph.add(rid, seq + known, length - known, this.here(before))
      for (let i = 0; i < length - known; i++) events.push(lv + i)
    }
    this.sequence.receive(read as never, (event) => events[event] as number)
    this.sequence.integrate(this.graph.length, patches as never)
  }
}

/** One thing that happens: `act` says what replica `who` does, with numbers to draw positions from; or it pulls from `other`. */
export interface PeerStep {
  readonly who: number
  readonly other: number
  readonly act: number
  readonly draws: readonly [number, number, number]
}

/** Steps of three replicas; about a third are exchanges (`act` < 0). */
export function peerSteps(maxLength: number): fc.Arbitrary<PeerStep[]> {
  const replica = fc.integer({ min: 0, max: 2 })
  const draw = fc.nat({ max: 9999 })
  const act = fc.integer({ min: -6, max: 9 })
  return fc.array(fc.record({ who: replica, other: replica, act, draws: fc.tuple(draw, draw, draw) }), { maxLength })
}

/** Three replicas, and what makes them all know everything. */
export function threePeers<S extends Exchanged>(
  make: (graph: CausalGraph) => S,
): { peers: readonly [Peer<S>, Peer<S>, Peer<S>]; settle(): void } {
  const peers = [new Peer(1, make), new Peer(2, make), new Peer(3, make)] as const
  const settle = (): void => {
    for (let round = 0; round < 2; round++) for (const a of peers) for (const b of peers) if (a !== b) a.pull(b)
  }
  return { peers, settle }
}
