/**
 * The seed: a backup that a new cluster begins with.
 *
 * A restored data directory holds a new identity and the snapshot file as `seed`. When the cluster forms, every founder
 * loads it, raises the revision and puts the founding configuration in force at the next index. Because all founders
 * must have the same seed, its digest is part of what they compare before they form anything.
 */
import { NitroError, hex } from '../../base/index.ts'
import type { Files } from '../../base/index.ts'
import type { Machine } from '../../execution/index.ts'
import { SnapshotReceiver, readSnapshotFile } from '../storage/index.ts'
import type { StateDirectory } from '../storage/index.ts'
import type { ReplicaPorts } from './ports.ts'

/** Name of the seed in a data directory. */
export const seedName = 'seed'

/** SHA-256 of the seed in hexadecimal digits; empty when there is none. */
export async function seedDigest(ports: ReplicaPorts, directory: string): Promise<string> {
  if (!(await ports.files.list(directory)).includes(seedName)) return ''
  const sha = ports.crypto.createSha256()
  for await (const chunk of readSnapshotFile(ports.files, `${directory}/${seedName}`)) sha.update(chunk)
  return hex(sha.digest())
}

/** Loads the seed, if there is one, into a new machine and its database. Throws `SnapshotInvalid`. */
export async function plantSeed(
  ports: ReplicaPorts,
  directory: string,
  machine: Machine,
  state: StateDirectory,
): Promise<void> {
  if (!(await ports.files.list(directory)).includes(seedName)) return
  const receiver = new SnapshotReceiver(ports.crypto, {
    records: (batch) => {
      for (const { key, value } of batch) if (value !== undefined) machine.load(key, value)
      return state.write(batch)
    },
  })
  for await (const chunk of readSnapshotFile(ports.files, `${directory}/${seedName}`)) {
    if ((await receiver.accept(chunk)) === 'done') return
  }
  throw new NitroError('SnapshotInvalid', `${directory}/${seedName} has no end`)
}

/** Removes the seed: the cluster has formed. */
export async function removeSeed(files: Files, directory: string): Promise<void> {
  if (!(await files.list(directory)).includes(seedName)) return
  await files.remove(`${directory}/${seedName}`)
  await files.syncDirectory(directory)
}
