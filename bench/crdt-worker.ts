/** One workload on one library, in a process of its own; started by `crdt.ts`. Prints the figures as JSON. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { libraryNames } from './crdt/library.ts'
import { loadLibrary } from './crdt/load-library.ts'
import { medianFigures } from './crdt/figures.ts'
import { measureProcessorTime } from './crdt/workload.ts'
import type { Figure, Inputs } from './crdt/workload.ts'
import { workloads } from './crdt/workloads/all.ts'
import { readTraces } from './traces/read.ts'
import type { Trace } from './traces/trace.ts'
import { systemClock } from '../base/index.ts'

/** Runs after the first are left out when so much time is spent. */
const enoughMs = 20_000

const { values } = parseArgs({
  options: {
    library: { type: 'string' },
    workload: { type: 'string' },
    seed: { type: 'string', default: '1' },
    scratch: { type: 'string', default: '.' },
    traces: { type: 'string' },
    clock: { type: 'string', default: 'wall' },
  },
})
const name = libraryNames.find((one) => one === values.library)
const workload = workloads.find((one) => one.name === values.workload)
if (name === undefined || workload === undefined) throw new Error('unknown library or workload')

const read = new Map<string, Trace | undefined>()
const inputs: Inputs = {
  trace(file) {
    if (!read.has(file)) {
      const path = join(values.traces ?? '', `${file}.json.gz`)
      read.set(file, values.traces !== undefined && existsSync(path) ? readTraces(path)[0] : undefined)
    }
    return read.get(file)
  },
  scratch: values.scratch,
  seed: Number(values.seed),
}

if (values.clock === 'cpu') measureProcessorTime()
const library = await loadLibrary(name)
const runs: (readonly Figure[])[] = []
const start = systemClock.monotonicMs()
for (let run = 0; run < workload.runs; run++) {
  const figures = workload.run(library, inputs)
  if (figures === undefined) break
  runs.push(figures)
  if (systemClock.monotonicMs() - start > enoughMs) break
}
process.stdout.write(JSON.stringify(medianFigures(runs)))
