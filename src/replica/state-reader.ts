/** How a machine reads its blocks back from the database. */
import type { BlockReader } from '../../execution/index.ts'
import { blockKey } from '../../execution/index.ts'
import type { StateDirectory } from '../storage/index.ts'

/** Reads blocks from whatever database is current. */
export function blockReader(kv: () => StateDirectory['kv']): BlockReader {
  return (id, offset, length = 0) =>
    offset === undefined ? kv().getSync(blockKey(id)) : kv().getPartSync(blockKey(id), offset, length)
}
