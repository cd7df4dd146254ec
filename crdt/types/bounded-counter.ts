/**
 * Bounded counter: never below zero, without asking anybody.
 *
 *   grant ∥ grant      both count; the granter gets the right to spend as much
 *   spend ∥ spend      both count: each spends rights of its own only
 *   transfer ∥ any     moves rights, not the value
 *   no reset           a reset would take rights that another replica is spending; raise the epoch instead
 *
 * The value is the sum of all rights. A replica whose rights do not suffice is refused at once ({@link checkRights}) and must
 * be given some by another. Everything arrives in causal order, so nobody ever sees rights spent before they were granted.
 * One dot for each operation, like the counter and for the same reasons (Balegas et al. 2015, without its running totals).
 */
import type { ByteReader, ByteWriter, Value } from '../../base/index.ts'
import { NitroError } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import { readValue, writeValue } from '../codec/values.ts'
import type { Cell, CellType } from '../kernel/cell.ts'
import type { Past, ReplicaId } from '../kernel/dot.ts'
import { maxReplicaId, maxSeq } from '../kernel/dot.ts'
import type { Op } from '../kernel/op.ts'
import { opShape } from '../kernel/op.ts'
import type { Amount } from './amounts.ts'
import { addAmounts, isAmount, negated } from './amounts.ts'

/** Kinds of operation of a bounded counter. A transfer's value is [amount, receiver]. */
export const boundedOps = { grant: 0, spend: 1, transfer: 2 } as const

/** What one dot does to the rights: by replica, ascending, no zeros. */
type Effects = readonly (readonly [rid: ReplicaId, amount: Amount])[]

interface Step {
  readonly seq: number
  readonly effects: Effects
}

/** A bounded counter. */
export class BoundedCounter implements Cell {
  readonly type: CellType = boundedCounterType
  /** By author, ascending in seq; no list is empty. */
  private readonly steps = new Map<ReplicaId, Step[]>()
  private readonly rights = new Map<ReplicaId, Amount>()
  private total: Amount = 0

  /** What is left in all. */
  sum(): bigint {
    return BigInt(this.total)
  }

  /** How much a replica may spend or hand on. */
  rightsOf(rid: ReplicaId): bigint {
    return BigInt(this.rights.get(rid) ?? 0)
  }

  /** Throws `InsufficientRights` unless the replica may spend or hand on this much. */
  checkRights(rid: ReplicaId, amount: Amount): void {
    const rights = this.rightsOf(rid)
    if (rights >= BigInt(amount)) return
    throw new NitroError('InsufficientRights', `replica ${rid} has rights for ${rights}, not for ${amount}`, {
      details: { rights, amount },
    })
  }

  value(): Amount {
    return this.total
  }

  isEmpty(): boolean {
    return this.steps.size === 0
  }

  isVisible(): boolean {
    return !this.isEmpty()
  }

  apply(op: Op, _past: Past): void {
    const steps = this.steps.get(op.rid)
    const step = { seq: op.seq, effects: effectsOf(op) }
    if (steps === undefined) this.steps.set(op.rid, [step])
    else steps.push(step)
    this.count(step.effects)
  }

  join(other: BoundedCounter, mine: Past, _theirs: Past): void {
    // Nothing is ever removed, so what one has and the other has seen is there, or added up in a newer step.
    for (const [rid, theirs] of other.steps) {
      const fresh = theirs.filter(({ seq }) => !mine.covers(rid, seq))
      if (fresh.length === 0) continue
      this.steps.set(
        rid,
        [...(this.steps.get(rid) ?? []), ...fresh].sort((a, b) => a.seq - b.seq),
      )
      for (const { effects } of fresh) this.count(effects)
    }
  }

