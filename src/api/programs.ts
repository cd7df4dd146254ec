/** Calls of programs: by name, and typed. */
import type { Value } from '../../base/index.ts'
import type { Program, TypedProgram } from '../../execution/index.ts'
import type { ReadOptions, RequestOptions } from './engine.ts'

/** Calls of registered programs with canonical values. */
export interface Programs {
  /** Runs a method through the log. */
  call(program: string, method: string, args: Value, options?: RequestOptions): Promise<Value>
  /** Runs a read-only query. */
  query(program: string, method: string, args: Value, options?: ReadOptions): Promise<Value>
}

/** A call of a function whose first parameter is a view: the others remain, and options are added. */
type CallOf<F, Options> = F extends (view: never, ...rest: infer Rest) => infer Result
  ? Rest extends readonly [infer Args]
    ? (args: Args, options?: Options) => Promise<Answer<Result>>
    : Rest extends readonly [(infer Args)?]
      ? (args?: Args | null, options?: Options) => Promise<Answer<Result>>
      : never
  : never

/** Returning nothing is returning null. */
type Answer<Result> = Exclude<Result, void | undefined> | (void extends Result ? null : never)

/** The methods and queries of one program, as functions. */
export type ProgramCalls<P> =
  P extends TypedProgram<string, infer Methods, infer Queries>
    ? Calls<Methods, RequestOptions> & Calls<Queries, ReadOptions>
    : never

/** Without names there is nothing to call. */
type Calls<Table, Options> = string extends keyof Table
  ? unknown
  : { readonly [Name in keyof Table]: CallOf<Table[Name], Options> }

/** The programs of `defineProgram` in a list, by name; those without types are called by name with {@link Programs.call}. */
export type ProgramsOf<List extends readonly Program[]> = Programs & {
  readonly [P in List[number] as string extends P['name'] ? never : P['name']]: ProgramCalls<P>
}
