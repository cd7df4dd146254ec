/** Restoring a backup: a data directory from which a new cluster forms. */
import { NitroError, hex, systemRandom } from '../../base/index.ts'
import type { Crypto, Files, Random } from '../../base/index.ts'
import { parseAddress } from '../../net/index.ts'
import { foundingBytes, seedName } from '../replica/index.ts'
import {
  nodeCrypto,
  nodeFiles,
  readSnapshotFile,
  saveSnapshotFile,
  verifySnapshotFile,
  writeIdentity,
} from '../storage/index.ts'

/** What to restore, and for whom. */
export interface RestoreOptions {
  /** A snapshot file. */
  readonly file: string
  /** The directory to make; must not hold anything. */
  readonly dataDir: string
  readonly name: string
  readonly listen: string
  /** All members of the new cluster, this one included. Default: this one alone. */
  readonly peers?: Readonly<Record<string, string>> | undefined
  /** Ports, for tests. */
  readonly files?: Files | undefined
  readonly crypto?: Crypto | undefined
  readonly random?: Random | undefined
}

/** What was restored. */
export interface RestoreResult {
  /** The cluster id, 64 hexadecimal digits; empty when it takes the other members to know it. */
  readonly clusterId: string
  /** Revision of the backup; the new cluster goes on at least 10^9 above it. */
  readonly revision: number
  /** Stored records in the backup. */
  readonly records: number
}

const incarnationBytes = 16

/**
 * Makes a data directory out of a snapshot file. Run it for every member with the same file, then start them with the
 * same peers: they form a new cluster, with new incarnations, a new cluster id, and revisions that were never given out.
 * Throws `SnapshotInvalid`, `NotFound`, `InvalidArgument` (the directory is not empty), `DiskFull`.
 */
export async function restoreSnapshot(options: RestoreOptions): Promise<RestoreResult> {
  const files = options.files ?? nodeFiles
  const crypto = options.crypto ?? nodeCrypto
  const { file, dataDir, name, listen, peers } = options
  parseAddress(listen)
  if (peers !== undefined && !Object.hasOwn(peers, name)) {
    throw new NitroError('InvalidArgument', `peers: ${name} itself is missing`)
  }
  const info = await verifySnapshotFile(files, file, crypto)
  if ((await files.list(dataDir)).length > 0) {
    throw new NitroError('InvalidArgument', `${dataDir} is not empty; a restore makes a new directory`)
  }
  await files.makeDirectory(dataDir)
  await saveSnapshotFile(files, `${dataDir}/${seedName}`, readSnapshotFile(files, file), crypto)
  const incarnation = (options.random ?? systemRandom).bytes(incarnationBytes)
  await writeIdentity(files, dataDir, {
    name,
    incarnation,
    clusterId: undefined,
    raftId: undefined,
    bootstrap: undefined,
    stage: 'new',
  })
  const alone = Object.keys(peers ?? {}).length <= 1
  const clusterId = alone ? hex(crypto.sha256(foundingBytes([{ name, incarnation, address: listen }]))) : ''
  return { clusterId, revision: info.revision, records: info.records }
}
