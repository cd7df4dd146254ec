/**
 * Snapshots between peers: for followers that need entries the log no longer has, and for nodes whose state is damaged.
 *
 * One per peer and two per node go out at a time, one comes in. The core learns of a received snapshot only when all of it
 * is here and verified: then its MsgSnap is stepped.
 */
import { ByteReader, ByteWriter, isNitroError, messageOf } from '../../base/index.ts'
import { decodeMessage, encodeMessage, newMessage } from '../../consensus/index.ts'
import type { Message } from '../../consensus/index.ts'
import type { BlockReader, Machine } from '../../execution/index.ts'
import { SnapshotSender } from '../storage/index.ts'
import type { SnapshotHead, StateDirectory } from '../storage/index.ts'
import { frameKinds } from '../wire/index.ts'
import { encodeConfiguration } from './configuration.ts'
import type { DurablePosition, Flusher } from './flusher.ts'
import type { MemberSender } from './forwarder.ts'
import type { ReplicaPorts } from './ports.ts'
import { decodeChunk, decodeControl, encodeControl } from './snapshot-frames.ts'
import type { SnapshotControl } from './snapshot-frames.ts'
import { Receiving } from './snapshot-receive.ts'
import type { ReceivedState } from './snapshot-receive.ts'
import { Sending } from './snapshot-send.ts'

export type { ReceivedState } from './snapshot-receive.ts'

/** What the exchange stands on. */
export interface SnapshotsOptions {
  readonly ports: ReplicaPorts
  readonly selfId: number
  readonly flusher: Flusher
  readonly state: StateDirectory
  readonly newMachine: (readBlock: BlockReader) => Machine
  readonly send: MemberSender
  readonly buffered: (to: number) => number
  /** Members that could be asked for their state. */
  readonly askable: () => readonly number[]
  /** A complete state: to be offered to the core, or, without a message, to be used at once. */
  readonly received: (state: ReceivedState) => void
  /** A state came that this node can't go on with, or its own can't be read. */
  readonly unable: (error: unknown) => void
  /** A sending for the core ended. */
  readonly finished: (to: number, ok: boolean) => void
  readonly term: () => number
}

const sendingsMax = 2
const bufferedMax = 4 << 20
/** After a snapshot arrived, its receiver still needs the log that follows it. */
const holdMs = 10_000
const requestEveryTicks = 20
/** A sender that says nothing for so long has ended or is cut off: another may be listened to. */
const silenceMs = 15_000
/** So soon after its link is back a sender has spoken, if it is still the same process and still has something to send. */
const resumptionMs = 3_000
/** A received state waits at most this long for the core before another sender is listened to. */
const stagedMs = 5_000

/** All snapshot traffic of one node. */
export class Snapshots {
  private readonly options: SnapshotsOptions
  private readonly sendings = new Map<number, Sending>()
  /** Peers whose snapshot is about to begin, and whether it is a repair. */
  private readonly starting = new Map<number, boolean>()
  private readonly holds: { readonly index: number; readonly untilMs: number }[] = []
  private receiving: Receiving | undefined
  private staged: { readonly state: ReceivedState; readonly sinceMs: number; accepted: boolean } | undefined
  /** The last one that was received whole, in case the sender did not hear of it. */
  private whole: { readonly from: number; readonly id: number } | undefined
  private cleared: Promise<void> = Promise.resolve()
  /** Begins anywhere, so that a receiver does not take this process for the one before it. */
  private nextId: number
  private wanted: number | undefined
  private ticks = 0
  private asked = 0
  /** There was nobody to ask when it was time to. */
  private askMissed = false
  private stopped = false
  /** By then the snapshot that comes in has to be heard of again. */
  private silentUntilMs = 0

  constructor(options: SnapshotsOptions) {
    this.options = options
    this.nextId = options.ports.random.u32()
  }

  private nowMs(): number {
    return this.options.ports.clock.monotonicMs()
  }

  /** The log must not be compacted beyond this index. */
  get neededFrom(): number {
    let index = Number.MAX_SAFE_INTEGER
    for (const sending of this.sendings.values()) index = Math.min(index, sending.options.index)
    for (const hold of this.holds) index = Math.min(index, hold.index)
    return index
  }

  // ---- sending

  /** The core wants `to` to have a snapshot. What is sent is the newest flushed state. */
  start(to: number): void {
    this.launch(to, false, 0)
  }

  /** A view that can't be taken is like a snapshot that got lost: the core tries again. */
  private launch(to: number, repair: boolean, minIndex: number): void {
    this.begin(to, repair, minIndex).catch((error: unknown) => {
      this.starting.delete(to)
      this.options.ports.logger.warn({ to, reason: messageOf(error) }, 'snapshot not begun')
      if (!repair && !this.stopped) this.options.finished(to, false)
    })
  }

