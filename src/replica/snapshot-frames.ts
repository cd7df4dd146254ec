/**
 * What two nodes say to each other about a snapshot.
 *
 *   begin    sender -> receiver, bulk      id, purpose, first chunk that is still kept, the raft message (for a follower
 *                                          that fell behind); said again after a broken link
 *   chunk    sender -> receiver, bulk      id, number, bytes
 *   want     receiver -> sender, control   id, next number; `resume` asks to send from there once more
 *   done     receiver -> sender, control   id, whether it was verified and taken
 *   request  receiver -> sender, control   a node without state asks for one at or above an index
 */
import { ByteReader, ByteWriter, NitroError } from '../../base/index.ts'

/** Messages of kind `snapshotControl`. */
export type SnapshotControl =
  | {
      readonly type: 'begin'
      readonly id: number
      readonly repair: boolean
      /** Number of the first chunk that the sender can still send; above 0 only for a receiver that had those before it. */
      readonly first: number
      readonly message: Uint8Array
    }
  | { readonly type: 'want'; readonly id: number; readonly next: number; readonly resume: boolean }
  | { readonly type: 'done'; readonly id: number; readonly ok: boolean }
  | { readonly type: 'request'; readonly minIndex: number }

const types = ['begin', 'want', 'done', 'request'] as const

/** Bytes of a control message. */
export function encodeControl(control: SnapshotControl): Uint8Array {
  const writer = new ByteWriter(64)
  writer.u8(types.indexOf(control.type))
  switch (control.type) {
    case 'begin':
      writer.uint(control.id)
      writer.u8(control.repair ? 1 : 0)
      writer.uint(control.first)
      writer.blob(control.message)
      break
    case 'want':
      writer.uint(control.id)
      writer.uint(control.next)
      writer.u8(control.resume ? 1 : 0)
      break
    case 'done':
      writer.uint(control.id)
      writer.u8(control.ok ? 1 : 0)
      break
    case 'request':
      writer.uint(control.minIndex)
  }
  return writer.take()
}

/** The inverse of {@link encodeControl}. Throws `MalformedFrame`. */
export function decodeControl(payload: Uint8Array): SnapshotControl {
  const reader = new ByteReader(payload)
  const control = readControl(reader)
  reader.finish()
  return control
}

function readControl(reader: ByteReader): SnapshotControl {
  const type = types[reader.u8()]
  switch (type) {
    case 'begin':
      return {
        type,
        id: reader.uint(),
        repair: reader.u8() === 1,
        first: reader.uint(),
        message: reader.blob().slice(),
      }
    case 'want':
      return { type, id: reader.uint(), next: reader.uint(), resume: reader.u8() === 1 }
    case 'done':
      return { type, id: reader.uint(), ok: reader.u8() === 1 }
    case 'request':
      return { type, minIndex: reader.uint() }
    default:
      throw new NitroError('MalformedFrame', 'unknown snapshot message')
  }
}

/** Bytes of a chunk message. */
export function encodeChunk(id: number, number: number, chunk: Uint8Array): Uint8Array {
  const writer = new ByteWriter(chunk.length + 20)
  writer.uint(id)
  writer.uint(number)
  writer.raw(chunk)
  return writer.view()
}

/** The inverse of {@link encodeChunk}; the chunk is a copy. Throws `MalformedFrame`. */
export function decodeChunk(payload: Uint8Array): {
  readonly id: number
  readonly number: number
  readonly chunk: Uint8Array
} {
  const reader = new ByteReader(payload)
  const id = reader.uint()
  const number = reader.uint()
  return { id, number, chunk: reader.raw(reader.remaining).slice() }
}
