/** Finding transcript files. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** All `.txt` files under the given files and directories, in a stable order. A file is taken whatever its name. */
export function transcriptFiles(paths: readonly string[]): string[] {
  return paths.flatMap((path) => (statSync(path).isDirectory() ? inDirectory(path) : [path]))
}

function inDirectory(directory: string): string[] {
  const entries = readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  return entries.flatMap((entry) => {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return inDirectory(path)
    return entry.name.endsWith('.txt') ? [path] : []
  })
}
