/**
 * Who may import whom. Project references are transitive and self-name imports resolve through dist, so the compiler alone
 * does not keep the layers apart; this list of direct imports does.
 */
import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { build } from 'esbuild'
import { describe, expect, test } from 'vitest'
import type { Source } from './sources.ts'
import { at, lineAt, readSource, root, typescript } from './sources.ts'

/** Folder: what its files may import. `types:` marks folders of which only types, or the codec entry, may be taken. */
const allowed: Readonly<Record<string, string>> = {
  base: '@noble/hashes',
  consensus: 'base',
  crdt: 'base',
  execution: 'base crdt',
  net: 'base ws node:',
  'src/api': 'base types:execution',
  'src/wire': 'base src/api net types:consensus types:execution msgpackr',
  'src/store': 'base src/api types:execution',
  'src/sync': 'base src/api types:execution croner',
  'src/client': 'base net src/api src/wire src/store src/sync types:execution',
  'src/storage': 'base consensus execution classic-level @noble/hashes node:',
  'src/replica': 'base consensus execution net src/api src/wire src/storage',
  'src/node':
    'base consensus execution net src/api src/wire src/store src/sync src/storage src/replica types:node:http types:node:net',
  'src/gateway/etcd': 'base types:execution src/api protobufjs node:',
  'src/server':
    'base execution net src/api src/wire src/store src/storage src/replica src/node src/gateway/etcd pino prom-client picocolors ws node:',
  'src/testing':
    'base consensus execution net src/api src/wire src/store src/sync src/client src/storage src/replica src/node src/server',
  'src/cli':
    'base execution net src/api src/wire src/store src/sync src/client src/storage src/replica src/node src/server src/testing ' +
    'commander picocolors string-width node:',
  src: 'base src/api src/store src/sync src/client src/node execution',
  examples: 'nitrostate node: vitest fastify',
}

/** Folders that see everything. */
const seesAll = new Set(['test', 'bench', 'vitest.config.ts'])

/** What other folders may name: the public list, and the entry that is safe in a client. */
const publicFiles = new Set(['index.ts', 'codec.ts'])

interface Import {
  readonly place: string
  readonly from: string
  readonly target: string
  readonly typesOnly: boolean
}

/** `base`, `src/wire`, ... ; `src` for files right in src. */
function folderOf(path: string): string {
  const [first = '', second = '', third = ''] = path.split('/')
  if (first === 'src' && second === 'gateway') return `src/gateway/${third}`
  return first === 'src' && !second.endsWith('.ts') ? `src/${second}` : first
}

