/**
 * The JSON form of messages: bytes in base64, 64-bit numbers as texts, enumerations by name, what has its default left out.
 */
import { codecOf } from './messages.ts'
import { RpcError } from './rpc-error.ts'
import { enumOf, fieldsOf } from './schema/index.ts'
import type { Decoded, FieldSpec, MessageName } from './schema/index.ts'

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** A message for `JSON.stringify`. */
export function toJson(name: string, message: unknown): Json {
  const out: Record<string, Json> = {}
  const fields = message as Readonly<Record<string, unknown>>
  for (const [field, [, type, rule]] of Object.entries(fieldsOf(name) ?? {})) {
    const value = fields[field]
    if (value === undefined || value === null) continue
    if (rule === 'repeated') {
      const items = value as readonly unknown[]
      if (items.length > 0) out[field] = items.map((item) => valueToJson(type, item))
    } else if (rule === 'oneof' || !isDefault(value)) {
      out[field] = valueToJson(type, value)
    }
  }
  return out
}

function isDefault(value: unknown): boolean {
  return value === 0 || value === '' || value === false || (value instanceof Uint8Array && value.length === 0)
}

function valueToJson(type: string, value: unknown): Json {
  if (fieldsOf(type) !== undefined) return toJson(type, value)
  const names = enumOf(type)
  if (names !== undefined) return names[value as number] ?? (value as number)
  if (type === 'int64' || type === 'uint64') return String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return value as Json
}

/** No transaction that a machine accepts needs more; far deeper ones would exhaust the stack. */
const depthMax = 200

function isDeeper(json: unknown, depth: number): boolean {
  if (typeof json !== 'object' || json === null) return false
  return depth === 0 || Object.values(json).some((value) => isDeeper(value, depth - 1))
}

/** The message that JSON text means, with its defaults. Throws RpcError. */
export function fromJsonText<Name extends MessageName>(name: Name, text: string): Decoded<Name> {
  let json: unknown
  try {
    json = text.trim() === '' ? {} : JSON.parse(text)
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error))
  }
  if (isDeeper(json, depthMax)) throw invalid(`${name} is nested too deeply`)
  const codec = codecOf(name)
  return codec.decode(codec.encode(messageOf(name, json) as Parameters<typeof codec.encode>[0]))
}

function messageOf(name: string, json: unknown): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw invalid(`${name} must be an object`)
  const fields = fieldsOf(name) ?? {}
  const out: Record<string, unknown> = {}
  let exclusive: string | undefined
  for (const [key, value] of Object.entries(json)) {
    const field = Object.hasOwn(fields, key) ? key : camelNames(name).get(key)
    // Newer clients may say more: etcd passes over what it does not know, too.
    if (field === undefined || value === null) continue
    const [, type, rule] = fields[field] as FieldSpec
    if (rule === 'oneof') {
      if (exclusive !== undefined) throw invalid(`${field} and ${exclusive} exclude each other`)
      exclusive = field
    }
    if (rule !== 'repeated') out[field] = valueOf(type, value, field)
    else if (Array.isArray(value)) out[field] = value.map((item) => valueOf(type, item, field))
    else throw invalid(`${field} must be an array`)
  }
  return out
}

/** The other spelling of each field: `rangeEnd` of `range_end`. */
function camelNames(name: string): ReadonlyMap<string, string> {
  const known = camelCache.get(name)
  if (known !== undefined) return known
  const names = new Map<string, string>()
  for (const field of Object.keys(fieldsOf(name) ?? {})) {
    names.set(
      field.replaceAll(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase()),
      field,
    )
  }
  camelCache.set(name, names)
  return names
}
const camelCache = new Map<string, ReadonlyMap<string, string>>()

function valueOf(type: string, value: unknown, field: string): unknown {
  if (fieldsOf(type) !== undefined) return messageOf(type, value)
  const names = enumOf(type)
  if (names !== undefined) return enumNumber(names, value, field)
  switch (type) {
    case 'bytes':
      if (typeof value === 'string' && /^[\w+/-]*={0,2}$/.test(value)) return Buffer.from(value, 'base64')
      throw invalid(`${field} must be text in base64`)
    case 'string':
      if (typeof value === 'string') return value
      throw invalid(`${field} must be a text`)
    case 'bool':
      if (typeof value === 'boolean') return value
      throw invalid(`${field} must be true or false`)
    default:
      return integer(value, field, type)
  }
}

function enumNumber(names: readonly string[], value: unknown, field: string): number {
  const number = typeof value === 'string' ? names.indexOf(value) : value
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0) return number
  throw invalid(`${field} must be one of ${names.join(', ')}`)
}

/** The least and the greatest of each type, and the greatest that a number can hold: beyond 2^53 there are gaps. */
const bounds: Readonly<Record<string, readonly [least: bigint, most: bigint, held: number]>> = {
  int64: [-(2n ** 63n), 2n ** 63n - 1n, 2 ** 63 - 1024],
  uint64: [0n, 2n ** 64n - 1n, 2 ** 64 - 2048],
}
const narrow = [0n, 2n ** 32n - 1n, 2 ** 32 - 1] as const

function integer(value: unknown, field: string, type: string): number {
  const isText = typeof value === 'string' && /^-?\d{1,20}$/.test(value)
  if (!isText && !Number.isInteger(value)) throw invalid(`${field} must be a whole number`)
  const [least, most, held] = bounds[type] ?? narrow
  const exact = BigInt(value as string | number)
  // The greatest number as JSON has it has been rounded up by one on the way here.
  if (exact < least || exact > most + (isText ? 0n : 1n)) throw invalid(`${field} is out of range`)
  return Math.min(Number(exact), held)
}

function invalid(what: string): RpcError {
  return new RpcError('invalidArgument', what)
}
