/** What callers give, checked and turned into resources of the machine. */
import { NitroError, utf8 } from '../../base/index.ts'
import { defaultLimits, syncKinds } from '../../execution/codec.ts'
import type { SyncHolding, SyncResource } from '../../execution/codec.ts'
import type { BytesLike, Party, SyncKind } from '../api/index.ts'

/** Bytes of text, or a copy of bytes: the caller may use them again before they are sent. Throws `InvalidArgument`. */
export function bytesOf(input: BytesLike, what: string): Uint8Array {
  if (typeof input === 'string') return utf8(input)
  if (input instanceof Uint8Array) return new Uint8Array(input)
  throw new NitroError('InvalidArgument', `${what} must be a string or a Uint8Array, not ${typeof input}`)
}

/** Half of a pair: encoders replace it, and names that differ in it would become one. */
const loneSurrogate = /\p{Surrogate}/u

/** Bytes of a name. Throws `KeyTooLarge`, `InvalidArgument`. */
export function nameBytes(input: BytesLike, what = 'the name'): Uint8Array {
  if (typeof input === 'string' && loneSurrogate.test(input)) {
    throw new NitroError('InvalidArgument', `${what} has half of a surrogate pair: it is no Unicode text`)
  }
  const bytes = bytesOf(input, what)
  const limit = defaultLimits.syncNameBytes
  if (bytes.length >= 1 && bytes.length <= limit) return bytes
  const message = `${what} has ${bytes.length} bytes; it must have 1 to ${limit}`
  throw new NitroError('KeyTooLarge', message, { details: { bytes: bytes.length, limit } })
}

/** The resource of a kind and a name. Throws `KeyTooLarge`, `InvalidArgument`. */
export function resourceFor(kind: SyncKind, name: BytesLike, namespace: BytesLike | undefined): SyncResource {
  return { kind: syncKinds[kind], namespace: namespaceBytes(namespace), name: nameBytes(name) }
}

/** Bytes of a namespace; it may be empty. Throws `KeyTooLarge`, `InvalidArgument`. */
export function namespaceBytes(namespace: BytesLike | undefined): Uint8Array {
  if (namespace === undefined || namespace === '') return new Uint8Array()
  if (namespace instanceof Uint8Array && namespace.length === 0) return new Uint8Array()
  return nameBytes(namespace, 'the namespace')
}

/** Bytes that say how long the item is, at the end of the name of a part of a group. */
const itemLengthBytes = 2

/**
 * A part of a group: its members, for which the item is empty, or one item. Its name is the group's, the item, and the item's length as
 * u16: so a group is found by how its name begins. Throws `KeyTooLarge`, `InvalidArgument`.
 */
export function groupResource(group: BytesLike, item: string, namespace: BytesLike | undefined): SyncResource {
  const groupBytes = nameBytes(group, 'the group')
  const itemBytes = item === '' ? new Uint8Array() : nameBytes(item, 'an item')
  const name = new Uint8Array(groupBytes.length + itemBytes.length + itemLengthBytes)
  name.set(groupBytes)
  name.set(itemBytes, groupBytes.length)
  new DataView(name.buffer).setUint16(name.length - itemLengthBytes, itemBytes.length)
  return resourceFor('assign', name, namespace)
}

/** The group and the item that a name of {@link groupResource} was made of; the item is undefined for the members. */
export function groupOf(name: Uint8Array): { readonly group: Uint8Array; readonly item: string | undefined } {
  const end = name.length - itemLengthBytes
  const length = end < 0 ? 0 : new DataView(name.buffer, name.byteOffset).getUint16(end)
  if (end < 1 || length >= end) return { group: name.slice(), item: undefined }
  const group = name.slice(0, end - length)
  return { group, item: length === 0 ? undefined : text(name.subarray(end - length, end)) }
}

/** The kind of a number; undefined for one of a newer version. */
export function kindOf(code: number): SyncKind | undefined {
  return (Object.keys(syncKinds) as SyncKind[]).find((kind) => syncKinds[kind] === code)
}

/** A whole number of milliseconds, or undefined. Throws `InvalidArgument`. */
export function checkMs(
  value: number | undefined,
  what: string,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least && value <= most)) return value
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`
  throw new NitroError('InvalidArgument', `${what} is ${String(value)}; it must be whole milliseconds ${range}`)
}

/** A whole number from 1 on. Throws `InvalidArgument`. */
export function checkCount(value: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= 0xffff_ffff) return value
  throw new NitroError('InvalidArgument', `${what} is ${value}; it must be a whole number from 1 on`)
}

/** A holder or waiter for callers. */
export function partyOf(holding: SyncHolding): Party {
  const { token, mode, lease, sinceMs } = holding
  return { token, mode, lease, sinceMs, label: text(holding.label), value: new Uint8Array(holding.value) }
}

const decoder = new TextDecoder()

/** Bytes as text, whatever they are. */
export function text(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}
