/**
 * A snapshot as a stream of bytes. It is a snapshot file of the store, made as long as etcd's clients demand of one: zeros up
 * to a multiple of 512 bytes, then the SHA-256 of everything before.
 */
import type { Backend } from './backend.ts'
import type { StreamCall } from './call.ts'
import type { Encodable } from './schema/index.ts'

const sectorBytes = 512
/** A length of 0 begins the end of the file: no chunk is empty. */
const lengthBytes = 4

/** Sends the node's state, as of its last flush. */
export async function sendSnapshot(
  backend: Backend,
  call: StreamCall<Encodable<'SnapshotResponse'>>,
  version: string,
): Promise<void> {
  const { admin } = await backend.nodeFor(call)
  const hash = backend.crypto.createSha256()
  let sizeBytes = 0
  const send = async (blob: Uint8Array): Promise<void> => {
    sizeBytes += blob.length
    hash.update(blob)
    await sendBlob(blob)
  }
  const sendBlob = async (blob: Uint8Array): Promise<void> => {
    const more = call.send({ header: backend.header(), blob, version })
    if (!more) await new Promise<void>((resolve) => call.drained(resolve))
    call.signal.throwIfAborted()
  }
  for await (const chunk of admin.snapshot({ signal: call.signal })) {
    const framed = Buffer.allocUnsafe(lengthBytes + chunk.length)
    framed.writeUInt32LE(chunk.length, 0)
    framed.set(chunk, lengthBytes)
    await send(framed)
  }
  const gap = sectorBytes - ((sizeBytes + lengthBytes) % sectorBytes)
  await send(new Uint8Array(lengthBytes + (gap % sectorBytes)))
  await sendBlob(hash.digest())
}
