/** The directory of a development cluster: one subdirectory a node, and a note of what cluster it is. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { NitroError, messageOf } from '../../../base/index.ts'

/** A directory to run in. */
export interface DevDirectory {
  readonly path: string
  /** Whether it goes away at the end. */
  readonly temporary: boolean
  /** Removes it if it is temporary. */
  release(): Promise<void>
}

const marker = 'dev.json'

/** What must stay the same when a directory is used again. */
interface Shape {
  readonly nodes: number
  readonly port: number
}

/**
 * Opens `path`, or makes a fresh temporary directory. Throws `InvalidArgument` when the directory holds a cluster of
 * another shape, `DirectoryUnusable` when it can't be made.
 */
export async function openDevDirectory(path: string | undefined, shape: Shape): Promise<DevDirectory> {
  if (path === undefined) {
    const temporary = await mkdtemp(join(tmpdir(), 'nitrostate-dev-'))
    return { path: temporary, temporary: true, release: () => rm(temporary, { recursive: true, force: true }) }
  }
  const absolute = resolve(path)
  try {
    await mkdir(absolute, { recursive: true })
    await checkShape(absolute, shape)
    await writeFile(join(absolute, marker), `${JSON.stringify(shape)}\n`)
  } catch (error) {
    if (error instanceof NitroError) throw error
    throw new NitroError('DirectoryUnusable', `cannot use ${absolute}: ${messageOf(error)}`, { cause: error })
  }
  return { path: absolute, temporary: false, release: async () => {} }
}

async function checkShape(path: string, { nodes, port }: Shape): Promise<void> {
  const text = await readFile(join(path, marker), 'utf8').catch(() => undefined)
  if (text === undefined) return
  const known = JSON.parse(text) as Shape
  if (known.nodes === nodes && known.port === port) return
  throw new NitroError(
    'InvalidArgument',
    `${path} holds a cluster of ${known.nodes} at port ${known.port}: ` +
      `give --nodes ${known.nodes} --port ${known.port}, or another --data-dir`,
  )
}
