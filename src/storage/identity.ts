/**
 * Who this data directory is: the file `identity`. Its presence says that the directory was initialised, so that a missing
 * log beside it is damage and never a first start.
 *
 *   u32 magic, u16 format, body (see `encode`), u32 checksum of all before it (base checksum32)
 */
import type { Files } from '../../base/index.ts'
import {
  ByteReader,
  ByteWriter,
  NitroError,
  assert,
  checksum32,
  compareBytes,
  messageOf,
  replaceFile,
  utf8,
} from '../../base/index.ts'

/** How far the node has come: nothing yet; a founding list is on disk; in the configuration; asking to be let in. */
export type IdentityStage = 'new' | 'intent' | 'member' | 'joining'

/** A founding member. */
export interface IdentityFounder {
  readonly name: string
  /** 16 bytes. */
  readonly incarnation: Uint8Array
  readonly address: string
}

/** The content of the identity file. */
export interface Identity {
  readonly name: string
  /** 16 random bytes made with the data directory. */
  readonly incarnation: Uint8Array
  /** 32 bytes, once known. */
  readonly clusterId: Uint8Array | undefined
  readonly raftId: number | undefined
  /** The founding list, sorted by name, once agreed. */
  readonly bootstrap: readonly IdentityFounder[] | undefined
  readonly stage: IdentityStage
}

const fileName = 'identity'
const magic = 0x3149534e
const format = 1
const stages: readonly IdentityStage[] = ['new', 'intent', 'member', 'joining']

function encode(identity: Identity): Uint8Array {
  assert(identity.incarnation.length === 16, 'an incarnation has 16 bytes')
  const body = new ByteWriter()
  body.u32(magic)
  body.u16(format)
  body.string(identity.name)
  body.raw(identity.incarnation)
  body.u8(stages.indexOf(identity.stage))
  body.u8(identity.clusterId === undefined ? 0 : 1)
  if (identity.clusterId !== undefined) {
    assert(identity.clusterId.length === 32, 'a cluster id has 32 bytes')
    body.raw(identity.clusterId)
  }
  body.uint(identity.raftId ?? 0)
  body.u8(identity.bootstrap === undefined ? 0 : 1)
  const founders = identity.bootstrap ?? []
  body.uint(founders.length)
  for (const founder of founders.toSorted((a, b) => compareBytes(utf8(a.name), utf8(b.name)))) {
    body.string(founder.name)
    body.raw(founder.incarnation)
    body.string(founder.address)
  }
  body.u32(checksum32(body.view()))
  return body.take()
}

function decode(bytes: Uint8Array): Identity {
  const end = bytes.length - 4
  if (end < 6 || new ByteReader(bytes, end).u32() !== checksum32(bytes, 0, end)) {
    throw new NitroError('MalformedFrame', 'the checksum is wrong')
  }
  const body = new ByteReader(bytes, 0, end)
  if (body.u32() !== magic) throw new NitroError('MalformedFrame', 'not an identity file')
  const found = body.u16()
  if (found !== format) throw new NitroError('UnsupportedFormat', `the identity file has format ${found}`)
  const name = body.string()
  const incarnation = body.raw(16).slice()
  const stage = stages[body.u8()]
  if (stage === undefined) throw new NitroError('MalformedFrame', 'unknown stage')
  const clusterId = body.u8() === 1 ? body.raw(32).slice() : undefined
  const raftId = body.uint()
  const agreed = body.u8() === 1
  const founders = Array.from({ length: body.uint() }, () => ({
    name: body.string(),
    incarnation: body.raw(16).slice(),
    address: body.string(),
  }))
  body.finish()
  const bootstrap = agreed ? founders : undefined
  return { name, incarnation, clusterId, raftId: raftId === 0 ? undefined : raftId, bootstrap, stage }
}

/**
 * The identity in a data directory, or undefined when it has none. Throws `IdentityLost` when the file is damaged,
 * `UnsupportedFormat` when it is of a later version.
 */
export async function readIdentity(files: Files, directory: string): Promise<Identity | undefined> {
  const bytes = await files.readFile(`${directory}/${fileName}`)
  if (bytes === undefined) return undefined
  try {
    return decode(bytes)
  } catch (error) {
    if (error instanceof NitroError && error.code === 'UnsupportedFormat') throw error
    const message = `the identity file in ${directory} is damaged: ${messageOf(error)}`
    throw new NitroError('IdentityLost', message, { details: { directory }, cause: error })
  }
}

/** Writes the identity durably and atomically; the directory is made if it does not exist. */
export async function writeIdentity(files: Files, directory: string, identity: Identity): Promise<void> {
  await files.makeDirectory(directory)
  await replaceFile(files, directory, fileName, encode(identity))
}
