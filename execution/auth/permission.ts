/**
 * Permissions: what a role may do with which keys. Ranges are written as in etcd: no end is the key alone, an end of one zero
 * byte is every key from there on. Keys and names are latin1 of their bytes, so that `<` is byte order.
 */
import { KeyIntervals } from './intervals.ts'
import type { KeyInterval } from './intervals.ts'

/** What a permission allows. */
export type Access = 'read' | 'write' | 'readwrite'

/** Kinds of access by code, which is etcd's. */
export const accessCodes: readonly Access[] = ['read', 'write', 'readwrite']

/** A permission of a role. */
export interface StoredPermission {
  readonly access: Access
  readonly key: string
  /** Empty for the key alone. */
  readonly rangeEnd: string
}

/** The end that stands for every key from the first on. */
export const openEnd = '\0'

/** What the role `root` may do, as it is shown. */
export const rootPermission: StoredPermission = { access: 'readwrite', key: '', rangeEnd: openEnd }

/** Whether a permission has keys: one that is not empty, or from such a one up to a later one, or without end. */
export function isRange({ key, rangeEnd }: Pick<StoredPermission, 'key' | 'rangeEnd'>): boolean {
  return key !== '' && (rangeEnd === '' || rangeEnd === openEnd || key < rangeEnd)
}

/** What a user may do, from all roles together. */
export interface UserAccess {
  /** Everything. */
  readonly root: boolean
  readonly read: KeyIntervals
  readonly write: KeyIntervals
}

/** The union of permissions. */
export function accessFrom(permissions: readonly StoredPermission[], root: boolean): UserAccess {
  const of = (other: Access): KeyIntervals =>
    new KeyIntervals(permissions.filter(({ access }) => access !== other).map(intervalOf))
  return { root, read: of('write'), write: of('read') }
}

function intervalOf({ key, rangeEnd }: StoredPermission): KeyInterval {
  if (rangeEnd === openEnd) return { start: key, end: undefined }
  return { start: key, end: rangeEnd === '' ? `${key}\0` : rangeEnd }
}
