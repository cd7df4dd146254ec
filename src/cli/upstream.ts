/** Restoring a snapshot, until the node exports it. */

/** What `snapshot restore` needs. */
export interface RestoreOptions {
  readonly file: string
  readonly dataDir: string
  readonly name: string
  readonly listen: string
  readonly peers?: Readonly<Record<string, string>>
}

/** What a restore made. */
export interface RestoreResult {
  readonly clusterId: string
  readonly revision: number
  readonly keys: number
}

/** Restores a file. */
export async function restoreSnapshot(options: RestoreOptions): Promise<RestoreResult> {
  const path = '../node/index.ts'
  const module = (await import(path)) as { restoreSnapshot(options: RestoreOptions): Promise<RestoreResult> }
  return module.restoreSnapshot(options)
}
