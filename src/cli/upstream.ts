/** The client's public surface as the CLI uses it, until the client's own module stands. */
import type { Admin, Programs, Store } from '../api/index.ts'

/** A remote client. */
export interface Client {
  readonly store: Store
  readonly programs: Programs
  readonly admin: Admin
  readonly endpoint: string
  close(): Promise<void>
}

/** What connect takes. */
export interface ConnectOptions {
  readonly endpoints: readonly string[]
  readonly timeoutMs?: number
  readonly connectTimeoutMs?: number
}

/** Connects. */
export async function connect(options: ConnectOptions): Promise<Client> {
  const path = '../client/index.ts'
  const module = (await import(path)) as { connect(options: ConnectOptions): Promise<Client> }
  return module.connect(options)
}

/** Facts of a verified snapshot file. */
export interface SnapshotFileInfo {
  readonly index: number
  readonly term: number
  readonly records: number
  readonly bytes: number
}

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

interface SnapshotFunctions {
  saveSnapshotFile(files: unknown, path: string, chunks: AsyncIterable<Uint8Array>): Promise<SnapshotFileInfo>
  verifySnapshotFile(files: unknown, path: string): Promise<SnapshotFileInfo>
  readonly nodeFiles: unknown
}

async function storage(): Promise<SnapshotFunctions> {
  const path = '../storage/index.ts'
  return (await import(path)) as SnapshotFunctions
}

/** Writes chunks to a file. */
export async function saveSnapshot(path: string, chunks: AsyncIterable<Uint8Array>): Promise<SnapshotFileInfo> {
  const { saveSnapshotFile, nodeFiles } = await storage()
  return saveSnapshotFile(nodeFiles, path, chunks)
}

/** Verifies a file. */
export async function verifySnapshot(path: string): Promise<SnapshotFileInfo> {
  const { verifySnapshotFile, nodeFiles } = await storage()
  return verifySnapshotFile(nodeFiles, path)
}

/** Restores a file. */
export async function restoreSnapshot(options: RestoreOptions): Promise<RestoreResult> {
  const path = '../node/index.ts'
  const module = (await import(path)) as { restoreSnapshot(options: RestoreOptions): Promise<RestoreResult> }
  return module.restoreSnapshot(options)
}
