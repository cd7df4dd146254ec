/** Loads users' programs for the standalone server. */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { NitroError, messageOf } from '../../base/index.ts'
import type { Program } from '../../execution/index.ts'

/**
 * Imports each module and collects its default export, an array of programs.
 * Throws `InvalidArgument` naming the file when it can't be imported or exports something else.
 */
export async function loadPrograms(files: readonly string[]): Promise<readonly Program[]> {
  const programs: Program[] = []
  const origins = new Map<string, string>()
  for (const file of files) {
    for (const program of programsOf(file, await importDefault(file))) {
      const id = `${program.name} ${program.version}`
      const other = origins.get(id)
      if (other !== undefined) {
        throw new NitroError('InvalidArgument', `--programs: "${id}" is defined in both ${other} and ${file}`)
      }
      origins.set(id, file)
      programs.push(program)
    }
  }
  return programs
}

async function importDefault(file: string): Promise<unknown> {
  let module: { readonly default?: unknown }
  try {
    module = (await import(pathToFileURL(resolve(file)).href)) as { readonly default?: unknown }
  } catch (error) {
    throw new NitroError('InvalidArgument', `--programs: cannot load ${file}: ${messageOf(error)}`, { cause: error })
  }
  return module.default
}

function programsOf(file: string, exported: unknown): readonly Program[] {
  if (!Array.isArray(exported)) {
    throw new NitroError('InvalidArgument', `--programs: the default export of ${file} must be an array of programs`)
  }
  for (const [at, item] of (exported as readonly unknown[]).entries()) {
    if (!isProgram(item)) {
      throw new NitroError(
        'InvalidArgument',
        `--programs: item ${at} of the default export of ${file} is no program: ` +
          'it needs name (text), version (whole number from 1) and methods (an object of functions)',
      )
    }
  }
  return exported as readonly Program[]
}

function isProgram(item: unknown): item is Program {
  if (typeof item !== 'object' || item === null) return false
  const { name, version, methods, queries } = item as Readonly<Record<string, unknown>>
  return (
    typeof name === 'string' &&
    name !== '' &&
    Number.isInteger(version) &&
    (version as number) >= 1 &&
    isFunctionTable(methods) &&
    (queries === undefined || isFunctionTable(queries))
  )
}

function isFunctionTable(table: unknown): boolean {
  return typeof table === 'object' && table !== null && Object.values(table).every((one) => typeof one === 'function')
}