function importsOf(source: Source): Import[] {
  const statement =
    /^\s*(?:import|export)\b(\s+type\b)?(?:[^'"`;()=]*?\bfrom)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm
  return [...source.text.matchAll(statement)].map((match) => ({
    place: at(source, lineAt(source.text, match.index + match[0].search(/\S/))),
    from: source.path,
    target: match[2] ?? match[3] ?? '',
    typesOnly: match[1] !== undefined,
  }))
}

/** Whether a grant is of this package or one of its subpaths; `node:` is of all modules of Node. */
function covers(grant: string, target: string, typesOnly: boolean): boolean {
  if (grant.startsWith('types:')) return typesOnly && target === grant.slice('types:'.length)
  return target === grant || target.startsWith(grant.endsWith(':') ? grant : `${grant}/`)
}

/** What is wrong with an import, or undefined. */
function objection({ from, target, typesOnly }: Import): string | undefined {
  const folder = folderOf(from)
  const grants = (allowed[folder] ?? '').split(' ')
  if (!target.startsWith('.')) {
    if (seesAll.has(folder) || grants.some((grant) => covers(grant, target, typesOnly))) return undefined
    return `${folder} may not use ${target}; put it behind a port, or add it to the list in test/imports.test.ts with a reason`
  }
  const path = normalize(join(dirname(from), target)).replaceAll('\\', '/')
  if (path.startsWith('dist/')) return 'import sources, never dist'
  if (!path.endsWith('.ts')) return 'write the file ending: .ts'
  const other = folderOf(path)
  if (other === folder) return undefined
  // Tests and benchmarks look inside; examples see what users see.
  const inside = folder === 'test' || folder === 'bench'
  if (!inside && !publicFiles.has(path.slice(other.length + 1)))
    return `import from ${other}/index.ts: only what it lists is for other folders`
  if (seesAll.has(folder) || grants.includes(other)) return undefined
  if (!grants.includes(`types:${other}`))
    return `${folder} may not import ${other}, see the layers in docs/ARCHITECTURE.md`
  if (typesOnly || path.endsWith('/codec.ts')) return undefined
  return `${folder} may take types of ${other} only: write "import type", or import its codec.ts`
}

describe('imports', () => {
  test('every folder imports only what stands below it, and only through public lists', () => {
    const imports = typescript().flatMap(importsOf)
    expect(imports.length).toBeGreaterThan(100)
    expect(imports.flatMap((one) => objection(one)?.replace(/^/, `${one.place} `) ?? [])).toEqual([])
  })

  test('every folder with code has a row in the list', () => {
    const folders = new Set(typescript().map(({ path }) => folderOf(path)))
    expect([...folders].filter((folder) => !(folder in allowed) && !seesAll.has(folder))).toEqual([])
  })

  test('wrong imports are refused', () => {
    const refused = (from: string, target: string, typesOnly = false): boolean =>
      objection({ place: '', from, target, typesOnly }) !== undefined
    expect(refused('net/ws.ts', '../consensus/index.ts')).toBe(true)
    expect(refused('net/ws.ts', '../base/errors.ts')).toBe(true)
    expect(refused('net/ws.ts', '../dist/base/index.js')).toBe(true)
    expect(refused('execution/machine.ts', 'node:fs')).toBe(true)
    expect(refused('src/client/client.ts', 'nitrostate/consensus')).toBe(true)
    expect(refused('src/api/store.ts', '../../execution/index.ts')).toBe(true)
    expect(refused('src/api/store.ts', '../../execution/index.ts', true)).toBe(false)
    expect(refused('src/wire/frames.ts', '../../execution/codec.ts')).toBe(false)
    expect(refused('src/node/node.ts', '../replica/index.ts')).toBe(false)
    expect(refused('base/hash.ts', '@noble/hashes/sha2.js')).toBe(false)
  })
})

describe('the client', () => {
  const entry = 'src/client/index.ts'
  const shared = String.raw`(?:sync/key|auth/principal)\.ts$|.*(?:codec|command|entry|result|limits)\.ts$`
  const serverOnly = new RegExp(
    String.raw`^(?:consensus/(?!.*codec\.ts$)|execution/(?!${shared})|src/(?:storage|replica|node|server)/)`,
  )
  const serverPackages = new Set(['classic-level', 'pino', 'prom-client', 'commander'])

  test.skipIf(!existsSync(join(root, entry)))('bundled, it holds no consensus, storage, replica or node', async () => {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: [entry],
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'node',
      packages: 'external',
      conditions: ['source'],
      outdir: 'dist',
      logLevel: 'silent',
    })
    const output = Object.values(metafile.outputs)[0]
    const held = Object.entries(output?.inputs ?? {}).flatMap(([path, { bytesInOutput }]) =>
      bytesInOutput > 0 ? [path] : [],
    )
    expect(held.filter((path) => path.startsWith('src/client/'))).not.toEqual([])
    expect(held.filter((path) => serverOnly.test(path))).toEqual([])
    expect(output?.imports.map(({ path }) => path).filter((path) => serverPackages.has(path))).toEqual([])
  })

  test('its test follows the same sources as users get', () => {
    expect(readSource('package.json').text).toContain(`"source": "./${entry}"`)
  })
})
