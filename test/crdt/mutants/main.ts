/**
 * `npm run laws:mutants -- [--runs <n>] [--seed <n>] [--only <text>]`: makes each mistake of `mutants.ts` in a copy of the sources
 * and tries the laws there. A mistake that no law notices is a failure, and so is one that can't be made, because the source it
 * patches has changed. Closes `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildSync } from 'esbuild'
import { root } from '../../sources.ts'
import { mutants } from './mutants.ts'
import type { Mutant } from './mutants.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
  },
})
/** A mistake may make something run forever; that is not noticed by a law and counts as a failure. */
const patienceMs = 300_000
const copy = mkdtempSync(join(tmpdir(), 'nitrostate-mutants-'))
const chosen = mutants.filter(({ name }) => name.includes(values.only))
let failed = 0

interface Verdict {
  /** The law that failed; undefined when all held. */
  readonly failure: string | undefined
  readonly output: string
}

/** What the laws say of the sources as they are. */
const soundness = new Map<string, Verdict>()

try {
  for (const folder of ['base', 'crdt', 'bench', 'test/crdt'])
    cpSync(join(root, folder), join(copy, folder), { recursive: true })
  cpSync(join(root, 'package.json'), join(copy, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  for (const mutant of chosen) {
    const verdict = tryMutant(mutant)
    if (!verdict.noticed) failed++
    process.stdout.write(`${verdict.noticed ? 'pass' : 'FAIL'}  ${mutant.name}\n        ${verdict.how}\n`)
  }
} finally {
  rmSync(copy, { recursive: true, force: true })
}
process.stdout.write(`${chosen.length - failed} passed, ${failed} failed\n`)
if (failed > 0 || chosen.length === 0) process.exitCode = 1

function tryMutant({ file, find, replace, among }: Mutant): { readonly noticed: boolean; readonly how: string } {
  const path = join(copy, file)
  const source = readFileSync(path, 'utf8')
  const places = source.split(find).length - 1
  if (places !== 1) return { noticed: false, how: `the patch of ${file} fits ${places} times instead of once` }
  // Without the mistake the same laws must hold, or noticing proves nothing.
  const sound = soundness.get(among) ?? tryLaws(among)
  soundness.set(among, sound)
  if (sound.failure !== undefined) return { noticed: false, how: `without the mistake: ${sound.failure}` }
  writeFileSync(
    path,
    source.replace(find, () => replace),
  )
  try {
    const { failure, output } = tryLaws(among)
    if (failure === undefined) return { noticed: false, how: 'no law noticed it' }
    if (!output.includes('\nFAIL'))
      return { noticed: false, how: `the laws did not get to judge: ${output.slice(-300)}` }
    return { noticed: true, how: failure }
  } finally {
    writeFileSync(path, source)
  }
}

function tryLaws(among: string): Verdict {
  const bundled = join(copy, 'laws.mjs')
  buildSync({
    absWorkingDir: copy,
    entryPoints: ['test/crdt/laws/main.ts'],
    outfile: bundled,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    conditions: ['source'],
    logLevel: 'silent',
  })
  const args = [bundled, '--bail', '--only', among, '--runs', values.runs, '--seed', values.seed]
  const options = { cwd: copy, encoding: 'utf8', timeout: patienceMs } as const
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, args, options)
  if (status === 0) return { failure: undefined, output: stdout }
  const failure = /^FAIL\s+\S+ s\s+(.*)$/m.exec(stdout)?.[1]
  return { failure: failure ?? `ended with ${signal ?? status}: ${stderr.slice(-300)}`, output: stdout }
}
