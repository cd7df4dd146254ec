/** What all handles of values have in common, and the handles of values that are one small thing. */
import type { Value } from '../../base/index.ts'
import { NitroError } from '../../base/index.ts'
import type { ReplicaId } from '../kernel/dot.ts'
import { checkReplicaId } from '../kernel/dot.ts'
import { noValue } from '../kernel/op.ts'
import type { Amount } from '../types/amounts.ts'
import { addAmounts, amountOf, isAmount } from '../types/amounts.ts'
import type { BoundedCounter } from '../types/bounded-counter.ts'
import { boundedOps } from '../types/bounded-counter.ts'
import type { Counter } from '../types/counter.ts'
import { counterOps } from '../types/counter.ts'
import type { DisableWinsFlag, EnableWinsFlag } from '../types/flags.ts'
import { flagOps } from '../types/flags.ts'
import type { MultiValue } from '../types/multi-value.ts'
import { multiValueOps } from '../types/multi-value.ts'
import type { Register } from '../types/register.ts'
import { registerOps } from '../types/register.ts'
import type { ElementSet } from '../types/sets.ts'
import { setOps } from '../types/sets.ts'
import type { DocCore } from './core.ts'
import type { Place } from './state.ts'

/** A value in a document: reads show it as it is now, mutators add to the open bundle. */
export abstract class Handle {
  /** Internal. */
  readonly core: DocCore
  private readonly at: Place

  /** Internal: handles come from a document or a map. */
  constructor(core: DocCore, place: Place) {
    this.core = core
    this.at = place
  }

  /** Internal: where the value lives. */
  get place(): Place {
    return this.at
  }
}

/** A last-writer-wins register. */
export class DocRegister extends Handle {
  /** The value, or undefined when there is none. */
  get(): Value | undefined {
    return (this.place.content as Register).get()
  }

  /** Sets the value. Throws `NotCanonical` for a value that merged state can't hold. */
  set(value: Value): void {
    const { core, place } = this
    const { rewritableFrom } = core
    const seq = rewritableFrom < 0 ? -1 : (place.content as Register).rewritable(core.replica, rewritableFrom)
    if (seq >= 0) core.rewrite(place, seq, () => value)
    else core.perform(place, registerOps.set, '', value)
  }

  /** Takes the value away. */
  clear(): void {
    this.core.perform(this.place, registerOps.reset, '', noValue)
  }
}

/** A register that keeps every concurrent value. */
export class DocMultiValue extends Handle {
  /** All values that nobody has replaced, in the order of their dots. */
  values(): Value[] {
    return (this.place.content as MultiValue).values()
  }

  /** Replaces all values there are by one. Throws `NotCanonical`. */
  set(value: Value): void {
    this.core.perform(this.place, multiValueOps.set, '', value)
  }

  /** Takes all values away. */
  clear(): void {
    this.core.perform(this.place, multiValueOps.reset, '', noValue)
  }
}

/** A counter. */
export class DocCounter extends Handle {
  /** The sum of all additions that no reset has seen. */
  get value(): bigint {
    return (this.place.content as Counter).sum()
  }

  /** Adds an integer, by default 1. Throws `InvalidArgument` for anything else. */
  add(given: number | bigint = 1): void {
    const amount = amountOf(given)
    const { core, place } = this
    // One dot for all additions of a bundle.
    const { rewritableFrom } = core
    const seq = rewritableFrom < 0 ? -1 : (place.content as Counter).rewritable(core.replica, rewritableFrom)
    if (seq < 0) core.perform(place, counterOps.add, '', amount)
    else core.rewrite(place, seq, (value) => addAmounts(value as Amount, amount))
  }

  /** Takes away every addition seen here; what others add meanwhile stays. */
  reset(): void {
    this.core.perform(this.place, counterOps.reset, '', noValue)
  }
}

/** A counter that never goes below zero. */
export class DocBoundedCounter extends Handle {
  /** What is left in all. */
  get value(): bigint {
    return this.cell.sum()
  }

  /** How much a replica, by default this one, may spend or hand on. */
  rights(replica: ReplicaId = this.core.replica): bigint {
    return this.cell.rightsOf(replica)
  }

  /** Adds a positive integer, and the rights to spend as much. */
  grant(given: number | bigint): void {
    this.core.perform(this.place, boundedOps.grant, '', positive(given))
  }

  /** Takes a positive integer away. Throws `InsufficientRights` when this replica may not. */
  spend(given: number | bigint): void {
    const amount = positive(given)
    this.cell.checkRights(this.core.replica, amount)
    this.core.perform(this.place, boundedOps.spend, '', amount)
  }

  /** Hands rights to another replica. Throws `InsufficientRights`. */
  transfer(given: number | bigint, to: ReplicaId): void {
    const amount = positive(given)
    if (checkReplicaId(to) === this.core.replica) throw new NitroError('InvalidArgument', 'a transfer to oneself')
    this.cell.checkRights(this.core.replica, amount)
    this.core.perform(this.place, boundedOps.transfer, '', [amount, to])
  }

  private get cell(): BoundedCounter {
    return this.place.content as BoundedCounter
  }
}

/** A flag, of either kind. */
export class DocFlag extends Handle {
  /** Whether it is on. */
  get value(): boolean {
    return (this.place.content as EnableWinsFlag | DisableWinsFlag).value()
  }

  /** Turns it on. */
  enable(): void {
    this.core.perform(this.place, flagOps.enable, '', noValue)
  }

  /** Turns it off. */
  disable(): void {
    this.core.perform(this.place, flagOps.disable, '', noValue)
  }
}

/** A set of values, of either kind. */
export class DocSet extends Handle {
  /** Whether the element is in the set. */
  has(element: Value): boolean {
    return this.cell.has(element)
  }

  /** How many elements there are; counts them. */
  get size(): number {
    return this.cell.size
  }

  /** The elements in canonical order. */
  values(): readonly Value[] {
    return this.cell.value() as readonly Value[]
  }

  /** Puts an element in. Throws `NotCanonical` for a value that merged state can't hold. */
  add(element: Value): void {
    this.core.perform(this.place, setOps.add, '', element)
  }

  /** Takes an element out. */
  remove(element: Value): void {
    this.core.perform(this.place, setOps.remove, '', element)
  }

  /** Takes out everything that is seen here. */
  clear(): void {
    this.core.perform(this.place, setOps.reset, '', noValue)
  }

  private get cell(): ElementSet<unknown> {
    return this.place.content as ElementSet<unknown>
  }
}

function positive(given: number | bigint): Amount {
  const amount = amountOf(given)
  if (isAmount(amount) && amount > 0) return amount
  throw new NitroError('InvalidArgument', `${given} is not above zero`)
}
