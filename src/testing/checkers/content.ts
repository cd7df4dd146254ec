/** What an entry says, small enough to keep for every entry of a run. */
import { equalHash, hash128, hashText } from '../../../base/index.ts'
import type { Hash128 } from '../../../base/index.ts'
import type { Entry } from '../../../consensus/index.ts'

/** Type and data of an entry. */
export interface Content {
  readonly type: Entry['type']
  readonly hash: Hash128
}

/** The content of an entry as it is now: whoever changes its bytes later is found out. */
export function contentOf({ type, data }: Entry): Content {
  return { type, hash: hash128(data) }
}

/** Whether two entries say the same. */
export function sameContent(a: Content, b: Content): boolean {
  return a.type === b.type && equalHash(a.hash, b.hash)
}

/** For messages. */
export function describeContent({ type, hash }: Content): string {
  return `${type} ${hashText(hash)}`
}
