/** Reading what `JSON.parse` gave without trusting it. */
import type { Patch } from './trace.ts'
import { TraceFormatError } from './trace.ts'

/** A string field. */
export function stringAt(of: Readonly<Record<string, unknown>>, field: string): string {
  const value = of[field]
  if (typeof value !== 'string') throw new TraceFormatError(`${field} is no string`)
  return value
}

/** A field that counts something. */
export function countAt(of: Readonly<Record<string, unknown>>, field: string): number {
  return readCount(of[field], field)
}

/** A list of counts. */
export function countsAt(of: Readonly<Record<string, unknown>>, field: string): number[] {
  const value = of[field]
  if (!Array.isArray(value)) throw new TraceFormatError(`${field} is no list`)
  return value.map((item: unknown) => readCount(item, field))
}

/** A list of objects. */
export function objectsOf(value: unknown, what: string): Readonly<Record<string, unknown>>[] {
  if (!Array.isArray(value)) throw new TraceFormatError(`${what}: a list was expected`)
  return value.map((item: unknown) => {
    if (typeof item !== 'object' || item === null) throw new TraceFormatError(`${what}: an object was expected`)
    return item as Readonly<Record<string, unknown>>
  })
}

/** `[[position, deleted, inserted], ...]`. */
export function readPatches(value: unknown): Patch[] {
  if (!Array.isArray(value)) throw new TraceFormatError('patches are no list')
  return value.map((patch: unknown): Patch => {
    if (!Array.isArray(patch)) throw new TraceFormatError('a patch is no list')
    const [position, deleted, inserted] = patch as unknown[]
    if (typeof inserted !== 'string') throw new TraceFormatError('a patch inserts a string')
    return [readCount(position, 'position'), readCount(deleted, 'deleted'), inserted]
  })
}

function readCount(value: unknown, what: string): number {
  if (!Number.isSafeInteger(value) || Number(value) < 0) throw new TraceFormatError(`${what} is no count`)
  return value as number
}
