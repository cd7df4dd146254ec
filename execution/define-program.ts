/** Programs with types: what their callers may pass and what they get. */
import type { Value } from '../base/index.ts'
import type { Program, ReadView, Transaction } from './program.ts'
import { checkProgram } from './user-programs.ts'

/** Methods whose second parameter says what they take; it must be a canonical value. */
export type TypedMethods = Readonly<Record<string, (tx: Transaction, args: never) => Value | void>>

/** Queries whose second parameter says what they take. */
export type TypedQueries = Readonly<Record<string, (view: ReadView, args: never) => Value | void>>

/** A program that remembers the types of its methods and queries, so that calls of them are checked. */
export interface TypedProgram<
  Name extends string = string,
  Methods extends TypedMethods = TypedMethods,
  Queries extends TypedQueries = TypedQueries,
> extends Program {
  readonly name: Name
  /** Only for the compiler; there is never a value. */
  readonly types?: { readonly methods: Methods; readonly queries: Queries }
}

/** What {@link defineProgram} takes: a {@link Program} whose functions may say what they take. */
export interface ProgramDefinition<Name extends string, Methods extends TypedMethods, Queries extends TypedQueries> {
  /** Latin1, 1 to 64 chars; not the name of a built-in, nor `call`, `query` or `then`. */
  readonly name: Name
  /** A positive integer, raised with every change of behaviour. */
  readonly version: number
  readonly methods: Methods
  /** None may have the name of a method. */
  readonly queries?: Queries
}

/**
 * Makes a program whose calls are typed: `node.programs.bank.transfer({ ... })`. The types are a promise between the parts of
 * one code base; commands come from any client, so a method still checks what it gets.
 * Throws `InvalidArgument` for bad names or a bad version.
 */
export function defineProgram<const Name extends string, Methods extends TypedMethods, Queries extends TypedQueries>(
  definition: ProgramDefinition<Name, Methods, Queries>,
): TypedProgram<Name, Methods, Queries> {
  const program = Object.freeze({ ...definition }) as unknown as TypedProgram<Name, Methods, Queries>
  checkProgram(program)
  return program
}