  private async begin(to: number, repair: boolean, minIndex: number): Promise<void> {
    const refuse = (): void => {
      if (!repair) this.options.finished(to, false)
    }
    const other = this.sendings.get(to)?.options.repair ?? this.starting.get(to)
    // The core waits for its own snapshot, and would wait for ever behind a repair.
    if (other !== undefined) return other ? refuse() : undefined
    if (this.sendings.size + this.starting.size >= sendingsMax || this.stopped) return refuse()
    this.starting.set(to, repair)
    const term = this.options.term()
    const { position, view } = await this.options.flusher.snapshot()
    this.starting.delete(to)
    if (this.stopped || position.index < minIndex || (!repair && term !== this.options.term())) {
      await view.close()
      return refuse()
    }
    const { ports, send } = this.options
    const id = this.nextId++
    const chunks = new SnapshotSender({ crypto: ports.crypto, view, head: headOf(position) }).stream()
    const sending = new Sending({
      id,
      to,
      index: position.index,
      repair,
      message: repair ? new Uint8Array(0) : this.messageFor(to, term, position),
      view,
      chunks: chunks[Symbol.asyncIterator](),
      logger: ports.logger,
      nowMs: () => this.nowMs(),
      sendControl: (payload) => send(to, 'bulk', frameKinds.snapshotControl, payload),
      sendChunk: (payload) =>
        this.options.buffered(to) < bufferedMax && send(to, 'bulk', frameKinds.snapshotChunk, payload),
      finished: (ok) => this.sendingEnded(to, position.index, repair, ok),
      // What can't be sent can't be read by this node either: it needs another state itself.
      failed: (error) => {
        if (isNitroError(error, 'StateDamaged')) this.options.unable(error)
      },
    })
    this.sendings.set(to, sending)
    ports.logger.info({ to, index: position.index, repair }, 'sending a snapshot')
  }

  private messageFor(to: number, term: number, position: DurablePosition): Uint8Array {
    const message = newMessage('MsgSnap', to)
    message.from = this.options.selfId
    message.term = term
    const meta = { index: position.index, term: position.term, confState: position.configuration.confState }
    message.snapshot = { meta, data: new Uint8Array(0) }
    const writer = new ByteWriter()
    encodeMessage(writer, message)
    return writer.take()
  }

  private sendingEnded(to: number, index: number, repair: boolean, ok: boolean): void {
    this.sendings.delete(to)
    if (ok) {
      this.holds.push({ index, untilMs: this.nowMs() + holdMs })
      this.options.ports.metrics.add('nitrostate_snapshots_sent_total')
    }
    if (!repair) this.options.finished(to, ok)
  }

  /** This node does not lead any more: its snapshots for followers make no sense. */
  stepDown(): void {
    for (const sending of [...this.sendings.values()]) if (!sending.options.repair) sending.finish(false)
  }

  /** The flushed state as chunks, for a file. */
  async *stream(): AsyncGenerator<Uint8Array> {
    const { position, view } = await this.options.flusher.snapshot()
    try {
      yield* new SnapshotSender({ crypto: this.options.ports.crypto, view, head: headOf(position) }).stream()
    } finally {
      await view.close()
    }
  }

  // ---- receiving

  /** Asks peers for their state, again and again, until one at or above `minIndex` is here. */
  fetch(minIndex: number): void {
    this.wanted = minIndex
    this.ask()
  }

  private ask(): void {
    if (this.wanted === undefined || this.receiving !== undefined) return
    const from = this.options.askable()
    const to = from[this.asked++ % Math.max(from.length, 1)]
    this.askMissed = to === undefined
    if (to === undefined) return
    this.options.send(
      to,
      'control',
      frameKinds.snapshotControl,
      encodeControl({ type: 'request', minIndex: this.wanted }),
    )
  }

  /** A chunk arrived. */
  chunk(from: number, payload: Uint8Array): void {
    const { id, number, chunk } = decodeChunk(payload)
    const { receiving } = this
    if (receiving?.options.from !== from || receiving.options.id !== id) return
    this.heard()
    receiving.chunk(number, chunk)
  }

  private heard(): void {
    this.silentUntilMs = this.nowMs() + silenceMs
  }

  /** A control message arrived. */
  control(from: number, payload: Uint8Array): void {
    const control = decodeControl(payload)
    switch (control.type) {
      case 'begin':
        this.offered(from, control)
        return
      case 'want':
        if (this.sendings.get(from)?.options.id === control.id) this.sendings.get(from)?.want(control)
        return
      case 'done':
        if (this.sendings.get(from)?.options.id === control.id) this.sendings.get(from)?.finish(control.ok)
        return
      case 'request':
        this.requested(from, control.minIndex)
    }
  }

  /** A member without state asks; one that has none itself can't help. */
  private requested(from: number, minIndex: number): void {
    const { flusher } = this.options
    if (flusher.whole && flusher.durable.index >= minIndex) this.launch(from, true, minIndex)
  }

