/** The programs registered in code, and how one of their methods is run: whole, or not at all. */
import {
  AssertionError,
  ByteWriter,
  NitroError,
  assert,
  decodeValue,
  encodeValue,
  encodeValueTo,
  equalBytes,
  isNitroError,
} from '../base/index.ts'
import type { Value } from '../base/index.ts'
import { builtins } from './command.ts'
import type { MachineLimits } from './limits.ts'
import { ProgramError } from './program.ts'
import type { Method, MethodGuard, Program } from './program.ts'
import type { ProgramSet } from './program-set.ts'
import { errorResult, okStatus } from './result.ts'
import { StateTransaction } from './transaction.ts'
import type { ViewBase, ViewTimes } from './transaction.ts'

const latin1Name = /^[\x21-\x7e\xa1-\xff]{1,64}$/

/** How the methods of user programs are watched. */
export interface ProgramChecks {
  readonly guard?: MethodGuard | undefined
  /** Run every command twice, and refuse it when the two runs differ. */
  readonly twice?: boolean | undefined
}

/** `node.programs` has these itself; `then` would make it a promise. */
const reservedNames: ReadonlySet<string> = new Set(['call', 'query', 'then'])

/** The user programs of a machine: several versions of each may be registered, one is active. */
export class UserPrograms {
  /** Every version that is registered, by name and version. */
  private readonly registered = new Map<string, Program>()
  /** The active version of each program, by name. */
  private programs: ReadonlyMap<string, Program> = new Map()
  private readonly base: ViewBase
  private readonly limits: MachineLimits
  private readonly checks: ProgramChecks

  /** Throws `InvalidArgument` for a bad name or version, a doubled version, or a name that is taken. */
  constructor(programs: readonly Program[], base: ViewBase, checks: ProgramChecks = {}) {
    this.base = base
    this.limits = base.limits
    this.checks = checks
    for (const program of programs) {
      checkProgram(program)
      const id = `${program.name} ${program.version}`
      if (this.registered.has(id)) throw invalid(program.name, `version ${program.version} is registered twice`)
      this.registered.set(id, program)
    }
  }

  /** From now on these versions run, and nothing else does; all of them are registered. */
  use(active: ProgramSet): void {
    const programs = new Map<string, Program>()
    for (const { name, version } of active.programs) {
      const program = this.registered.get(`${name} ${version}`)
      assert(program !== undefined, () => `${name} ${version} is registered`)
      programs.set(name, program)
    }
    this.programs = programs
  }

  /** Runs a method and commits it, or rolls it back; the result says which. Throws only what stops the node. */
  run(name: string, method: string, args: Uint8Array, times: ViewTimes): Uint8Array {
    const program = this.programs.get(name)
    if (program === undefined) return unknownProgram(name)
    const run = ownOf(program.methods, method)
    if (run === undefined) return unknownMethod(name, method)
    const first = this.execute(name, method, run, args, times, false)
    if (this.checks.twice === true) {
      const second = this.execute(name, method, run, args, times, true)
      const what = difference(first, second)
      if (what !== undefined) return nonDeterministic(name, method, what)
    }
    if (first.outcome[0] === okStatus) first.tx.commit()
    return first.outcome
  }

  /** Answers a query. Throws `StateDamaged` only. */
  query(name: string, method: string, args: Uint8Array, times: ViewTimes): Uint8Array {
    const program = this.programs.get(name)
    if (program === undefined) return unknownProgram(name)
    const run = ownOf(program.queries ?? {}, method)
    if (run === undefined) return unknownMethod(name, method)
    const view = new StateTransaction(this.base, times, this.base.state.revision)
    const outcome = this.attempt(name, method, () => run(view, decodeValue(args)))
    view.close()
    return outcome
  }

  /** Runs a method without committing it. */
  private execute(
    program: string,
    name: string,
    method: Method,
    args: Uint8Array,
    times: ViewTimes,
    reversed: boolean,
  ): Execution {
    const tx = new StateTransaction(this.base, times, this.base.state.revision + 1)
    const { guard } = this.checks
    let used: string | undefined
    let outcome: Uint8Array
    guard?.enter()
    try {
      outcome = this.attempt(program, name, () => {
        const value = decodeValue(args)
        return method(tx, reversed ? withFieldsReversed(value) : value)
      })
    } finally {
      used = guard?.leave()
    }
    tx.close()
    return { tx, outcome: used === undefined ? outcome : nonDeterministic(program, name, used) }
  }

