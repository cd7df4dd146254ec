/**
 * Side by side with Yjs, Automerge and Loro:
 *
 *   npm run bench:crdt [-- workload...] [--rounds <n>] [--libraries a,b] [--seed <n>] [--traces <dir>] [--json <file>] [--clock cpu]
 *
 * Each workload runs once a round on each library, in a process of its own, libraries in turn; medians over the rounds count.
 * `--clock cpu` measures processor time instead of wall time, for crowded machines. Traces are looked for in
 * `$NITROSTATE_TEST_DATA/traces`; without them the rows made from them are missing.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { medianFigures } from './crdt/figures.ts'
import { libraryNames } from './crdt/library.ts'
import type { LibraryName } from './crdt/library.ts'
import { comparisonTable, goalTable, growthTable } from './crdt/report.ts'
import type { Results } from './crdt/report.ts'
import type { Figure } from './crdt/workload.ts'
import { workloads } from './crdt/workloads/all.ts'
import { withDirectory } from './harness/directory.ts'

const testData = process.env['NITROSTATE_TEST_DATA']
const { values, positionals } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    libraries: { type: 'string', default: libraryNames.join(',') },
    seed: { type: 'string', default: '1' },
    traces: { type: 'string' },
    json: { type: 'string' },
    clock: { type: 'string', default: 'wall' },
  },
  allowPositionals: true,
})
const rounds = Number(values.rounds)
const traces = values.traces ?? (testData === undefined ? undefined : join(testData, 'traces'))
const wanted = values.libraries.split(',')
const libraries = libraryNames.filter((name) => wanted.includes(name))
const known = workloads.map(({ name }) => name)
const unknown = [
  ...positionals.filter((name) => !known.includes(name)),
  ...wanted.filter((name) => !libraries.some((one) => one === name)),
]
if (unknown.length > 0 || !(rounds >= 1) || !['wall', 'cpu'].includes(values.clock)) {
  process.stderr.write(
    `usage: bench:crdt [workload...] [--rounds <n>] [--libraries <a,b>]; workloads: ${known.join(', ')}; ` +
      `libraries: ${libraryNames.join(', ')}\n`,
  )
  process.exit(2)
}

/** Slow libraries need not be slow five times: their own median does not decide anything close. */
const roundsMax: Partial<Record<LibraryName, number>> = { automerge: 1 }

const worker = join(dirname(fileURLToPath(import.meta.url)), 'crdt-worker.js')
const run = promisify(execFile)
const chosen = workloads.filter(({ name }) => positionals.length === 0 || positionals.includes(name))

const results = await withDirectory(async (directory) => {
  const runs = new Map<LibraryName, Map<string, (readonly Figure[])[]>>()
  for (let round = 0; round < rounds; round++) {
    for (const { name: workload } of chosen) {
      for (const library of libraries) {
        if (round >= (roundsMax[library] ?? rounds)) continue
        const figures = await measure(library, workload, join(directory, library))
        const of = runs.get(library) ?? new Map<string, (readonly Figure[])[]>()
        runs.set(library, of)
        of.set(workload, [...(of.get(workload) ?? []), figures])
      }
    }
  }
  return Object.fromEntries(
    [...runs].map(([library, of]) => [library, [...of.values()].flatMap((figures) => medianFigures(figures))]),
  ) as Results
})

if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify({ rounds, seed: values.seed, results }, undefined, 2)}\n`)
}
process.stdout.write(
  `\nNode ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} processors; ` +
    `medians of ${rounds} rounds, ${values.clock === 'cpu' ? 'processor' : 'wall'} time; ` +
    `in brackets how many times ours; * reckoned up from a part\n\n` +
    `${comparisonTable(results)}\n\n${goalTable(results)}\n\n${growthTable(results)}\n`,
)

async function measure(library: LibraryName, workload: string, scratch: string): Promise<readonly Figure[]> {
  mkdirSync(scratch, { recursive: true })
  process.stderr.write(`${workload} ${library}\n`)
  const args = ['--expose-gc', '--max-old-space-size=6000', worker]
  args.push('--library', library, '--workload', workload, '--seed', values.seed, '--scratch', scratch)
  args.push('--clock', values.clock)
  if (traces !== undefined) args.push('--traces', traces)
  const { stdout } = await run(process.execPath, args, { maxBuffer: 2 ** 26 })
  return JSON.parse(stdout) as Figure[]
}
