/**
 * A real node with a million keys: what it takes to load them, to hold them, to save them and to start with them.
 *
 *   npm run bench:million [-- --keys 1000000 --key-bytes 64 --value-bytes 256 --overwrites 100000]
 *
 * Each part runs in a process of its own, so that what a load leaves behind is not taken for the node's. Needs some
 * 1.5 GB of disk in the place for temporary files.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { coreCount, loadPerCore } from './cluster/proc.ts'
import { withDirectory } from './harness/directory.ts'
import { significant } from './harness/markdown.ts'
import { runPart } from './million/parts.ts'
import type { LoadedPart, Plan, StartedPart } from './million/parts.ts'
import { millionTable } from './million/report.ts'

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '1000000' },
    'key-bytes': { type: 'string', default: '64' },
    'value-bytes': { type: 'string', default: '256' },
    overwrites: { type: 'string', default: '100000' },
    part: { type: 'string' },
    'data-dir': { type: 'string', default: '' },
  },
})
const plan: Plan = {
  keys: Number(values.keys),
  keyBytes: Number(values['key-bytes']),
  valueBytes: Number(values['value-bytes']),
  overwrites: Number(values.overwrites),
}

if (values.part === undefined) await withDirectory(measure)
else process.stdout.write(JSON.stringify(await runPart(values.part, values['data-dir'], plan)))

async function measure(directory: string): Promise<void> {
  process.stdout.write(
    `${coreCount()} cores, node ${process.version}; ${significant(loadPerCore())} runnable processes per core before\n`,
  )
  const dataDir = join(directory, 'node')
  const empty = (await inProcess('start', join(directory, 'empty'))) as StartedPart
  const loaded = (await inProcess('load', dataDir)) as LoadedPart
  const started = (await inProcess('start', dataDir)) as StartedPart
  if (started.keys !== plan.keys) throw new Error(`${started.keys} keys came back of ${plan.keys}`)
  process.stdout.write(`\n${millionTable(plan, empty, loaded, started)}\n`)
}

/** Runs a part and returns what it measured. */
function inProcess(part: string, dataDir: string): Promise<unknown> {
  const own = ['--expose-gc', fileURLToPath(import.meta.url), ...process.argv.slice(2)]
  const child = spawn(process.execPath, [...own, '--part', part, '--data-dir', dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => void (output += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(output))
      else reject(new Error(`${part} ended with ${code ?? signal}`))
    })
  })
}