  write(writer: ByteWriter): void {
    const authors = [...this.steps.keys()].sort((a, b) => a - b)
    writer.uint(authors.length)
    for (const rid of authors) {
      const steps = this.steps.get(rid) as Step[]
      writer.uint(rid)
      writer.uint(steps.length)
      let before = 0
      for (const { seq, effects } of steps) {
        writer.uint(seq - before)
        before = seq + 1
        writer.uint(effects.length)
        for (const [rid, amount] of effects) {
          writer.uint(rid)
          writeValue(writer, amount)
        }
      }
    }
  }

  read(reader: ByteReader): void {
    let last = -1
    for (let authors = reader.uint(); authors > 0; authors--) {
      const rid = reader.uint()
      if (rid <= last || rid > maxReplicaId) throw notCanonical('authors of a counter out of order')
      last = rid
      const steps: Step[] = []
      let before = 0
      for (let count = reader.uint(); count > 0; count--) {
        const seq = before + reader.uint()
        if (seq >= maxSeq) throw notCanonical('a dot above the limit')
        before = seq + 1
        const effects = readEffects(reader)
        steps.push({ seq, effects })
        this.count(effects)
      }
      if (steps.length === 0) throw notCanonical('an author without steps')
      this.steps.set(rid, steps)
    }
  }

  forget(stable: Past): void {
    for (const [rid, steps] of this.steps) {
      const old = steps.filter(({ seq }) => stable.covers(rid, seq))
      if (old.length < 2) continue
      const sums = new Map<ReplicaId, Amount>()
      for (const { effects } of old) for (const [to, amount] of effects) addTo(sums, to, amount)
      const effects = [...sums].filter(([, amount]) => amount !== 0).sort(([a], [b]) => a - b)
      const { seq } = old.at(-1) as Step
      this.steps.set(rid, [{ seq, effects }, ...steps.filter((step) => step.seq > seq)])
    }
  }

  private count(effects: Effects): void {
    for (const [rid, amount] of effects) {
      addTo(this.rights, rid, amount)
      this.total = addAmounts(this.total, amount)
    }
  }
}

function addTo(sums: Map<ReplicaId, Amount>, rid: ReplicaId, amount: Amount): void {
  sums.set(rid, addAmounts(sums.get(rid) ?? 0, amount))
}

function effectsOf({ kind, rid, value }: Op): Effects {
  if (kind === boundedOps.grant) return [[rid, value as Amount]]
  if (kind === boundedOps.spend) return [[rid, negated(value as Amount)]]
  const [amount, to] = value as readonly [Amount, ReplicaId]
  const taken = [rid, negated(amount)] as const
  return to < rid ? [[to, amount], taken] : [taken, [to, amount]]
}

function readEffects(reader: ByteReader): Effects {
  const effects: (readonly [ReplicaId, Amount])[] = []
  for (let count = reader.uint(); count > 0; count--) {
    const rid = reader.uint()
    const amount = readValue(reader)
    if (rid > maxReplicaId || rid <= (effects.at(-1)?.[0] ?? -1)) throw notCanonical('receivers out of order')
    if (!isAmount(amount) || amount === 0) throw notCanonical('an amount of a counter')
    effects.push([rid, amount])
  }
  return effects
}

function isPositive(value: Value | undefined): boolean {
  return value !== undefined && isAmount(value) && value > 0
}

/** The type of {@link BoundedCounter}. */
export const boundedCounterType: CellType = {
  tag: 5,
  name: 'bounded counter',
  rootOnly: true,
  ops: [opShape('grant', 'value'), opShape('spend', 'value'), opShape('transfer', 'value')],
  create: () => new BoundedCounter(),
  emptying: () => undefined,
  check({ kind, rid, value }) {
    if (kind !== boundedOps.transfer) {
      if (isPositive(value)) return
    } else if (Array.isArray(value) && value.length === 2 && isPositive(value[0] as Value)) {
      const to = value[1] as Value
      if (typeof to === 'number' && to >= 0 && to <= maxReplicaId && to !== rid) return
    }
    throw notCanonical('an operation of a bounded counter')
  },
}
