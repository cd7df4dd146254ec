/** Bundles the simulator with one mutant's patches. Nothing in the working tree is touched. */
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { build } from 'esbuild'
import { patched } from './mutant.ts'
import type { Mutant } from './mutant.ts'

const root = join(import.meta.dirname, '../../..')

/** Writes the bundle of `mutant`, or of the product as it is, to `outfile`. */
export async function bundle(mutant: Mutant | undefined, outfile: string): Promise<void> {
  const files = new Set(mutant?.patches.map((patch) => patch.file))
  await build({
    entryPoints: [join(import.meta.dirname, 'child.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    conditions: ['source'],
    logLevel: 'error',
    plugins: [
      {
        name: 'patches',
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const file = relative(root, path)
            if (mutant === undefined || !files.delete(file)) return undefined
            return { contents: patched(file, readFileSync(path, 'utf8'), mutant), loader: 'ts' }
          })
        },
      },
    ],
  })
  if (files.size > 0) throw new Error(`${mutant?.name ?? ''}: the simulator does not use ${[...files].join(', ')}`)
}
