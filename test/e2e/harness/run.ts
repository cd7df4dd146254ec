/**
 * The life of a script: a fresh directory, the build, and an end after which no process and no file of it is left, however
 * it came about.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../../../base/index.ts'
import { Report } from './report.ts'

/** The project's top folder. */
export const root: string = fileURLToPath(new URL('../../../', import.meta.url))
/** The built executable. */
export const mainPath: string = join(root, 'dist/src/cli/main.js')

const undo = new Set<() => void>()

/** Registers what must be undone when the script ends, by whatever end; returns a function that does it now. */
export function atExit(run: () => void): () => void {
  undo.add(run)
  return () => {
    if (undo.delete(run)) run()
  }
}

function cleanUp(): void {
  for (const run of [...undo].toReversed()) {
    undo.delete(run)
    try {
      run()
    } catch (error) {
      process.stderr.write(`cleaning up: ${messageOf(error)}\n`)
    }
  }
}

/** What a script is given. */
export interface Scene {
  readonly report: Report
  /** A fresh directory; removed at the end unless a check failed or KEEP is set. */
  readonly directory: string
  /** Words of the command line; scripts take them as names of the parts to run, none meaning all. */
  readonly only: readonly string[]
}

/** Builds the project, runs the script and ends the process: 0 when all checks passed, 1 otherwise. */
export async function main(name: string, script: (scene: Scene) => Promise<void>): Promise<never> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))
  process.once('exit', cleanUp)
  const fatal = (error: unknown): never => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n`)
    process.exit(1)
  }
  process.once('uncaughtException', fatal)
  process.once('unhandledRejection', fatal)
  build()
  // What commands print is compared; some environments ask for colours even where nobody looks.
  process.env['NO_COLOR'] = '1'
  const directory = mkdtempSync(join(tmpdir(), `nitrostate-${name}-`))
  const report = new Report()
  let code = 1
  try {
    await script({ report, directory, only: process.argv.slice(2) })
    code = report.finish()
  } catch (error) {
    report.finish()
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n`)
  }
  cleanUp()
  if (code === 0 && process.env['KEEP'] === undefined) rmSync(directory, { recursive: true, force: true })
  else process.stdout.write(`data and logs of the servers are kept in ${directory}\n`)
  process.exit(code)
}

/** Servers run what is built, so it must be what is written. SKIP_BUILD trusts what is there. */
function build(): void {
  if (process.env['SKIP_BUILD'] !== undefined) return
  const compiler = join(root, 'node_modules/.bin/tsc')
  const { status, stdout, error } = spawnSync(compiler, ['-b'], { cwd: root, encoding: 'utf8' })
  if (status === 0) return
  process.stderr.write(`the build failed, so there is nothing to test:\n${stdout ?? messageOf(error)}\n`)
  process.exit(1)
}
