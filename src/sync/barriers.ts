/** Barrier and latch: cells that are waited for. */
import { ByteReader, ByteWriter } from '../../base/index.ts'
import type { Barrier, Latch, ReadOptions, RequestOptions } from '../api/index.ts'
import type { Cell } from './cell.ts'
import { otherCount } from './cell.ts'

const raised = Uint8Array.of(1)

/** A barrier is raised as long as its cell is there. */
export class CellBarrier implements Barrier {
  private readonly cell: Cell

  constructor(cell: Cell) {
    this.cell = cell
  }

  async raise(options?: RequestOptions): Promise<boolean> {
    return (await this.cell.set(undefined, raised, options)).done
  }

  async lift(options?: RequestOptions): Promise<boolean> {
    let wasRaised = false
    await this.cell.change((cell) => {
      wasRaised = cell !== undefined
      return wasRaised ? { value: undefined } : undefined
    }, options)
    return wasRaised
  }

  async isRaised(options?: ReadOptions): Promise<boolean> {
    return (await this.cell.read(options)) !== undefined
  }

  pass({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    return this.cell.until((value) => value === undefined, signal)
  }
}

/** A latch's cell says: uint count, uint left. It is not there before the first step. */
export class CellLatch implements Latch {
  private readonly cell: Cell
  private readonly count: number

  constructor(cell: Cell, count: number) {
    this.cell = cell
    this.count = count
  }

  async countDown(options?: RequestOptions): Promise<number> {
    let left = 0
    await this.cell.change((cell) => {
      const before = this.leftOf(cell?.value)
      left = Math.max(0, before - 1)
      return before === 0 ? undefined : { value: this.coded(left) }
    }, options)
    return left
  }

  async left(options?: ReadOptions): Promise<number> {
    return this.leftOf((await this.cell.read(options))?.value)
  }

  wait({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    return this.cell.until((value) => this.leftOf(value) === 0, signal)
  }

  async reset(options?: RequestOptions): Promise<void> {
    await this.cell.change((cell) => (cell === undefined ? undefined : { value: undefined }), options)
  }

  /** Throws `CapacityMismatch`. */
  private leftOf(value: Uint8Array | undefined): number {
    if (value === undefined) return this.count
    const reader = new ByteReader(value)
    const count = reader.uint()
    if (count !== this.count) throw otherCount(count, this.count)
    return reader.uint()
  }

  private coded(left: number): Uint8Array {
    const writer = new ByteWriter(16)
    writer.uint(this.count)
    writer.uint(left)
    return writer.take()
  }
}
