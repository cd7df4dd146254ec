/**
 * Snapshots as files: the chunks, each after its length (u32). One that a client of etcd has saved goes on after them: a length of 0,
 * zeros up to a multiple of 512 bytes, and the SHA-256 of all before.
 */
import type { Crypto, Files } from '../../../base/index.ts'
import { ByteReader, ByteWriter } from '../../../base/index.ts'
import { nodeCrypto } from '../adapters/node-crypto.ts'
import { chunkBytesMax, invalid } from './format.ts'
import type { SnapshotHead } from './format.ts'
import { SnapshotReceiver } from './receiver.ts'

/** Facts of a verified snapshot. */
export interface SnapshotFileInfo {
  readonly clusterId: Uint8Array
  readonly index: number
  readonly term: number
  readonly revision: number
  readonly records: number
  /** Bytes of keys, values and their lengths. */
  readonly bytes: number
}

const readBytes = 1 << 20
const sectorBytes = 512
const trailerHashBytes = 32

/**
 * Writes chunks to `path`, verifying them on the way: the file appears only when the snapshot is whole, valid and durable.
 * Throws `SnapshotInvalid`, and what the disk and the source throw.
 */
export async function saveSnapshotFile(
  files: Files,
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  crypto: Crypto = nodeCrypto,
): Promise<SnapshotFileInfo> {
  const temporary = `${path}.tmp`
  await files.remove(temporary)
  const file = await files.open(temporary, { create: true })
  try {
    const receiver = new SnapshotReceiver(crypto, ignored)
    let done = false
    let at = 0
    for await (const chunk of chunks) {
      const number = receiver.wanted
      done = (await receiver.accept(chunk)) === 'done'
      if (receiver.wanted === number) throw invalid('chunks are not in order')
      const framed = new ByteWriter(chunk.length + 4)
      framed.u32(chunk.length)
      framed.raw(chunk)
      await file.write(at, framed.view())
      at += framed.length
      if (done) break
    }
    if (!done) throw invalid('the last chunk is missing')
    await file.sync()
    await file.close()
    await files.rename(temporary, path)
    const slash = path.lastIndexOf('/')
    await files.syncDirectory(slash < 0 ? '.' : path.slice(0, slash) || '/')
    return infoOf(receiver)
  } catch (error) {
    await file.close().catch(() => undefined)
    await files.remove(temporary)
    throw error
  }
}

/** The chunks of a snapshot file, not yet verified: feed them to a {@link SnapshotReceiver}. Throws `NotFound`, `SnapshotInvalid`. */
export async function* readSnapshotFile(files: Files, path: string): AsyncIterable<Uint8Array> {
  const file = await files.open(path)
  try {
    const size = await file.size()
    let buffer = new Uint8Array(0)
    let at = 0
    for (let offset = 0; offset < size;) {
      const more = await file.read(offset, readBytes)
      if (more.length === 0) break
      offset += more.length
      const joined = new Uint8Array(buffer.length - at + more.length)
      joined.set(buffer.subarray(at))
      joined.set(more, buffer.length - at)
      buffer = joined
      at = 0
      while (buffer.length - at >= 4) {
        const length = new ByteReader(buffer, at).u32()
        if (length === 0 && isTrailer(size, offset - (buffer.length - at))) return
        if (length > chunkBytesMax) throw invalid('a chunk is too long')
        if (buffer.length - at < 4 + length) break
        yield buffer.subarray(at + 4, at + 4 + length)
        at += 4 + length
      }
    }
    if (at !== buffer.length) throw invalid('the file is cut')
  } finally {
    await file.close()
  }
}

/** Whether what begins here is the end that clients of etcd ask for. */
function isTrailer(size: number, at: number): boolean {
  return size % sectorBytes === trailerHashBytes && size - at < 2 * sectorBytes + trailerHashBytes
}

/** Reads a whole snapshot file and checks everything. Throws `NotFound`, `SnapshotInvalid`, `UnsupportedFormat`. */
export async function verifySnapshotFile(
  files: Files,
  path: string,
  crypto: Crypto = nodeCrypto,
): Promise<SnapshotFileInfo> {
  const receiver = new SnapshotReceiver(crypto, ignored)
  let done = false
  for await (const chunk of readSnapshotFile(files, path)) {
    if (done) throw invalid('there is more after its end')
    const number = receiver.wanted
    done = (await receiver.accept(chunk)) === 'done'
    if (receiver.wanted === number) throw invalid('chunks are not in order')
  }
  if (!done) throw invalid('the last chunk is missing')
  return infoOf(receiver)
}

const ignored = { records: (): void => undefined }

function infoOf(receiver: SnapshotReceiver): SnapshotFileInfo {
  const { clusterId, index, term, revision } = receiver.head as SnapshotHead
  return { clusterId, index, term, revision, records: receiver.records, bytes: receiver.bytes }
}
