/**
 * Under which keys things are permitted that are no keys of users. A lock, election or other resource of the sync program counts as
 * the key `namespace/name`, or `name` without a namespace; a program as a reserved key with its name. All is latin1.
 */
import { fromLatin1, latin1, prefixEnd } from '../../base/index.ts'
import { entryName, cellName, isReserved, resourceName } from '../sync/key.ts'
import type { SyncResource } from '../sync/key.ts'

const programTag = '\0p'
const tagLength = 2

/** The key that a resource counts as. */
export function resourcePermissionKey({ namespace, name }: Pick<SyncResource, 'namespace' | 'name'>): string {
  return namespacePrefix(namespace) + latin1(name)
}

/** How the keys of a namespace's resources begin. */
export function namespacePrefix(namespace: Uint8Array): string {
  return namespace.length === 0 ? '' : `${latin1(namespace)}/`
}

/** The key that a user program counts as. */
export function programPermissionKey(program: string): string {
  return programTag + program
}

/**
 * The key that a range of reserved keys counts as, if all of it belongs to one resource: its entries, one of them, or its cell.
 */
export function reservedPermissionKey(start: string, end: string | undefined): string | undefined {
  if (!isReserved(start) || end === undefined) return undefined
  const resource = resourceAt(start)
  if (resource === undefined) return undefined
  const name = resourceName(resource)
  const entries = entryName(name, 0).slice(0, -8)
  const cell = cellName(name)
  const isInEntries = start.startsWith(entries) && end <= (prefixEnd(entries) ?? entries)
  const isCell = start === cell && end <= `${cell}\0`
  return isInEntries || isCell ? resourcePermissionKey(resource) : undefined
}

/** The resource whose kind, namespace and name stand behind the tag of a reserved key. */
function resourceAt(key: string): SyncResource | undefined {
  const kind = key.charCodeAt(tagLength)
  const namespace = textAt(key, tagLength + 1)
  if (Number.isNaN(kind) || namespace === undefined) return undefined
  const name = textAt(key, tagLength + 3 + namespace.length)
  return name === undefined ? undefined : { kind, namespace: fromLatin1(namespace), name: fromLatin1(name) }
}

function textAt(key: string, at: number): string | undefined {
  const from = at + 2
  if (key.length < from) return undefined
  const end = from + key.charCodeAt(at) * 0x100 + key.charCodeAt(at + 1)
  return end <= key.length ? key.slice(from, end) : undefined
}
