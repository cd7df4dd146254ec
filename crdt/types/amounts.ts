/** Amounts of counters: exact integers of any size, cheap while they are small. */
import type { Value } from '../../base/index.ts'
import { NitroError } from '../../base/index.ts'

/** An integer in its one form: a number while that is safe, a bigint otherwise. */
export type Amount = number | bigint

/** The one form of an integer. Throws `InvalidArgument` for anything else. */
export function amountOf(given: number | bigint): Amount {
  if (typeof given === 'number') {
    if (Number.isSafeInteger(given)) return given === 0 ? 0 : given
    throw new NitroError('InvalidArgument', `an amount is an integer, a bigint when it is large; not ${given}`)
  }
  return given >= BigInt(Number.MIN_SAFE_INTEGER) && given <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(given) : given
}

/** Whether a value is an amount in its one form. */
export function isAmount(value: Value): value is Amount {
  if (typeof value === 'bigint') return typeof amountOf(value) === 'bigint'
  return typeof value === 'number' && Number.isSafeInteger(value)
}

/** The exact sum. */
export function addAmounts(a: Amount, b: Amount): Amount {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b
    if (Number.isSafeInteger(sum)) return sum === 0 ? 0 : sum
  }
  return amountOf(BigInt(a) + BigInt(b))
}

/** The amount with the other sign. */
export function negated(amount: Amount): Amount {
  return amount === 0 ? 0 : amountOf(-BigInt(amount))
}