  private offered(from: number, begin: Extract<SnapshotControl, { type: 'begin' }>): void {
    const { id, repair, message } = begin
    const current = this.receiving
    this.heard()
    const same = current?.options.from === from && current.options.id === id
    if (same && current.resume(begin.first)) return
    const send = (payload: Uint8Array): void =>
      void this.options.send(from, 'control', frameKinds.snapshotControl, payload)
    if (this.whole?.from === from && this.whole.id === id) {
      send(encodeControl({ type: 'done', id, ok: true }))
      return
    }
    const unwanted = repair && this.wanted === undefined
    const { staged } = this
    const busy = staged !== undefined && (staged.accepted || this.nowMs() - staged.sinceMs < stagedMs)
    // Its beginning went to an earlier process of this node, or another sender came in between: only another snapshot helps.
    const cut = begin.first > 0
    if (same) this.discardReceiving()
    if (this.stopped || unwanted || busy || cut) {
      send(encodeControl({ type: 'done', id, ok: false }))
      return
    }
    this.discardReceiving()
    this.discardStaged()
    this.receiving = new Receiving({
      id,
      from,
      message: repair ? undefined : this.checked(from, message),
      ports: this.options.ports,
      logger: this.options.ports.logger,
      state: this.options.state,
      newMachine: this.options.newMachine,
      cleared: this.cleared,
      send,
      completed: (state) => {
        this.whole = { from, id }
        this.completed(state)
      },
      unable: (error) => this.options.unable(error),
      failed: (cleared) => {
        this.receiving = undefined
        this.clear(cleared)
      },
    })
  }

  private checked(from: number, bytes: Uint8Array): Message {
    const message = decodeMessage(new ByteReader(bytes))
    message.from = from
    message.to = this.options.selfId
    return message
  }

  private completed(state: ReceivedState): void {
    this.receiving = undefined
    if (state.message !== undefined) this.staged = { state, sinceMs: this.nowMs(), accepted: false }
    else if (state.machine.appliedIndex < (this.wanted ?? Infinity)) {
      // The answer to a question of an earlier process of this node.
      this.drop(state)
      return this.ask()
    } else this.wanted = undefined
    this.options.received(state)
  }

  /** The core accepted the snapshot at an index: it is kept until it is taken. */
  accepted(index: number): void {
    if (this.staged?.state.machine.appliedIndex === index) this.staged.accepted = true
  }

  /** Hands over the received state that the core accepted. */
  take(index: number): ReceivedState | undefined {
    const { staged } = this
    if (staged?.state.machine.appliedIndex !== index) return undefined
    this.staged = undefined
    this.wanted = undefined
    return staged.state
  }

  private discardReceiving(): void {
    const { receiving } = this
    this.receiving = undefined
    if (receiving !== undefined) this.clear(receiving.abort())
  }

  private discardStaged(): void {
    const { staged } = this
    this.staged = undefined
    if (staged !== undefined) this.drop(staged.state)
  }

  private drop({ replacement }: ReceivedState): void {
    this.clear(
      replacement.abort().catch((error: unknown) => {
        this.options.ports.logger.warn({ reason: messageOf(error) }, 'a received snapshot was left behind')
      }),
    )
  }

  /** There is room for one database beside the current one: the next waits until the last is gone. */
  private clear(gone: Promise<void>): void {
    this.cleared = Promise.all([this.cleared, gone]).then(() => undefined)
  }

  // ---- events

  /** The bulk link to a peer has room again. */
  pump(id: number): void {
    this.sendings.get(id)?.pump()
  }

  /** Both links to a peer are up. */
  linkUp(id: number): void {
    this.sendings.get(id)?.linkUp()
    if (this.receiving?.options.from === id) {
      this.silentUntilMs = Math.min(this.silentUntilMs, this.nowMs() + resumptionMs)
    }
    if (this.askMissed) this.ask()
  }

  /** Once a tick. */
  tick(): void {
    this.ticks++
    for (const sending of [...this.sendings.values()]) sending.tick()
    const nowMs = this.nowMs()
    while ((this.holds[0]?.untilMs ?? Number.MAX_SAFE_INTEGER) < nowMs) this.holds.shift()
    if (this.receiving?.idle === true && nowMs > this.silentUntilMs) this.discardReceiving()
    if (this.ticks % requestEveryTicks === 0) this.ask()
  }

  /** Ends all traffic. */
  stop(): void {
    this.stopped = true
    for (const sending of [...this.sendings.values()]) sending.finish(false)
    this.discardReceiving()
    this.discardStaged()
  }
}

function headOf(position: DurablePosition): SnapshotHead {
  const { configuration, index, term, revision } = position
  return {
    clusterId: configuration.clusterId,
    index,
    term,
    revision,
    configuration: encodeConfiguration(configuration),
  }
}
