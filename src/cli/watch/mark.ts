/** The place of a watch in a file: the last revision that was handled as a whole. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { NitroError, messageOf } from '../../../base/index.ts'

/** The revision in the file; undefined when there is no file. Throws `InvalidArgument` for one that holds something else. */
export async function readMark(file: string): Promise<number | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unusable(file, error)
  }
  const revision = /^\d+\n?$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(revision)) return revision
  throw new NitroError('InvalidArgument', `--resume ${file}: the file holds no revision`)
}

/**
 * Replaces the file as a whole, so that whatever happens it holds an old place or the new one. Throws `InvalidArgument` where it
 * can't be written.
 */
export async function writeMark(file: string, revision: number): Promise<void> {
  const next = `${file}.next`
  try {
    await writeFile(next, `${revision}\n`)
    await rename(next, file)
  } catch (error) {
    throw unusable(file, error)
  }
}

function unusable(file: string, cause: unknown): NitroError {
  return new NitroError('InvalidArgument', `--resume ${file}: ${messageOf(cause)}`, { cause })
}
