/**
 * A bank as a program: accounts, transfers, and money that is held back for a while.
 *
 * Two invariants hold after every command, on every node: no balance is negative, and all balances and holds together are
 * what was ever deposited. A command that would break one is refused and changes nothing.
 *
 *   bank/account/NAME        the balance of an account
 *   bank/hold/NAME/LEASE     an amount held back from it
 *   bank/event/transfer      emitted with every transfer, for those who watch
 */
import { ProgramError, defineProgram } from 'nitrostate'
import type { ReadView, Transaction } from 'nitrostate'

/** Money comes in. */
export type Deposit = { readonly to: string; readonly amount: number }
/** Money moves. */
export type Transfer = { readonly from: string; readonly to: string; readonly amount: number }
/** Money is held back for so long; unless it is paid by then, it is available again. */
export type Hold = { readonly from: string; readonly amount: number; readonly ttlMs: number }
/** Held money goes to somebody. */
export type Payment = { readonly from: string; readonly hold: number; readonly to: string }

const text = new TextDecoder()

/** The program; give it to `openNode` and `connect` alike. */
export const bank = defineProgram({
  name: 'bank',
  version: 1,
  methods: {
    deposit(tx, args: Deposit) {
      const { to, amount } = { to: nameOf(args.to), amount: amountOf(args.amount) }
      setBalance(tx, to, balanceOf(tx, to) + amount)
      return balanceOf(tx, to)
    },

    transfer(tx, args: Transfer) {
      const { from, to, amount } = { from: nameOf(args.from), to: nameOf(args.to), amount: amountOf(args.amount) }
      takeFrom(tx, from, amount)
      setBalance(tx, to, balanceOf(tx, to) + amount)
      tx.emit('bank/event/transfer', JSON.stringify({ from, to, amount, at: tx.wallTime }))
      return { from: balanceOf(tx, from), to: balanceOf(tx, to) }
    },

    /** Returns the hold's number. It ends with its lease: its key goes, and with it the claim on the money. */
    hold(tx, args: Hold) {
      const { from, amount } = { from: nameOf(args.from), amount: amountOf(args.amount) }
      if (availableOf(tx, from) < amount) throw new ProgramError('NotEnough', { available: availableOf(tx, from) })
      const hold = tx.leases.grant(amountOf(args.ttlMs))
      tx.put(`bank/hold/${from}/${hold}`, String(amount), { lease: hold })
      return hold
    },

    pay(tx, args: Payment) {
      const { from, to } = { from: nameOf(args.from), to: nameOf(args.to) }
      const held = tx.get(`bank/hold/${from}/${amountOf(args.hold)}`)
      if (held === undefined) throw new ProgramError('NoHold', { hold: args.hold })
      tx.leases.revoke(args.hold)
      takeFrom(tx, from, Number(text.decode(held)))
      setBalance(tx, to, balanceOf(tx, to) + Number(text.decode(held)))
      return balanceOf(tx, to)
    },
  },
  queries: {
    balance: (view, account: string) => balanceOf(view, nameOf(account)),
    available: (view, account: string) => availableOf(view, nameOf(account)),
    total: (view) => sumOf(view, 'bank/account/'),
  },
})

/** Arguments come from any client: their types are a promise, not a fact. */
function nameOf(value: unknown): string {
  if (typeof value !== 'string' || !/^[a-z]{1,32}$/.test(value)) throw new ProgramError('BadArguments')
  return value
}

function amountOf(value: unknown): number {
  if (!Number.isSafeInteger(value) || Number(value) <= 0) throw new ProgramError('BadArguments')
  return Number(value)
}

function balanceOf(view: ReadView, account: string): number {
  return Number(text.decode(view.get(`bank/account/${account}`)))
}

function availableOf(view: ReadView, account: string): number {
  return balanceOf(view, account) - sumOf(view, `bank/hold/${account}/`)
}

function sumOf(view: ReadView, prefix: string): number {
  // '0' follows '/', so this is where the names that begin with the prefix end.
  const end = `${prefix.slice(0, -1)}0`
  return view.range({ start: prefix, end }).reduce((sum, { value }) => sum + Number(text.decode(value)), 0)
}

function takeFrom(tx: Transaction, account: string, amount: number): void {
  const available = availableOf(tx, account)
  if (available < amount) throw new ProgramError('NotEnough', { available })
  setBalance(tx, account, balanceOf(tx, account) - amount)
}

function setBalance(tx: Transaction, account: string, balance: number): void {
  if (!Number.isSafeInteger(balance)) throw new ProgramError('TooMuch')
  tx.put(`bank/account/${account}`, String(balance))
}
