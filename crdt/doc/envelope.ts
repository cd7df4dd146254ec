/**
 * The envelope of stored documents: two bytes that say what it is, the name of the compression, the length before it, and the
 * update. Compression comes from outside, for it is another in Node and in browsers.
 */
import { ByteReader, ByteWriter, NitroError, plainBytes } from '../../base/index.ts'
import { decoding, notCanonical } from '../codec/errors.ts'
import { checkText, readText, writeText } from '../codec/text.ts'

/** A way to make bytes shorter; `method` is its name in the envelope, for example `deflate`. */
export interface Compress {
  readonly method: string
  readonly compress: (bytes: Uint8Array) => Uint8Array
}

/** The way back. `length` is what must come out; a careful function stops when more would. */
export interface Decompress {
  readonly method: string
  readonly decompress: (bytes: Uint8Array, length: number) => Uint8Array
}

const magic = 0x4e
const envelopeVersion = 1
/** The longest update in an envelope, in bytes. */
const maxUpdateBytes = 0x4000_0000

/** Puts an update into an envelope. */
export function sealEnvelope(update: Uint8Array, how: Compress | undefined): Uint8Array {
  const body = how === undefined ? update : plainBytes(how.compress(update))
  if (how?.method === '') throw new NitroError('InvalidArgument', 'a way to compress needs a name')
  const writer = new ByteWriter(body.length + 32)
  writer.u8(magic)
  writer.u8(envelopeVersion)
  writeText(writer, how?.method ?? '')
  writer.uint(update.length)
  writer.raw(body)
  return writer.take()
}

/** Takes an update out of its envelope. Throws `NotCanonical`, `UnsupportedFormat`, `InvalidArgument`. */
export function openEnvelope(bytes: Uint8Array, how: Decompress | undefined): Uint8Array {
  const reader = new ByteReader(bytes)
  const { method, length } = decoding(() => {
    if (reader.u8() !== magic) throw notCanonical('no document')
    const version = reader.u8()
    if (version !== envelopeVersion) {
      throw new NitroError('UnsupportedFormat', `documents of version ${version} are not known here`)
    }
    const method = readText(reader)
    checkText(method)
    return { method, length: reader.uint() }
  })
  if (length > maxUpdateBytes) throw notCanonical(`a document of ${length} bytes`)
  const body = reader.raw(reader.remaining)
  if (method !== '' && how?.method !== method) {
    throw new NitroError('InvalidArgument', `the document is compressed with ${method}: give a way back from that`)
  }
  const update = method === '' ? body : inflate(body, length, how as Decompress)
  if (update.length !== length) throw notCanonical('another length than the envelope says')
  return update
}

function inflate(body: Uint8Array, length: number, how: Decompress): Uint8Array {
  try {
    return plainBytes(how.decompress(body, length))
  } catch (thrown) {
    throw new NitroError('NotCanonical', `the document can't be decompressed`, { cause: thrown })
  }
}
