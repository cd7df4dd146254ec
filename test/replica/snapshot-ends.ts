/** Two ends of snapshot traffic, over links that lose what is on them. */
import { expect } from 'vitest'
import { hashText, silentLogger, silentMetrics } from '../../base/index.ts'
import { EntryBuilder, Machine } from '../../execution/index.ts'
import { encodeConfiguration } from '../../src/replica/configuration.ts'
import type { Flusher } from '../../src/replica/flusher.ts'
import type { ReplicaPorts } from '../../src/replica/ports.ts'
import { Snapshots } from '../../src/replica/snapshots.ts'
import type { ReceivedState } from '../../src/replica/snapshots.ts'
import { blockReader } from '../../src/replica/state-reader.ts'
import type { StateDirectory } from '../../src/storage/index.ts'
import { MemoryFiles, MemoryKvFactory, nodeCrypto, openState } from '../../src/storage/index.ts'
import { frameKinds } from '../../src/wire/index.ts'
import { seededRandom } from '../net/schedulers.ts'
import { activateAll } from '../support/activation.ts'
import { HandTime, founded, putCommand, settled } from './support.ts'

/** A frame on its way. */
export interface Frame {
  readonly to: number
  readonly kind: number
  readonly payload: Uint8Array
}

/** One end: a state on a memory disk, and the snapshot traffic of the node with this id. */
export class End {
  readonly state: StateDirectory
  readonly machine: Machine
  readonly out: Frame[] = []
  readonly finished: string[] = []
  readonly received: ReceivedState[] = []
  readonly unable: unknown[] = []
  readonly flusher: { durable: { index: number }; whole: boolean; snapshot(): Promise<unknown> }
  open = true
  linked: readonly number[] = [1, 2, 3]
  term = 3
  snapshots: Snapshots
  private readonly id: number
  private readonly time: HandTime

  static async make(
    id: number,
    time: HandTime,
    values: number,
    seed = id,
    flags: readonly number[] = [],
  ): Promise<End> {
    const files = new MemoryFiles()
    const kv = new MemoryKvFactory(files)
    const state = await openState({
      files,
      kv,
      crypto: nodeCrypto,
      directory: 'data',
      expected: false,
      longValueBytes: 256,
      valueFileBytes: 4096,
    })
    const machine = new Machine({ flags, readBlock: blockReader(() => state.kv) })
    machine.finishLoad()
    machine.applyConfiguration(1, 1, encodeConfiguration(founded(3)))
    if (flags.length > 0) activateAll(machine)
    for (let at = 0; at < values; at++) {
      const builder = new EntryBuilder()
      builder.add(putCommand(`k${at}`, new Uint8Array(60_000).fill(at)))
      machine.startEntry(at + 2, 2, builder.finish(0, 0))
      while (machine.step(() => undefined));
      machine.finishEntry()
    }
    const flush = machine.seal()
    if (flush !== undefined) {
      await state.write(flush.changes)
      machine.flushed(flush)
    }
    return new End(id, time, state, machine, seed)
  }

  private constructor(id: number, time: HandTime, state: StateDirectory, machine: Machine, seed: number) {
    this.id = id
    this.time = time
    this.state = state
    this.machine = machine
    const { appliedIndex: index, appliedTerm: term, revision } = machine
    const position = { index, term, revision, configuration: founded(3) }
    this.flusher = {
      durable: position,
      whole: true,
      snapshot: () => Promise.resolve({ position, view: state.snapshot() }),
    }
    this.snapshots = this.begin(seed)
  }

  /** A new life of the process: nothing is known of what was under way. */
  begin(seed: number): Snapshots {
    const random = seededRandom(seed)
    const ports = { clock: this.time, crypto: nodeCrypto, logger: silentLogger, metrics: silentMetrics, random }
    this.snapshots = new Snapshots({
      ports: ports as unknown as ReplicaPorts,
      selfId: this.id,
      flusher: this.flusher as unknown as Flusher,
      state: this.state,
      newMachine: (readBlock) => new Machine({ readBlock }),
      send: (to, _channel, kind, payload) => {
        if (this.open) this.out.push({ to, kind, payload })
        return this.open
      },
      buffered: () => 0,
      askable: () => this.linked.filter((id) => id !== this.id),
      received: (state) => void this.received.push(state),
      unable: (error) => void this.unable.push(error),
      finished: (to, ok) => void this.finished.push(`${to} ${ok ? 'taken' : 'not taken'}`),
      term: () => this.term,
    })
    return this.snapshots
  }
}

/** Delivers frames both ways until nothing moves, at most `most` of them. Returns how many chunks were delivered. */
export async function exchange(ends: readonly End[], most = Infinity): Promise<number> {
  let chunks = 0
  for (let idle = 0, left = most; idle < 3 && left > 0;) {
    await settled()
    const from = ends.find((end) => end.out.length > 0)
    if (from === undefined) {
      idle++
      continue
    }
    idle = 0
    left--
    const { to, kind, payload } = from.out.shift() as Frame
    const target = ends[to - 1]?.snapshots
    if (kind === frameKinds.snapshotChunk) {
      chunks++
      target?.chunk(ends.indexOf(from) + 1, payload)
    } else target?.control(ends.indexOf(from) + 1, payload)
  }
  return chunks
}

/** A sender with so many large values, a receiver with none, and their time. */
export const two = async (values = 20): Promise<[End, End, HandTime]> => {
  const time = new HandTime()
  return [await End.make(1, time, values), await End.make(2, time, 0), time]
}

/** The state that was received is the sender's, and can be used. */
export const isSame = async (from: End, to: End): Promise<void> => {
  const [taken] = to.received
  expect(hashText((taken as ReceivedState).machine.stateHash())).toBe(hashText(from.machine.stateHash()))
  await taken?.replacement.commit()
}
