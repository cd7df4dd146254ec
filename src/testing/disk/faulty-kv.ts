/**
 * A key-value store that fails in the ways that LevelDB was measured to fail in: synced batches missing from the end or from
 * the middle, records missing, wrong values, iterators that end early, a database that is suddenly empty. Lasting damage
 * is ordered while the store is down or open, and is there when it is opened next.
 */
import { below } from '../../../base/index.ts'
import type { Kv, KvChange, KvFactory, KvRange, KvRecord } from '../../../base/index.ts'
import type { SeededRandom } from '../random.ts'

/** Damage that is there at the next opening. */
export type KvDamage =
  | 'wrong value'
  | 'lost record'
  | 'lost middle batch'
  | 'lost last batches'
  | 'short iterator'
  | 'empty'

/** What a batch replaced, oldest change first. */
type Undo = readonly KvChange[]

const undoMax = 16

/** A factory of such stores, on top of a good one. */
export class FaultyKvFactory implements KvFactory {
  /** What is to be found at the next opening of a database. */
  ordered: KvDamage | undefined
  /** The next value that is read has a wrong bit. */
  rotten = false
  private readonly kv: KvFactory
  private readonly random: SeededRandom
  private readonly undo = new Map<string, Undo[]>()

  constructor(kv: KvFactory, random: SeededRandom) {
    this.kv = kv
    this.random = random
  }

  async open(path: string, options: { readonly create: boolean }): Promise<Kv> {
    const kv = await this.kv.open(path, options)
    // An empty database serves as a lock; there is nothing to damage in it.
    if (path.endsWith('/lock')) return kv
    if (options.create) this.undo.set(path, [])
    else await this.damage(path, kv)
    return this.store(path, kv)
  }

  private async damage(path: string, kv: Kv): Promise<void> {
    const { ordered } = this
    this.ordered = undefined
    if (ordered === undefined) return
    if (ordered === 'short iterator') {
      this.cutShort = true
      return
    }
    const changes =
      ordered.startsWith('lost ') && ordered !== 'lost record'
        ? this.lost(path, ordered)
        : await this.spoil(kv, ordered)
    if (changes.length > 0) await kv.batch(changes, { sync: true })
  }
  private cutShort = false

  /** The changes that undo one batch in the middle, or some at the end. */
  private lost(path: string, ordered: KvDamage): KvChange[] {
    const batches = this.undo.get(path) ?? []
    this.undo.set(path, [])
    if (ordered === 'lost last batches') {
      const count = Math.min(batches.length, 1 + below(this.random, 5))
      return batches
        .slice(batches.length - count)
        .toReversed()
        .flatMap((batch) => batch)
    }
    if (batches.length < 2) return []
    const at = below(this.random, batches.length - 1)
    const later = new Set(batches.slice(at + 1).flatMap((batch) => batch.map(({ key }) => key.join())))
    return (batches[at] ?? []).filter(({ key }) => !later.has(key.join()))
  }

  private async spoil(kv: Kv, ordered: KvDamage): Promise<KvChange[]> {
    const records: KvRecord[] = []
    for await (const page of kv.pages()) records.push(...page)
    if (ordered === 'empty') return records.map(([key]) => ({ key, value: undefined }))
    if (records.length === 0) return []
    const [key, value] = this.random.pick(records)
    return [{ key, value: ordered === 'lost record' ? undefined : this.wrong(value) }]
  }

  private wrong(value: Uint8Array): Uint8Array {
    if (value.length === 0) return Uint8Array.of(1)
    const wrong = value.slice()
    const at = below(this.random, wrong.length)
    wrong[at] = (wrong[at] as number) ^ (1 << below(this.random, 8))
    return wrong
  }

  /** What is read of a value, from the store or from a file beside it. */
  read(value: Uint8Array): Uint8Array {
    if (!this.rotten || value.length === 0) return value
    this.rotten = false
    return this.wrong(value)
  }

  private store(path: string, kv: Kv): Kv {
    const pages = async function* (this: FaultyKvFactory, range?: KvRange): AsyncGenerator<readonly KvRecord[]> {
      for await (const page of kv.pages(range)) {
        const { cutShort } = this
        this.cutShort = false
        const seen = cutShort ? page.slice(0, below(this.random, page.length)) : page
        yield seen.map(([key, value]): KvRecord => [key, this.read(value)])
        if (cutShort) return
      }
    }
    return {
      pages: (range) => pages.call(this, range),
      batch: async (changes, options) => {
        const before = changes.map(({ key }): KvChange => ({ key: key.slice(), value: kv.getSync(key) }))
        await kv.batch(changes, options)
        const batches = this.undo.get(path)
        batches?.push(before.toReversed())
        if ((batches?.length ?? 0) > undoMax) batches?.shift()
      },
      getSync: (key) => {
        const value = kv.getSync(key)
        return value === undefined ? undefined : this.read(value)
      },
      snapshot: () => kv.snapshot(),
      close: () => kv.close(),
    }
  }
}
