/** Bundles of the programs that the script starts: a bundle starts in a tenth of the time that sources take. */
import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from '../harness/index.ts'
import type { Programs } from './contender-process.ts'

/** Makes them, below node_modules so that they find the packages they need. */
export async function bundlePrograms(): Promise<Programs> {
  const outdir = join(root, 'node_modules/.cache/nitrostate-e2e')
  await build({
    entryPoints: ['contender', 'resource'].map((name) => join(root, `test/e2e/locks/${name}.ts`)),
    outExtension: { '.js': '.mjs' },
    ...{ bundle: true, platform: 'node', format: 'esm', packages: 'external', conditions: ['source'] },
    ...{ logLevel: 'warning', outdir },
  })
  return { contender: join(outdir, 'contender.mjs'), resource: join(outdir, 'resource.mjs') }
}
