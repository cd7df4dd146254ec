/**
 * State code of one's own: a program runs inside the replicated machine, on every node alike, once per command.
 *
 * Here: accounts (bank.ts). A transfer is one atomic step in the log; it is refused with an error of its own code.
 */
import { isNitroError, openNode } from 'nitrostate'
import type { Value } from 'nitrostate'
import { bank } from './bank.ts'

await using node = await openNode({ programs: [bank] })

show('deposit:', await node.programs.bank.deposit({ to: 'ada', amount: 100 }))
show('transfer:', await node.programs.bank.transfer({ from: 'ada', to: 'grace', amount: 30 }))
try {
  await node.programs.bank.transfer({ from: 'grace', to: 'ada', amount: 31 })
} catch (error) {
  if (!isNitroError(error, 'ProgramError')) throw error
  show('refused:', { executed: error.executed, ...error.details })
}
const hold = await node.programs.bank.hold({ from: 'ada', amount: 50, ttlMs: 60_000 })
show('available beside a hold:', await node.programs.bank.available('ada'))
show('paid:', await node.programs.bank.pay({ from: 'ada', hold, to: 'grace' }))
show('total:', await node.programs.bank.total())

function show(what: string, value: Value): void {
  console.log(what, JSON.stringify(value))
}
