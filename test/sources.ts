/** The files of this repository as the house rules see them: text, lines and places for messages. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Absolute path of the repository. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** What is built, fetched or recorded, but not written. */
const notWritten = new Set(['.git', 'node_modules', 'dist', 'coverage', 'tmp', 'data', 'test/golden'])

/** Files whose text is given by others. */
const notOurWords = new Set(['LICENSE', 'package-lock.json'])

/** A file of the repository; `path` is relative to the root, with forward slashes. */
export interface Source {
  readonly path: string
  readonly text: string
}

/** Paths of all files that people write, in order. */
export function listFiles(under = ''): string[] {
  const found: string[] = []
  for (const entry of readdirSync(join(root, under), { withFileTypes: true })) {
    const path = under === '' ? entry.name : `${under}/${entry.name}`
    if (notWritten.has(path) || entry.name === 'node_modules' || path.endsWith('.tgz')) continue
    if (entry.isDirectory()) found.push(...listFiles(path))
    else if (entry.isFile()) found.push(path)
  }
  return found.toSorted()
}

/** Size of a file in bytes. */
export function sizeOf(path: string): number {
  return statSync(join(root, path)).size
}

/** One file. Throws if it does not exist. */
export function readSource(path: string): Source {
  return { path, text: readFileSync(join(root, path), 'utf8') }
}

/** All text files in our own words. */
export function proseAndCode(): Source[] {
  return listFiles()
    .filter((path) => !notOurWords.has(path))
    .map(readSource)
    .filter((source) => !source.text.includes('\0'))
}

/** All TypeScript files. */
export function typescript(): Source[] {
  return listFiles()
    .filter((path) => path.endsWith('.ts'))
    .map(readSource)
}

/** All Markdown files. */
export function markdown(): Source[] {
  return listFiles()
    .filter((path) => path.endsWith('.md'))
    .map(readSource)
}

/** Lines of a text, without line ends. */
export function linesOf(source: Source): string[] {
  return source.text.split('\n')
}

/** Where a line is; `index` counts from 0. */
export function at(source: Source, index: number): string {
  return `${source.path}:${index + 1}`
}

/** 0-based line of a character offset. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length - 1
}

/** The lines of `sources` that match, as messages that end in `advice`. */
export function findings(sources: readonly Source[], pattern: RegExp, advice: string): string[] {
  return sources.flatMap((source) =>
    linesOf(source).flatMap((line, i) => (pattern.test(line) ? [`${at(source, i)} ${advice}: ${line.trim()}`] : [])),
  )
}
