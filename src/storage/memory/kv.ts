/**
 * The Kv port in memory, with the durability of the real one: a batch is atomic, and lost in a crash unless it or a later
 * one was synced. Stores live on a {@link MemoryFiles}: removing the directory there removes the store.
 */
import type { Kv, KvChange, KvFactory, KvRange, KvRecord, KvSnapshot, Random } from '../../../base/index.ts'
import { NitroError, below, fromLatin1, latin1 } from '../../../base/index.ts'
import type { Attachment, MemoryFiles } from './files.ts'

const pageRecords = 1000

type Delay = (operation: string, bytes: number) => Promise<void>

interface StoredChange {
  readonly key: string
  readonly value: Uint8Array | undefined
}

/** The content of one store, open or not. */
class MemoryStore implements Attachment {
  /** Values are copied when they come and when they go, and never changed in between. */
  records = new Map<string, Uint8Array>()
  durable = new Map<string, Uint8Array>()
  /** Batches that were not synced, oldest first. */
  pending: (readonly StoredChange[])[] = []
  open: MemoryKv | undefined

  apply(changes: readonly StoredChange[], sync: boolean): void {
    applyTo(this.records, changes)
    this.pending.push(changes)
    if (sync) this.settle(this.pending.length)
  }

  /** Makes the oldest `count` pending batches durable. */
  settle(count: number): void {
    for (const changes of this.pending.splice(0, count)) applyTo(this.durable, changes)
  }

  crash(random?: Random): void {
    if (random !== undefined) this.settle(below(random, this.pending.length + 1))
    this.pending = []
    this.records = new Map(this.durable)
    this.open?.abandon()
    this.open = undefined
  }
}

function applyTo(records: Map<string, Uint8Array>, changes: readonly StoredChange[]): void {
  for (const { key, value } of changes) {
    if (value === undefined) records.delete(key)
    else records.set(key, value)
  }
}

/** An open store in memory. */
export class MemoryKv implements Kv {
  private readonly store: MemoryStore
  private readonly delay: Delay | undefined
  private closed = false

  constructor(store: MemoryStore, delay?: Delay) {
    this.store = store
    this.delay = delay
  }

  async batch(changes: readonly KvChange[], options: { readonly sync: boolean }): Promise<void> {
    this.check()
    let bytes = 0
    for (const { key, value } of changes) bytes += key.length + (value?.length ?? 0)
    await this.delay?.('batch', bytes)
    this.check()
    this.store.apply(
      changes.map(({ key, value }) => ({ key: latin1(key), value: value?.slice() })),
      options.sync,
    )
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    this.check()
    return this.store.records.get(latin1(key))?.slice()
  }

  pages(range: KvRange = {}): AsyncIterable<readonly KvRecord[]> {
    this.check()
    return this.pagesOf(this.store.records, range)
  }

  snapshot(): KvSnapshot {
    this.check()
    const frozen = new Map(this.store.records)
    let open = true
    return {
      pages: (range = {}) => {
        if (!open) throw new NitroError('Closed', 'the snapshot is closed')
        return this.pagesOf(frozen, range)
      },
      close: async () => {
        open = false
      },
    }
  }

  async close(): Promise<void> {
    this.abandon()
    if (this.store.open === this) this.store.open = undefined
  }

  /** Makes every later call fail, as after a crash. */
  abandon(): void {
    this.closed = true
  }

  private check(): void {
    if (this.closed) throw new NitroError('Closed', 'the store is closed')
  }

  private async *pagesOf(records: ReadonlyMap<string, Uint8Array>, range: KvRange): AsyncIterable<readonly KvRecord[]> {
    const from = range.gte === undefined ? undefined : latin1(range.gte)
    const to = range.lt === undefined ? undefined : latin1(range.lt)
    const keys: string[] = []
    for (const key of records.keys()) {
      if ((from === undefined || key >= from) && (to === undefined || key < to)) keys.push(key)
    }
    // Without a comparison of its own: the order of UTF-16 units is that of latin1.
    const found = keys.sort().map((key) => [key, records.get(key) as Uint8Array] as const)
    for (let at = 0; at < found.length; at += pageRecords) {
      const page = found.slice(at, at + pageRecords)
      await this.delay?.('read', page.length)
      this.check()
      yield page.map(([key, value]): KvRecord => [fromLatin1(key), value.slice()])
    }
  }
}

/** Opens stores that live on one disk in memory. */
export class MemoryKvFactory implements KvFactory {
  private readonly files: MemoryFiles
  private readonly delay: Delay | undefined

  /** `delay` is awaited before each operation; its rejection makes the operation fail without effect. */
  constructor(files: MemoryFiles, delay?: Delay) {
    this.files = files
    this.delay = delay
  }

  async open(path: string, { create }: { readonly create: boolean }): Promise<Kv> {
    await this.delay?.('open', 0)
    const name = `${path}/CURRENT`
    const found = this.files.attached(name)
    if (create !== (found === undefined)) {
      const what = create ? 'exists already' : 'does not exist'
      throw new NitroError('StateDamaged', `state database ${path} ${what}`, { details: { path } })
    }
    const store = found instanceof MemoryStore ? found : new MemoryStore()
    if (found === undefined) this.files.attach(name, store)
    if (store.open !== undefined) {
      throw new NitroError('DirectoryLocked', `state database ${path} is in use`, { details: { path } })
    }
    store.open = new MemoryKv(store, this.delay)
    return store.open
  }
}
