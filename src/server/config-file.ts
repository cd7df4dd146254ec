/** The configuration file: one JSON object whose keys are setting names. */
import { readFile } from 'node:fs/promises'
import { NitroError, messageOf } from '../../base/index.ts'

/** Reads and parses the file at `path`. Throws `InvalidArgument` when it can't be read or is not JSON. */
export async function readConfigFile(path: string): Promise<{ readonly path: string; readonly content: unknown }> {
  let content: string
  try {
    content = await readFile(path, 'utf8')
  } catch (error) {
    throw new NitroError('InvalidArgument', `cannot read the configuration file ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  }
  try {
    return { path, content: JSON.parse(content) as unknown }
  } catch (error) {
    throw new NitroError('InvalidArgument', `the configuration file ${path} is not JSON: ${messageOf(error)}`, {
      cause: error,
    })
  }
}
