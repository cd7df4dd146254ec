/** The built-in programs: which method of which program a command or a query is for. */
import { NitroError } from '../base/index.ts'
import type { Activation } from './activation.ts'
import type { Auth } from './auth/auth.ts'
import { builtins, kvMethods } from './command.ts'
import type { CommandHeader } from './command.ts'
import { authFlag } from './flags.ts'
import { queryAuth, runAuth } from './programs/auth.ts'
import * as kv from './programs/kv.ts'
import { listLeases, runLease, timeToLive } from './programs/lease.ts'
import { runSession } from './programs/session.ts'
import { cell, inspect, listSync } from './programs/sync-queries.ts'
import { runSync } from './programs/sync.ts'
import { activate } from './programs/system.ts'
import { removeRange, txn, write } from './programs/txn.ts'
import type { TxnContext } from './programs/txn.ts'
import { errorResult } from './result.ts'
import type { Sessions } from './sessions.ts'

/** Runs the methods of the built-in programs. */
export class Builtins {
  private readonly context: TxnContext
  private readonly sessions: Sessions
  private readonly activation: Activation
  private readonly auth: Auth

  constructor(context: TxnContext, sessions: Sessions, activation: Activation, auth: Auth) {
    this.auth = auth
    this.context = context
    this.sessions = sessions
    this.activation = activation
  }

  /** Applies a command of a built-in and returns its result. Throws NitroErrors, which are results, too. */
  run(entry: Uint8Array, header: CommandHeader): Uint8Array {
    const { argsAt, argsEnd, method } = header
    switch (header.program) {
      case builtins.kv:
        return this.kv(entry, method, argsAt, argsEnd)
      case builtins.lease:
        return runLease(this.context, method, entry, argsAt, argsEnd)
      case builtins.sync:
        return runSync(this.context, method, entry, argsAt, argsEnd)
      case builtins.system:
        return activate(this.activation, entry, argsAt, argsEnd)
      case builtins.auth:
        if (!this.activation.flagOn(authFlag))
          throw new NitroError('UnknownProgram', '', { details: { program: 'auth' } })
        return runAuth(this.auth, this.context.limits, method, entry, argsAt, argsEnd)
      default:
        return runSession(this.sessions, method, entry, argsAt, argsEnd)
    }
  }

  /** Answers a query of a built-in; undefined when no built-in has this name. */
  query(program: string, method: string, args: Uint8Array, logTime: number): Uint8Array | undefined {
    const { state, limits } = this.context
    if (program === 'kv' && method === 'get') return kv.get(state, limits, args)
    if (program === 'kv' && method === 'range') return kv.range(state, limits, args)
    if (program === 'kv' && method === 'history') return kv.history(state, limits, args)
    if (program === 'lease' && method === 'timeToLive') return timeToLive(this.context, args, logTime)
    if (program === 'lease' && method === 'list') return listLeases(this.context, args)
    if (program === 'sync' && method === 'inspect') return inspect(this.context, args, logTime)
    if (program === 'sync' && method === 'list') return listSync(this.context, args, logTime)
    if (program === 'sync' && method === 'cell') return cell(this.context, args)
    const answer = program === 'auth' ? queryAuth(this.auth, method, args) : undefined
    if (answer !== undefined) return answer
    if (!Object.hasOwn(builtins, program)) return undefined
    return errorResult(new NitroError('UnknownMethod', '', { details: { program, method } }))
  }

  private kv(entry: Uint8Array, method: number, at: number, end: number): Uint8Array {
    const { context } = this
    switch (method) {
      case kvMethods.put:
        return kv.put(context.state, context.limits, entry, at, end)
      case kvMethods.delete:
        return kv.remove(context.state, context.limits, entry, at, end)
      case kvMethods.write:
        return write(context, entry, at, end)
      case kvMethods.remove:
        return removeRange(context, entry, at, end)
      case kvMethods.txn:
        return txn(context, entry, at, end)
      default:
        return kv.compact(context.state, entry, at, end)
    }
  }
}