  private attempt(program: string, method: string, call: () => Value | void): Uint8Array {
    try {
      const value = call() ?? null
      if (isThenable(value)) return programError(program, method, 'Thenable', null)
      const writer = new ByteWriter(64)
      writer.u8(okStatus)
      encodeValueTo(writer, value)
      if (writer.length > this.limits.resultBytes) return this.tooLarge(writer.length)
      return writer.take()
    } catch (thrown) {
      return this.failure(program, method, thrown)
    }
  }

  /**
   * Only codes and canonical details enter a result: messages and stacks differ between nodes. A broken invariant of our own
   * is no result; it stops the node.
   */
  private failure(program: string, method: string, thrown: unknown): Uint8Array {
    switch (kindOf(thrown)) {
      case 'assertion':
        throw thrown
      case 'nitro':
        return programError(program, method, (thrown as NitroError).code, null)
      case 'other':
        return programError(program, method, 'Error', null)
      case 'program':
        return this.declared(program, method, thrown as ProgramError)
    }
  }

  /** What a method throws to tell its caller why. */
  private declared(program: string, method: string, thrown: ProgramError): Uint8Array {
    try {
      if (encodeValue([thrown.code, thrown.details]).length <= this.limits.resultBytes) {
        return programError(program, method, thrown.code, thrown.details)
      }
    } catch {
      return programError(program, method, 'NotCanonical', null)
    }
    return programError(program, method, 'RequestTooLarge', null)
  }

  private tooLarge(bytes: number): Uint8Array {
    const details = { bytes, limit: this.limits.resultBytes }
    return errorResult(new NitroError('RequestTooLarge', '', { details }))
  }
}

/** One run of a method. */
interface Execution {
  readonly tx: StateTransaction
  readonly outcome: Uint8Array
}

/** In what two runs of the same command differ; undefined when they don't. */
function difference(first: Execution, second: Execution): string | undefined {
  if (!equalBytes(first.outcome, second.outcome)) return 'the result of a second run'
  if (first.outcome[0] !== okStatus) return undefined
  return equalBytes(first.tx.describe(), second.tx.describe()) ? undefined : 'the changes of a second run'
}

/** The same value with the fields of its maps in another order, which must not matter. */
function withFieldsReversed(value: Value): Value {
  if (Array.isArray(value)) return (value as readonly Value[]).map(withFieldsReversed)
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
  const fields = Object.entries(value).reverse()
  return Object.fromEntries(fields.map(([key, field]) => [key, withFieldsReversed(field)]))
}

/** What was thrown. Looking at it may run the thrower's own code (a Proxy's traps); what that throws is no way out. */
function kindOf(thrown: unknown): 'assertion' | 'nitro' | 'program' | 'other' {
  try {
    if (thrown instanceof AssertionError) return 'assertion'
    if (isNitroError(thrown)) return 'nitro'
    return thrown instanceof ProgramError ? 'program' : 'other'
  } catch {
    return 'other'
  }
}

/** Throws `InvalidArgument` unless names and version are what `Program` says. */
export function checkProgram(program: Program): void {
  const { name, version } = program
  if (!latin1Name.test(name)) throw invalid(name, 'no name of 1 to 64 latin1 chars')
  if (Object.hasOwn(builtins, name)) throw invalid(name, 'the name of a built-in')
  if (reservedNames.has(name)) throw invalid(name, 'a name of the interface itself')
  if (!Number.isSafeInteger(version) || version < 1) throw invalid(name, `version ${version}`)
  for (const query of Object.keys(program.queries ?? {})) {
    if (Object.hasOwn(program.methods, query)) throw invalid(name, `${query} is a method and a query`)
  }
}

/** A rejection nobody listens to would end the process, so a native promise is listened to. */
function isThenable(value: unknown): boolean {
  if (value instanceof Promise) value.catch(() => {})
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false
  return typeof (value as { then?: unknown }).then === 'function'
}

function ownOf<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}

function programError(program: string, method: string, code: string, details: Value): Uint8Array {
  return errorResult(new NitroError('ProgramError', '', { details: { program, method, code, details } }))
}

function nonDeterministic(program: string, method: string, what: string): Uint8Array {
  return errorResult(new NitroError('NonDeterministic', '', { details: { program, method, what } }))
}

function unknownProgram(program: string): Uint8Array {
  return errorResult(new NitroError('UnknownProgram', '', { details: { program } }))
}

function unknownMethod(program: string, method: string): Uint8Array {
  return errorResult(new NitroError('UnknownMethod', '', { details: { program, method } }))
}

function invalid(name: string, what: string): NitroError {
  return new NitroError('InvalidArgument', `program ${name}: ${what}`, { details: { program: name } })
}
