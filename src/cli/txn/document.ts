/** A transaction as a JSON document, and what is built of it. The readable form is parsed into the same document. */
import { NitroError } from '../../../base/index.ts'
import type { BytesLike, Condition, KeyRange, Op, RangeOrder, Txn } from '../../api/index.ts'
import { del, get, key, keys, put, range, txn } from '../../store/index.ts'

/** A JSON object as it was read. */
export type Members = Readonly<Record<string, unknown>>

const relations = { '=': 'eq', '!=': 'ne', '<': 'lt', '>': 'gt' } as const
const numberTests = new Set(['version', 'create', 'mod', 'lease'])

/**
 * Puts the conditions and operations of a document into a transaction. Throws `InvalidArgument` naming the part that is wrong.
 *
 *   document    {"if": [condition...], "then": [operation...], "else": [operation...]}; each may be left out
 *   condition   {"test": "value", ...KEYS, "is": "=" | "!=" | "<" | ">", "to": text} | {"test": "version" | "create" | "mod" | "lease",
 *               ...KEYS, "is": ..., "to": number} | {"test": "exists" | "missing", ...KEYS}
 *   operation   {"op": "put", "key", "value", "lease"?, "prev"?} | {"op": "get", "key", "revision"?} | {"op": "del", ...KEYS, "prev"?}
 *               | {"op": "range", ...KEYS, "revision"?, "limit"?, "sort"?, "reverse"?, "keysOnly"?, "countOnly"?}
 *               | {"op": "txn", "if"?, "then"?, "else"?}
 *   KEYS        "key" | "prefix" | "start" and "end"
 *
 * Bytes that are no text stand as base64 in a member of the same name with 64 at its end.
 */
export function fill<T extends Txn>(empty: T, document: unknown, where = 'the transaction'): T {
  const members = new Reader(document, where)
  const conditions = members.list('if').map((one, at) => conditionOf(one, `${where}: condition ${at + 1}`))
  const thenOps = members.list('then').map((one, at) => operationOf(one, `${where}: then ${at + 1}`))
  const elseOps = members.list('else').map((one, at) => operationOf(one, `${where}: else ${at + 1}`))
  members.finish()
  return empty
    .if(...conditions)
    .then(...thenOps)
    .else(...elseOps) as unknown as T
}

function conditionOf(document: unknown, where: string): Condition {
  const members = new Reader(document, where)
  const test = members.text('test')
  const target = members.target()
  const tests = typeof target === 'object' && !(target instanceof Uint8Array) ? keys(target) : key(target)
  if (test === 'exists' || test === 'missing') {
    members.finish()
    return tests[test]()
  }
  const is = members.text('is')
  if (!Object.hasOwn(relations, is)) throw members.wrong(`"is" is "${is}"; it must be =, !=, < or >`)
  const relation = relations[is as keyof typeof relations]
  if (test === 'value') {
    const to = members.bytes('to')
    members.finish()
    return tests.value[relation](to)
  }
  if (!numberTests.has(test)) {
    throw members.wrong(`"test" is "${test}"; it must be value, version, create, mod, lease, exists or missing`)
  }
  const to = members.number('to')
  if (to === undefined) throw members.wrong('"to" is missing')
  members.finish()
  return tests[test as 'version'][relation](to)
}

function operationOf(document: unknown, where: string): Op {
  const members = new Reader(document, where)
  const op = members.text('op')
  switch (op) {
    case 'put': {
      const options = { lease: members.number('lease'), prev: members.flag('prev') }
      return members.finished(put(members.bytes('key'), members.bytes('value'), options))
    }
    case 'get':
      return members.finished(get(members.bytes('key'), { revision: members.number('revision') }))
    case 'del':
      return members.finished(del(members.target(), { prev: members.flag('prev') }))
    case 'range': {
      const target = members.target()
      const where1 = typeof target === 'object' && !(target instanceof Uint8Array) ? target : oneKey(target)
      const query = {
        ...{ revision: members.number('revision'), limit: members.number('limit'), reverse: members.flag('reverse') },
        sort: members.optionalText('sort') as RangeOrder | undefined,
        ...{ keysOnly: members.flag('keysOnly'), countOnly: members.flag('countOnly') },
      }
      return members.finished(range({ ...where1, ...query }))
    }
    case 'txn':
      return fill(txn(), members.rest(), where)
    default:
      throw members.wrong(`"op" is "${op}"; it must be put, get, del, range or txn`)
  }
}

/** A range of one key. */
function oneKey(only: BytesLike): KeyRange {
  const start = typeof only === 'string' ? Buffer.from(only) : only
  return { start, end: Buffer.concat([start, Buffer.of(0)]) }
}

/** Takes members out of an object by name and type, and refuses what is left. */
class Reader {
  private readonly left: Map<string, unknown>
  private readonly where: string

  constructor(document: unknown, where: string) {
    this.where = where
    if (typeof document !== 'object' || document === null || Array.isArray(document))
      throw this.wrong('not a JSON object')
    this.left = new Map(Object.entries(document))
  }

  wrong(what: string): NitroError {
    return new NitroError('InvalidArgument', `${this.where}: ${what}`)
  }

  private take(name: string): unknown {
    const value = this.left.get(name)
    this.left.delete(name)
    return value
  }

  list(name: string): readonly unknown[] {
    const value = this.take(name) ?? []
    if (!Array.isArray(value)) throw this.wrong(`"${name}" must be a list`)
    return value as readonly unknown[]
  }

  optionalText(name: string): string | undefined {
    const value = this.take(name)
    if (value === undefined || typeof value === 'string') return value
    throw this.wrong(`"${name}" must be a text`)
  }

  text(name: string): string {
    const value = this.optionalText(name)
    if (value === undefined) throw this.wrong(`"${name}" is missing`)
    return value
  }

  number(name: string): number | undefined {
    const value = this.take(name)
    if (value === undefined) return undefined
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw this.wrong(`"${name}" must be a whole number from 0 on`)
    }
    return value
  }

  flag(name: string): boolean | undefined {
    const value = this.take(name)
    if (value === undefined || typeof value === 'boolean') return value
    throw this.wrong(`"${name}" must be true or false`)
  }

  private optionalBytes(name: string): BytesLike | undefined {
    const plain = this.optionalText(name)
    const encoded = this.optionalText(`${name}64`)
    if (plain !== undefined && encoded !== undefined) throw this.wrong(`give "${name}" or "${name}64", not both`)
    if (encoded === undefined) return plain
    if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encoded)) {
      throw this.wrong(`"${name}64" is not base64`)
    }
    return new Uint8Array(Buffer.from(encoded, 'base64'))
  }

  bytes(name: string): BytesLike {
    const bytes = this.optionalBytes(name)
    if (bytes === undefined) throw this.wrong(`"${name}" is missing`)
    return bytes
  }

  /** One key, or a range. */
  target(): BytesLike | KeyRange {
    const only = this.optionalBytes('key')
    const prefix = this.optionalBytes('prefix')
    const start = this.optionalBytes('start')
    const end = this.optionalBytes('end')
    const kinds = [only, prefix, start ?? end].filter((one) => one !== undefined).length
    if (kinds !== 1) throw this.wrong('give one of: "key", "prefix", "start" and "end"')
    if (only !== undefined) return only
    return prefix === undefined ? { start, end } : { prefix }
  }

  /** What nobody has taken. */
  rest(): Members {
    return Object.fromEntries(this.left)
  }

  finish(): void {
    const [name] = this.left.keys()
    if (name !== undefined) throw this.wrong(`"${name}" has no meaning here`)
  }

  finished<T>(value: T): T {
    this.finish()
    return value
  }
}
