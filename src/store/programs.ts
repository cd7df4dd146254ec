/** Programs over any engine: arguments and results are canonical values. */
import { decodeValue, encodeValue } from '../../base/index.ts'
import type { Value } from '../../base/index.ts'
import type { Engine, Programs, ReadOptions, RequestOptions } from '../api/index.ts'

/** Makes the program interface of an engine. Its calls throw `NotCanonical` for values that have no canonical form. */
export function createPrograms(engine: Engine): Programs {
  return {
    async call(program: string, method: string, args: Value, options?: RequestOptions): Promise<Value> {
      return decodeValue(await engine.command(program, method, encodeValue(args), options))
    },
    async query(program: string, method: string, args: Value, options?: ReadOptions): Promise<Value> {
      return decodeValue(await engine.query(program, method, encodeValue(args), options))
    },
  }
}
