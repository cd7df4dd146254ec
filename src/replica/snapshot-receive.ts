/**
 * Receiving a snapshot: chunks are verified and written into a second database as they come, and a machine is loaded from
 * the same records. Only when count, hash and digest are right is anything switched; until then the node's own state is
 * untouched, and a crash leaves nothing but a directory that the next start removes.
 */
import { isNitroError, messageOf } from '../../base/index.ts'
import type { Logger } from '../../base/index.ts'
import type { Message } from '../../consensus/index.ts'
import type { BlockReader, Machine } from '../../execution/index.ts'
import { SnapshotReceiver } from '../storage/index.ts'
import type { Replacement, StateDirectory } from '../storage/index.ts'
import type { ReplicaPorts } from './ports.ts'
import { encodeControl } from './snapshot-frames.ts'
import { blockReader } from './state-reader.ts'

/** A state that is complete and verified, but not yet in use. */
export interface ReceivedState {
  readonly machine: Machine
  readonly replacement: Replacement
  /** The raft message to step; undefined for a repair. */
  readonly message: Message | undefined
}

/** What a receiving needs. */
export interface ReceivingOptions {
  readonly id: number
  readonly from: number
  readonly message: Message | undefined
  readonly ports: ReplicaPorts
  readonly logger: Logger
  readonly state: StateDirectory
  readonly newMachine: (readBlock: BlockReader) => Machine
  /** Settles when nothing of an earlier receiving is left on disk. */
  readonly cleared: Promise<void>
  readonly send: (payload: Uint8Array) => void
  readonly completed: (received: ReceivedState) => void
  /** The state needs programs that this node does not have. */
  readonly unable: (error: unknown) => void
  /** It came to nothing; `cleared` settles when nothing of it is left on disk. */
  readonly failed: (cleared: Promise<void>) => void
}

interface Target {
  readonly replacement: Replacement
  readonly machine: Machine
  readonly reader: SnapshotReceiver
}

/** One snapshot on its way in. */
export class Receiving {
  readonly options: ReceivingOptions
  private readonly queue: { readonly number: number; readonly chunk: Uint8Array }[] = []
  private next = 0
  private working = false
  private over = false
  private target: Promise<Target> | undefined

  constructor(options: ReceivingOptions) {
    this.options = options
  }

  /** Whether everything that came was worked through: more is awaited. */
  get idle(): boolean {
    return !this.working
  }

  /** Takes a chunk; what is not the next one is asked for again by `resume`. */
  chunk(number: number, chunk: Uint8Array): void {
    if (this.over || number !== this.next + this.queue.length) return
    this.queue.push({ number, chunk })
    if (this.working) return
    this.working = true
    this.work().then(
      () => (this.working = false),
      (error: unknown) => {
        if (this.over) return
        this.options.logger.error({ reason: messageOf(error), from: this.options.from }, 'snapshot not taken')
        this.fail()
        // No other snapshot will be one that this node can go on with.
        if (isNitroError(error, 'UnsupportedVersion')) this.options.unable(error)
      },
    )
  }

  private async work(): Promise<void> {
    this.target ??= this.open()
    const { replacement, machine, reader } = await this.target
    while (this.queue.length > 0 && !this.over) {
      const { chunk } = this.queue[0] as { readonly chunk: Uint8Array }
      const complete = await reader.accept(chunk)
      this.queue.shift()
      this.next++
      if (this.over) return
      if (complete === 'done') {
        machine.finishLoad()
        this.over = true
        this.options.send(encodeControl({ type: 'done', id: this.options.id, ok: true }))
        this.options.completed({ machine, replacement, message: this.options.message })
        return
      }
      this.options.send(encodeControl({ type: 'want', id: this.options.id, next: this.next, resume: false }))
    }
  }

  private async open(): Promise<Target> {
    const { state, newMachine, ports, cleared } = this.options
    await cleared
    const replacement = await state.beginReplacement()
    const machine = newMachine(blockReader(() => replacement.kv))
    const reader = new SnapshotReceiver(ports.crypto, {
      records: (batch) => {
        for (const { key, value } of batch) if (value !== undefined) machine.load(key, value)
        return replacement.write(batch)
      },
    })
    return { replacement, machine, reader }
  }

  /** The sender began again after a broken link: tell it where to go on. False if it does not have that any more. */
  resume(first: number): boolean {
    if (this.over) return true
    const next = this.next + this.queue.length
    if (first > next) return false
    this.options.send(encodeControl({ type: 'want', id: this.options.id, next, resume: true }))
    return true
  }

  /** Gives it up; resolves when what was written is removed. */
  async abort(): Promise<void> {
    if (this.over) return
    this.over = true
    this.queue.length = 0
    try {
      await (await this.target)?.replacement.abort()
    } catch (error) {
      this.options.logger.warn({ reason: messageOf(error) }, 'half a snapshot was left behind')
    }
  }

  private fail(): void {
    this.options.send(encodeControl({ type: 'done', id: this.options.id, ok: false }))
    this.options.failed(this.abort())
  }
}
