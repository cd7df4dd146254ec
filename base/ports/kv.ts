/**
 * An ordered key-value store as a port: what the state is kept in.
 *
 * The port promises little, because the real thing (LevelDB) was measured to promise little: a synced batch is durable
 * and atomic unless the disk is damaged; damage may show as a missing record, a wrong value, an error, or the end of the
 * process. Whoever stands on it checks every record. Keys are ordered by bytes.
 */

/** One change of a batch; `value` undefined deletes. */
export interface KvChange {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** A range of keys: `gte <= key < lt`. */
export interface KvRange {
  readonly gte?: Uint8Array
  readonly lt?: Uint8Array
}

/** One stored record. */
export type KvRecord = readonly [key: Uint8Array, value: Uint8Array]

/** A frozen view. */
export interface KvView {
  /** Records in key order, in pages of bounded size. */
  pages(range?: KvRange): AsyncIterable<readonly KvRecord[]>
}

/** A consistent view that later writes do not change; must be closed. */
export interface KvSnapshot extends KvView {
  close(): Promise<void>
}

/** An open store. */
export interface Kv extends KvView {
  /**
   * Applies all changes atomically; with `sync`, durably before it resolves. The bytes are not looked at after that: their memory may be
   * used again.
   */
  batch(changes: readonly KvChange[], options: { readonly sync: boolean }): Promise<void>
  /** The value now, or undefined. */
  getSync(key: Uint8Array): Uint8Array | undefined
  snapshot(): KvSnapshot
  close(): Promise<void>
}

/** Opens stores by path. */
export interface KvFactory {
  /**
   * Opens the store at `path`. With `create`, it must not exist yet; without, it must.
   * Throws `DirectoryLocked` if another process has it, `StateDamaged` if it can't be opened,
   * `DiskFull` and `DirectoryUnusable` for what they say.
   */
  open(path: string, options: { readonly create: boolean }): Promise<Kv>
}
