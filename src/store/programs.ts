/** Programs over any engine: arguments and results are canonical values. */
import { NitroError, decodeValue, encodeValue } from '../../base/index.ts'
import type { Value } from '../../base/index.ts'
import type { Program } from '../../execution/index.ts'
import type { Engine, Programs, ProgramsOf, ReadOptions, RequestOptions } from '../api/index.ts'

/** A typed call as it is made. */
type Call = (args?: Value, options?: ReadOptions) => Promise<Value>

/**
 * Makes the program interface of an engine: calls by name, and for each program of the list its methods and queries as
 * functions; versions of one program share a name, and so what their calls are. Calls throw `NotCanonical` for values that
 * have no canonical form. Throws `InvalidArgument` for a doubled version, and
 * for a name of this interface itself.
 */
export function createPrograms<const List extends readonly Program[] = readonly []>(
  engine: Engine,
  list?: List,
): ProgramsOf<List> {
  const programs: Programs = {
    async call(program: string, method: string, args: Value, options?: RequestOptions): Promise<Value> {
      return decodeValue(await engine.command(program, method, encodeValue(args), options))
    },
    async query(program: string, method: string, args: Value, options?: ReadOptions): Promise<Value> {
      return decodeValue(await engine.query(program, method, encodeValue(args), options))
    },
  }
  const all: Record<string, unknown> = { ...programs }
  const seen = new Set<string>()
  for (const program of list ?? []) {
    const id = `${program.name} ${program.version}`
    if (seen.has(id) || Object.hasOwn(programs, program.name)) {
      throw new NitroError('InvalidArgument', `programs: there are two named ${id}`)
    }
    seen.add(id)
    all[program.name] = Object.freeze({ ...(all[program.name] as object | undefined), ...callsOf(programs, program) })
  }
  return Object.freeze(all) as ProgramsOf<List>
}

function callsOf(programs: Programs, { name, methods, queries = {} }: Program): Readonly<Record<string, Call>> {
  const calls: Record<string, Call> = {}
  for (const query of Object.keys(queries)) {
    calls[query] = (args = null, options?) => programs.query(name, query, args, options)
  }
  for (const method of Object.keys(methods)) {
    calls[method] = (args = null, options?) => programs.call(name, method, args, options)
  }
  return calls
}
