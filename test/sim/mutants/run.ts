/**
 * Mutation testing of the checkers: `npm run sim:mutants [-- --only NAME,NAME] [--jobs 2] [--seeds 200] [--list]`.
 *
 * Each mutant is run in its climate with seeds 0, 1, ... until a checker of a promise it breaks says so; a crash of the run or a node that
 * ends by itself is not enough. The product as it is has to pass all seeds up to the last one needed. Ends with a table
 * and `N passed, N failed`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { mutants } from './all.ts'
import { bundle } from './build.ts'
import type { Climate } from './climates.ts'
import type { Mutant } from './mutant.ts'
import { inParallel, runSeeds } from './pool.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    jobs: { type: 'string', default: '2' },
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '0' },
    list: { type: 'boolean', default: false },
  },
})
const seeds = Number(values.seeds)
const from = Number(values.from)
const jobs = Number(values.jobs)
const names = values.only.split(',').filter((name) => name !== '')
const chosen = names.length === 0 ? mutants : mutants.filter((one) => names.includes(one.name))
const unknown = names.filter((name) => !mutants.some((one) => one.name === name))

/** Seeds of the unpatched product that one process runs. */
const shareSeeds = 10

interface Outcome {
  readonly mutant: Mutant
  /** The seed that caught it, and what was said there; undefined if none did. */
  caught: { readonly seed: number; readonly what: string } | undefined
  /** Seeds whose run broke, and other promises that were broken, by how often. */
  readonly others: Map<string, number>
  error: string | undefined
}

if (values.list) {
  for (const { name, why, breaks } of mutants) print(`${name}\n    ${why}\n    breaks: ${breaks.join(', ')}`)
} else if (unknown.length > 0) {
  print(`no mutant is called ${unknown.join(', ')}; --list shows all`)
  process.exitCode = 2
} else {
  await main()
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(import.meta.dirname, '../../../node_modules/.cache-mutants-'))
  try {
    const outcomes: Outcome[] = []
    await inParallel(jobs, chosen, async (mutant) => {
      outcomes.push(await hunt(mutant, directory))
    })
    conclude(outcomes, await unpatched(directory, outcomes))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function hunt(mutant: Mutant, directory: string): Promise<Outcome> {
  const outcome: Outcome = { mutant, caught: undefined, others: new Map(), error: undefined }
  const outfile = join(directory, `${mutant.name}.mjs`)
  try {
    await bundle(mutant, outfile)
    await runSeeds(outfile, mutant.climate, from, seeds, mutant.breaks, ({ seed, violations }) => {
      const texts = violations ?? ['the process died']
      const what = texts.find((text) => mutant.breaks.some((property) => text.startsWith(`${property}: `)))
      if (what !== undefined) outcome.caught = { seed, what }
      else if (texts.length > 0) count(outcome.others, texts[0]?.split(':')[0] ?? '')
    })
  } catch (error) {
    outcome.error = error instanceof Error ? error.message : String(error)
  }
  const { caught } = outcome
  print(
    `${mutant.name}: ${caught === undefined ? (outcome.error ?? 'NOT CAUGHT') : `seed ${caught.seed}, ${caught.what.split('\n')[0]}`}`,
  )
  return outcome
}

/** Seeds that the product itself fails, of those that were needed, by climate. */
async function unpatched(directory: string, outcomes: readonly Outcome[]): Promise<ReadonlyMap<Climate, number[]>> {
  const outfile = join(directory, 'unpatched.mjs')
  await bundle(undefined, outfile)
  const needed = new Map<Climate, number>()
  for (const { mutant, caught } of outcomes) {
    if (caught === undefined) continue
    needed.set(mutant.climate, Math.max(needed.get(mutant.climate) ?? 0, caught.seed - from + 1))
  }
  const failed = new Map([...needed.keys()].map((climate): [Climate, number[]] => [climate, []]))
  const shares = [...needed].flatMap(([climate, total]) =>
    Array.from({ length: Math.ceil(total / shareSeeds) }, (_, i) => ({
      ...{ climate, first: from + i * shareSeeds, total: Math.min(shareSeeds, total - i * shareSeeds) },
    })),
  )
  await inParallel(jobs, shares, ({ climate, first, total }) =>
    runSeeds(outfile, climate, first, total, [], ({ seed, violations }) => {
      if (violations?.length === 0) return
      failed.get(climate)?.push(seed)
      print(`the unpatched product fails seed ${seed} of ${climate}: ${violations?.join('; ') ?? 'the process died'}`)
    }),
  )
  for (const [climate, total] of needed) {
    print(
      `the unpatched product passes ${total - (failed.get(climate)?.length ?? 0)} of the same ${total} seeds of ${climate}`,
    )
  }
  return failed
}

function conclude(outcomes: readonly Outcome[], broken: ReadonlyMap<Climate, readonly number[]>): void {
  const rows = [...outcomes].sort((a, b) => mutants.indexOf(a.mutant) - mutants.indexOf(b.mutant))
  const width = Math.max(...rows.map((row) => row.mutant.name.length))
  let passed = 0
  print('')
  print(`${'mutant'.padEnd(width)}  climate    seeds  caught by`)
  for (const { mutant, caught, others, error } of rows) {
    const fair = caught !== undefined && broken.get(mutant.climate)?.some((seed) => seed <= caught.seed) === false
    if (fair) passed++
    const before = [...others].map(([what, times]) => `${what} ${times}x`).join(', ')
    const verdict =
      caught === undefined
        ? `NOT CAUGHT${error === undefined ? '' : `: ${error}`}`
        : `${caught.what.split(':')[0]}${fair ? '' : ' (but the unpatched product fails these seeds)'}`
    const needed = caught === undefined ? '-' : String(caught.seed - from + 1)
    const seen = before === '' ? '' : ` [seen before: ${before}]`
    print([mutant.name.padEnd(width), mutant.climate.padEnd(9), needed.padStart(5), verdict + seen].join('  '))
  }
  print(`${passed} passed, ${rows.length - passed} failed`)
  process.exitCode = passed === rows.length ? 0 : 1
}

function count(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
