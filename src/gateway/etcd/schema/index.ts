/**
 * The messages of the etcd v3 API as tables: field name, field number, type. Names and numbers are the wire interface; codecs, the
 * TypeScript types and the JSON forms all follow from these tables.
 */
import { authEnums, authMessages } from './auth.ts'
import { clusterEnums, clusterMessages } from './cluster.ts'
import { concurrencyMessages } from './concurrency.ts'
import { kvEnums, kvMessages } from './kv.ts'
import { leaseMessages } from './lease.ts'
import { watchEnums, watchMessages } from './watch.ts'

/** Every message: a record of fields. */
export const messages = {
  ...kvMessages,
  ...watchMessages,
  ...leaseMessages,
  ...clusterMessages,
  ...concurrencyMessages,
  ...authMessages,
} as const

/** Every enumeration: names by their numbers. */
export const enums = { ...kvEnums, ...watchEnums, ...clusterEnums, ...authEnums } as const

type Messages = typeof messages
type Enums = typeof enums

/** Name of a message. */
export type MessageName = keyof Messages

/** A field: its number, its type, and whether it is one of many or one of several that exclude each other. */
export type FieldSpec = readonly [id: number, type: string, rule?: 'repeated' | 'oneof']

/** The fields of a message, without their types. */
export function fieldsOf(name: string): Readonly<Record<string, FieldSpec>> | undefined {
  return Object.hasOwn(messages, name) ? messages[name as MessageName] : undefined
}

/** The names of an enumeration by their numbers. */
export function enumOf(name: string): readonly string[] | undefined {
  return Object.hasOwn(enums, name) ? enums[name as keyof Enums] : undefined
}

/** 64-bit numbers are exact up to 2^53 and rounded beyond, so that whoever minds can tell. */
type Scalar<T> = T extends 'bytes'
  ? Uint8Array
  : T extends 'string'
    ? string
    : T extends 'bool'
      ? boolean
      : T extends 'int64' | 'uint64' | 'uint32' | keyof Enums
        ? number
        : never

type Single<T> = T extends MessageName ? Decoded<T> : Scalar<T>

type FieldValue<Spec> = Spec extends readonly [number, infer T, 'repeated']
  ? readonly Single<T>[]
  : Spec extends readonly [number, infer T, 'oneof']
    ? Single<T> | null
    : Spec extends readonly [number, infer T]
      ? T extends MessageName
        ? Single<T> | null
        : Single<T>
      : never

/** A message as it is read: absent fields have their defaults, absent messages are null. */
export type Decoded<Name extends MessageName> = {
  readonly [Field in keyof Messages[Name]]: FieldValue<Messages[Name][Field]>
}

type Given<Spec> = Spec extends readonly [number, infer T, 'repeated']
  ? readonly GivenSingle<T>[]
  : Spec extends readonly [number, infer T, ...unknown[]]
    ? GivenSingle<T> | undefined
    : never

type GivenSingle<T> = T extends MessageName ? Encodable<T> : Scalar<T>

/** A message to be written: what is left out has its default. */
export type Encodable<Name extends MessageName> = {
  readonly [Field in keyof Messages[Name]]?: Given<Messages[Name][Field]>
}
