/** Code in the documentation is compiled against the sources, so that it cannot outlive what it shows. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { markdown, root } from './sources.ts'

const directory = mkdtempSync(join(tmpdir(), 'nitrostate-docs-'))

afterAll(() => rmSync(directory, { recursive: true }))

/** The blocks of a page that are whole programs: those that import the package. */
function programsOf(text: string): string[] {
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].flatMap(([, code = '']) =>
    /from 'nitrostate/.test(code) ? [code] : [],
  )
}

const syncExamples = ['cron-once', 'singleton-worker', 'fastify-job', 'leader-scheduler', 'sharded-consumers']

test('each TypeScript program in README.md and docs/coding and each example compiles', () => {
  const pages = markdown().filter(({ path }) => path === 'README.md' || path.startsWith('docs/coding/'))
  const files = pages.flatMap(({ path, text }) =>
    programsOf(text).map((code, at) => {
      const name = `${path.replaceAll('/', '-').replace(/\.md$/, '')}-${at}.mts`
      writeFileSync(join(directory, name), `${code}\nexport {}\n`)
      return name
    }),
  )
  expect(files.length).toBeGreaterThan(5)
  for (const name of ['embedded', 'cluster', 'program', 'bank', 'client', 'merge', ...syncExamples]) {
    writeFileSync(join(directory, `${name}.ts`), readFileSync(join(root, 'examples', `${name}.ts`)))
    files.push(`${name}.ts`)
  }
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ type: 'module' }))
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.base.json'),
      compilerOptions: {
        composite: false,
        declaration: false,
        declarationMap: false,
        sourceMap: false,
        noEmit: true,
        rewriteRelativeImportExtensions: false,
        allowImportingTsExtensions: true,
        noUnusedLocals: false,
        types: ['node'],
        paths: {
          nitrostate: [join(root, 'src/index.ts')],
          'nitrostate/execution': [join(root, 'execution/index.ts')],
          'nitrostate/testing': [join(root, 'src/testing/index.ts')],
          'nitrostate/crdt': [join(root, 'crdt/index.ts')],
        },
      },
      files,
    }),
  )
  expect(compile()).toBe('')
})

function compile(): string {
  try {
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', directory], { stdio: 'pipe' })
    return ''
  } catch (error) {
    return String((error as { readonly stdout?: Uint8Array }).stdout ?? error)
  }
}
