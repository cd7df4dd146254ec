/**
 * State code of one's own: a program runs inside the replicated machine, on every node alike, once per command.
 *
 * Here: accounts. A transfer is one atomic step in the log; it is refused with an error of its own code.
 */
import { ProgramError, isNitroError, openNode } from 'nitrostate'
import type { Program, ReadView, Value } from 'nitrostate'

const text = new TextDecoder()

function balanceOf(view: ReadView, account: string): number {
  const bytes = view.get(`account/${account}`)
  return bytes === undefined ? 0 : Number(text.decode(bytes))
}

function fieldsOf(args: Value): { from: string; to: string; amount: number } {
  const { from, to, amount } = args as { from?: Value; to?: Value; amount?: Value }
  if (typeof from !== 'string' || typeof to !== 'string' || !Number.isSafeInteger(amount) || Number(amount) <= 0) {
    throw new ProgramError('BadArguments')
  }
  return { from, to, amount: Number(amount) }
}

const bank: Program = {
  name: 'bank',
  version: 1,
  methods: {
    deposit(tx, args) {
      const { to, amount } = fieldsOf({ ...(args as object), from: '' })
      const balance = balanceOf(tx, to) + amount
      tx.put(`account/${to}`, String(balance))
      return balance
    },
    transfer(tx, args) {
      const { from, to, amount } = fieldsOf(args)
      const available = balanceOf(tx, from)
      if (available < amount) throw new ProgramError('NotEnough', { available })
      tx.put(`account/${from}`, String(available - amount))
      tx.put(`account/${to}`, String(balanceOf(tx, to) + amount))
      return { [from]: balanceOf(tx, from), [to]: balanceOf(tx, to) }
    },
  },
  queries: {
    total(view) {
      return view
        .range({ start: 'account/', end: 'account0' })
        .reduce((sum, { value }) => sum + Number(text.decode(value)), 0)
    },
  },
}

await using node = await openNode({ programs: [bank] })

show('deposit:', await node.programs.call('bank', 'deposit', { to: 'ada', amount: 100 }))
show('transfer:', await node.programs.call('bank', 'transfer', { from: 'ada', to: 'grace', amount: 30 }))
try {
  await node.programs.call('bank', 'transfer', { from: 'grace', to: 'ada', amount: 31 })
} catch (error) {
  if (!isNitroError(error, 'ProgramError')) throw error
  show('refused:', { executed: error.executed, ...error.details })
}
show('total:', await node.programs.query('bank', 'total', null))

function show(what: string, value: Value): void {
  console.log(what, JSON.stringify(value))
}
