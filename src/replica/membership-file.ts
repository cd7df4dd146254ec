/**
 * A copy of the member table beside the state, so that a node whose state is damaged still knows whom to ask.
 *
 * Written after a configuration entry is applied. It may lag behind the state, never lead the log; the state's own table
 * always wins.
 */
import { ByteReader, ByteWriter, NitroError, checksum32, replaceFile } from '../../base/index.ts'
import type { Files } from '../../base/index.ts'
import { decodeConfiguration, encodeConfiguration } from './configuration.ts'
import type { Configuration } from './configuration.ts'

/** The table as of an applied index. */
export interface MembershipCopy {
  readonly index: number
  readonly term: number
  readonly configuration: Configuration
}

const name = 'membership'
const magic = 0x4e534d31

/** Replaces the copy durably. */
export async function writeMembership(files: Files, directory: string, copy: MembershipCopy): Promise<void> {
  const body = new ByteWriter()
  body.u64(copy.index)
  body.u64(copy.term)
  body.blob(encodeConfiguration(copy.configuration))
  const out = new ByteWriter()
  out.u32(magic)
  out.u32(checksum32(body.view()))
  out.raw(body.view())
  await replaceFile(files, directory, name, out.take())
}

/** The copy, or undefined when there is none. Throws `DataCorrupt`. */
export async function readMembership(files: Files, directory: string): Promise<MembershipCopy | undefined> {
  const bytes = await files.readFile(`${directory}/${name}`)
  if (bytes === undefined) return undefined
  try {
    const reader = new ByteReader(bytes)
    if (reader.u32() !== magic || reader.u32() !== checksum32(bytes, 8)) throw new Error('checksum')
    const index = reader.u64()
    const term = reader.u64()
    const configuration = decodeConfiguration(reader.blob())
    reader.finish()
    return { index, term, configuration }
  } catch (cause) {
    throw new NitroError('DataCorrupt', `the copy of the member table in ${directory} is damaged`, { cause })
  }
}
