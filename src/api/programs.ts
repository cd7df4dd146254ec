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

/** A call of a function of a program: what it takes beside its view, and options. */
type CallOf<F, Options> = F extends (...parameters: infer Parameters) => infer Result
  ? Parameters extends readonly [] | readonly [unknown]
    ? (args?: null, options?: Options) => Promise<Answer<Result>>
    : Parameters extends readonly [unknown, infer Args]
      ? (args: Args, options?: Options) => Promise<Answer<Result>>
      : Parameters extends readonly [unknown, (infer Args)?]
        ? (args?: Args | null, options?: Options) => Promise<Answer<Result>>
        : never
  : never

/** Returning nothing is returning null. */
type Answer<Result> = Result extends void | undefined ? null : Result

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
