import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assert } from '../../base/index.ts'
import { KeyEntry } from '../../execution/key-index.ts'
import { Records, recordKinds } from '../../execution/records.ts'
import type { RecordId } from '../../execution/records.ts'

interface Known {
  readonly mod: number
  readonly entry: KeyEntry
  isSealed: boolean
}

const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('put' as const), pick: fc.nat(40) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('dropOldest' as const), pick: fc.nat(40) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('settle' as const), pick: fc.nat(40) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('seal' as const), pick: fc.nat(40) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('unseal' as const), pick: fc.nat(40) }) },
)

/** Says what a table must hold, and that it does. */
class Model {
  readonly records = new Records()
  /** What is kept of each key, newest first; dropped records that a flush has are in `sealed` only. */
  readonly chains = new Map<number, RecordId[]>()
  readonly known = new Map<RecordId, Known>()
  readonly sealed: RecordId[] = []
  revision = 0

  put(pick: number): void {
    const { records } = this
    const chain = this.chains.get(pick)
    const entry = chain === undefined ? new KeyEntry(`k${pick}`) : records.entry(chain[0] as RecordId)
    const record = chain === undefined ? records.add(entry) : records.succeed(entry, ++this.revision)
    entry.record = record
    const blank = [recordKinds.put, records.lease(record), records.block(record), Number(records.isDropped(record))]
    assert(!blank.some((value) => value !== 0) && !this.known.has(record), 'a new record is blank and nobody else')
    records.setMod(record, ++this.revision)
    records.setHash(record, this.revision, 0, 0, -this.revision)
    this.known.set(record, { mod: this.revision, entry, isSealed: false })
    this.chains.set(pick, [record, ...(chain ?? [])])
  }

  dropOldest(pick: number): void {
    const chain = this.chains.get(pick) ?? []
    if (chain.length < 2) return
    const dropped = chain.pop() as RecordId
    this.records.dropOlder(chain.at(-1) as RecordId)
    if (this.known.get(dropped)?.isSealed !== true) this.known.delete(dropped)
  }

  settle(pick: number): void {
    const chain = this.chains.get(pick)
    if (chain?.length !== 1) return
    const before = chain[0] as RecordId
    const what = this.known.get(before) as Known
    this.records.settle(before)
    const now = what.entry.record
    assert(!what.isSealed || now === before, 'a record that a flush has stays where it is')
    this.known.delete(before)
    this.known.set(now, what)
    this.chains.set(pick, [now])
  }

  seal(pick: number): void {
    const record = this.chains.get(pick)?.[0]
    const what = record === undefined ? undefined : this.known.get(record)
    if (record === undefined || what === undefined || what.isSealed) return
    what.isSealed = true
    this.records.seal(record)
    this.sealed.push(record)
  }

  unseal(pick: number): void {
    const [record] = this.sealed.splice(pick % Math.max(1, this.sealed.length), 1)
    if (record === undefined) return
    const what = this.known.get(record) as Known
    what.isSealed = false
    assert(this.records.mod(record) === what.mod, 'a record that a flush has is what it was')
    const isKept = [...this.chains.values()].some((chain) => chain.includes(record))
    assert(this.records.isDropped(record) !== isKept, 'a flush knows what is dropped')
    this.records.unseal(record)
    if (!isKept) this.known.delete(record)
  }

  /** What is kept, as the table says it and as it must be: of each record its key, revision, place in its chain and hash. */
  compare(): readonly [unknown[], unknown[]] {
    const { records } = this
    const said: unknown[] = []
    const wanted: unknown[] = []
    const sum = new Uint32Array(4)
    let total = 0
    for (const chain of this.chains.values()) {
      for (const [at, record] of chain.entries()) {
        const { mod, entry } = this.known.get(record) as Known
        const hasHash = records.hasHash(record, Uint32Array.of(mod, 0, 0, -mod))
        const found = records.at(chain[0] as RecordId, mod)
        said.push([
          records.mod(record),
          records.entry(record),
          records.isCurrent(record),
          records.older(record),
          hasHash,
          found,
        ])
        wanted.push([mod, entry, at === 0, chain[at + 1] ?? 0, true, record])
        records.sum(record, sum, 1)
        total += mod
      }
    }
    return [
      [...said, ...sum],
      [...wanted, ...Uint32Array.of(total, 0, 0, -total)],
    ]
  }
}

describe('the table of records', () => {
  test('holds what was put in, whatever is dropped, settled and held by a flush', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
        const model = new Model()
        for (const { kind, pick } of steps) model[kind](pick)
        const [said, wanted] = model.compare()
        expect(said).toEqual(wanted)
      }),
    )
  })

  test('gives up no number while a flush has it, and every one afterwards', () => {
    const records = new Records()
    const entry = new KeyEntry('k')
    const first = records.add(entry)
    entry.record = first
    records.seal(first)
    records.succeed(entry, 2)
    records.dropOlder(entry.record)
    expect(records.isDropped(first)).toBe(true)
    const other = Array.from({ length: 3000 }, () => records.add(new KeyEntry('x')))
    expect(other).not.toContain(first)
    records.unseal(first)
    expect(records.entry(first)).toBeUndefined()
  })

  test('takes no more rows for a key that is written again and again, nor a page for each of some that rest', () => {
    const records = new Records()
    const resting = Array.from({ length: 200 }, (_, at) => new KeyEntry(`rests ${at}`))
    const busy = new KeyEntry('busy')
    busy.record = records.add(busy)
    let highest = 0
    for (let at = 0; at < 400_000; at++) {
      if (at % 2000 === 0) {
        const entry = resting[at / 2000] as KeyEntry
        entry.record = records.add(entry)
        records.setMod(entry.record, at)
        records.settle(entry.record)
      }
      const record = records.succeed(busy, at)
      records.dropOlder(record)
      highest = Math.max(highest, record)
    }
    expect(highest).toBeLessThan(8192)
    expect(resting.map(({ record }) => records.mod(record))).toEqual(resting.map((_, at) => 2000 * at))
  })
})
