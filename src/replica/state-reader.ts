/** How a machine reads its blocks back from the database. */
import type { Kv } from '../../base/index.ts'
import { blockKey } from '../../execution/index.ts'

/** Reads blocks from whatever database is current. */
export function blockReader(kv: () => Kv): (id: number) => Uint8Array | undefined {
  return (id) => kv().getSync(blockKey(id))
}
