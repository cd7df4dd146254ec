/** The gate of a machine: for its commands, its queries, and the watches of its node. */
import type { CommandHeader } from '../command.ts'
import { CommandGate } from './command-gate.ts'
import { Gate } from './gate.ts'
import type { Caller } from './principal.ts'
import { QueryGate } from './query-gate.ts'

/** Decides whatever is asked of one machine. */
export class MachineGate extends Gate {
  private readonly commands: CommandGate = new CommandGate(this)
  private readonly queries: QueryGate = new QueryGate(this)

  /** Throws unless a command may run; see {@link CommandGate.check}. */
  command(entry: Uint8Array, header: CommandHeader): void {
    if (this.auth.enabled) this.commands.check(entry, header)
  }

  /** Throws unless a query may be answered; see {@link QueryGate.check}. */
  query(caller: Caller, program: string, method: string, args: Uint8Array): void {
    if (this.auth.enabled) this.queries.check(caller, program, method, args)
  }
}
