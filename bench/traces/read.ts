/** Trace files: JSON, gzipped, Brotli-compressed or plain, in any of the three forms. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { readConcurrent } from './concurrent.ts'
import { readDag } from './dag.ts'
import { objectsOf } from './json.ts'
import { readSequential } from './sequential.ts'
import type { Trace } from './trace.ts'
import { TraceFormatError } from './trace.ts'

/** All histories of a file. Throws `TraceFormatError`, or what the file system or the decompressor threw. */
export function readTraces(path: string): Trace[] {
  const name = basename(path)
    .replace(/\.(?:gz|br)$/, '')
    .replace(/\.json$/, '')
  return parseTraces(name, unpack(path, readFileSync(path)))
}

/** All histories of a text: one object is one history, a list holds one in each item. */
export function parseTraces(name: string, json: string): Trace[] {
  let file: unknown
  try {
    file = JSON.parse(json)
  } catch (error) {
    throw new TraceFormatError(`${name} is no JSON`, { cause: error })
  }
  if (!Array.isArray(file)) return objectsOf([file], name).map((one) => parseOne(name, one))
  return objectsOf(file, name).map((one, at) => parseOne(`${name}[${at}]`, one))
}

function parseOne(name: string, file: Readonly<Record<string, unknown>>): Trace {
  try {
    if (file['kind'] === 'concurrent') return readConcurrent(name, file)
    if (typeof file['startContent'] === 'string') return readSequential(name, file)
    if (Array.isArray(file['txns'])) return readDag(name, file)
  } catch (error) {
    if (error instanceof TraceFormatError) throw new TraceFormatError(`${name}: ${error.message}`, { cause: error })
    throw error
  }
  throw new TraceFormatError(`${name} has none of the three forms`)
}

/** Gzip says so in its first bytes; Brotli says nothing, so its file ending must. */
function unpack(path: string, bytes: Buffer): string {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return gunzipSync(bytes).toString('utf8')
  return (path.endsWith('.br') ? brotliDecompressSync(bytes) : bytes).toString('utf8')
}
