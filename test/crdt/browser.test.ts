/** The library as it is, bundled for browsers, in a real one. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { BuildResult } from 'esbuild'
import { afterAll, expect, test } from 'vitest'
import { root } from '../sources.ts'
import { runScenario } from './browser/scenario.ts'

const chromium = '/usr/bin/chromium'
const here = existsSync(chromium)
const directory = mkdtempSync(join(tmpdir(), 'nitrostate-browser-'))

afterAll(() => rmSync(directory, { recursive: true, force: true }))

async function bundle(entry: string): Promise<BuildResult<{ write: false; metafile: true }>> {
  return build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    format: 'iife',
    platform: 'browser',
    conditions: ['source'],
    outdir: 'dist',
    logLevel: 'silent',
  })
}

test('bundled for browsers, it takes nothing from Node and nothing but the floor and one hash package', async () => {
  const { metafile } = await bundle('crdt/index.ts')
  const inputs = Object.keys(metafile.inputs)
  expect(inputs.filter((path) => path.startsWith('crdt/')).length).toBeGreaterThan(30)
  expect(inputs.filter((path) => !/^(?:crdt|base|node_modules\/@noble\/hashes)\//.test(path))).toEqual([])
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path))
  expect(imports.filter((path) => path.startsWith('node:'))).toEqual([])
})

// In continuous integration the browser is installed, so there the test must run.
test.skipIf(!here && process.env['CI'] === undefined)(
  'in a browser it does exactly what it does in Node',
  async () => {
    const { outputFiles } = await bundle('test/crdt/browser/page.ts')
    const script = outputFiles
      .map(({ text }) => text)
      .join('')
      .replaceAll('</script', '<\\/script')
    const page = join(directory, 'page.html')
    writeFileSync(page, `<!doctype html><meta charset="utf-8"><body></body><script>${script}</script>`)
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run']
    flags.push('--disable-background-networking', '--disable-component-update', '--disable-sync')
    flags.push(`--user-data-dir=${join(directory, 'profile')}`, '--dump-dom', `file://${page}`)
    const dom = execFileSync(chromium, flags, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 60_000,
    })
    const body = /<body>([\s\S]*?)<script>/.exec(dom)?.[1] ?? /<body>([\s\S]*)<\/body>/.exec(dom)?.[1] ?? ''
    expect(JSON.parse(unescaped(body))).toEqual(runScenario())
  },
  90_000,
)

/** The text of a body as it was before it was written as HTML. */
function unescaped(html: string): string {
  return html.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&nbsp;', '\u00a0').replaceAll('&amp;', '&')
}
