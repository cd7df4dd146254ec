/** `nitrostate dev` */
import { Command, Option } from 'commander'
import picocolors from 'picocolors'
import { integer } from '../arguments.ts'
import { note, type CliContext } from '../context.ts'
import { clusterPorts, endText, startCluster, stopCluster, untilReady, type ClusterNode } from '../dev/cluster.ts'
import { openDevDirectory, type DevDirectory } from '../dev/directory.ts'
import { assertPortsFree } from '../dev/ports.ts'
import { exitCodes, ExitWith } from '../exit-codes.ts'
import { printRows } from '../output.ts'
import { defaultEndpoints } from '../shared.ts'
import { probe } from './node-probe.ts'

interface DevOptions {
  readonly nodes: number
  readonly port: number
  readonly dataDir?: string
  readonly programs?: string
}

const readyTimeoutMs = 30_000

const examples = `
Without --data-dir everything is gone at the end. Nodes listen on this machine only.

Examples:
  nitrostate dev
  nitrostate dev --data-dir data/dev               keeps its data for the next time
  nitrostate dev --nodes 5 --port 9001`

/** A local cluster of real processes, until Ctrl-C. */
export function devCommand(context: CliContext): Command {
  return new Command('dev')
    .description('run a local cluster of real processes, until Ctrl-C')
    .addOption(new Option('--nodes <count>', 'how many nodes').argParser(integer(1, 9)).default(3))
    .addOption(
      new Option('--port <port>', 'port of the first node; the others follow')
        .argParser(integer(1, 65_526))
        .default(7401),
    )
    .option('--data-dir <dir>', 'keep data and logs here (default: a temporary directory, removed at the end)')
    .option('--programs <file.js,...>', 'modules with programs, loaded by every node')
    .addHelpText('after', examples)
    .action(async (options: DevOptions) => {
      await assertPortsFree('127.0.0.1', clusterPorts(options.nodes, options.port))
      const directory = await openDevDirectory(options.dataDir, options)
      try {
        await run(context, options, directory)
      } finally {
        await directory.release()
      }
    })
}

/** Two interrupts: the first stops in order, the second at once. */
function interrupts(context: CliContext): { readonly first: AbortSignal; readonly second: AbortSignal; off(): void } {
  const first = new AbortController()
  const second = new AbortController()
  const off = context.onInterrupt(() => (first.signal.aborted ? second.abort() : first.abort()))
  return { first: first.signal, second: second.signal, off }
}

async function run(context: CliContext, options: DevOptions, directory: DevDirectory): Promise<void> {
  const { first, second, off } = interrupts(context)
  const started = context.clock.monotonicMs()
  const onProblem = (name: string, line: string): void => {
    if (!first.aborted) void note(context, `${prefix(context, name)} ${line}`)
  }
  const nodes = startCluster(context, { ...options, programs: options.programs, directory: directory.path, onProblem })
  try {
    await note(context, `Starting ${options.nodes} ${options.nodes === 1 ? 'node' : 'nodes'} in ${directory.path} ...`)
    const problem = await untilReady(context, nodes, { timeoutMs: readyTimeoutMs, signal: first })
    if (problem !== undefined) {
      await note(context, `error: ${problem}`)
      throw new ExitWith(exitCodes.unavailable)
    }
    if (!first.aborted) {
      await introduce(context, nodes, directory, context.clock.monotonicMs() - started)
      await untilOver(context, nodes, first)
    }
  } finally {
    if (first.aborted) await note(context, '\nStopping ...')
    await stopCluster(context, nodes, second)
    off()
  }
}

async function introduce(
  context: CliContext,
  nodes: readonly ClusterNode[],
  directory: DevDirectory,
  tookMs: number,
): Promise<void> {
  const endpoints = nodes.map(({ address }) => address)
  const shared = { endpoints, output: undefined, timeoutMs: 5000 }
  const probes = await probe(context, shared, endpoints, ({ admin }, timeoutMs) => admin.status({ timeoutMs }))
  const rows = nodes.map(({ address, child }, at) => ({
    name: child.name,
    address,
    role: probes[at]?.answer?.role,
    pid: child.pid,
  }))
  await printRows(context, 'table', rows, 'address')
  const kept = directory.temporary ? 'Data is removed at the end' : `Data stays in ${directory.path}`
  await note(
    context,
    `\nReady after ${(tookMs / 1000).toFixed(1)} s. ${kept}; Ctrl-C stops all. In another terminal:\n`,
  )
  await note(context, nextSteps(context, endpoints))
}

/** What a person who sees this for the first time can type. */
function nextSteps(context: CliContext, endpoints: readonly string[]): string {
  const usual =
    endpoints.length === defaultEndpoints.length && endpoints.every((one, at) => one === defaultEndpoints[at])
  const name = context.invocation
  const lines = [
    ...(usual ? [] : [`export NITROSTATE_ENDPOINTS=${endpoints.join(',')}`]),
    `${name} put greeting hello`,
    `${name} get greeting`,
    `${name} status`,
    `curl "http://${endpoints[0] ?? ''}/readyz?verbose"`,
  ]
  return lines.map((line) => `  ${line}`).join('\n')
}

/** Waits for Ctrl-C. A node that ends by itself is told of, with how to start it again; when all have, so does this. */
async function untilOver(context: CliContext, nodes: readonly ClusterNode[], signal: AbortSignal): Promise<void> {
  const interrupted = new Promise<'interrupted'>((resolve) => {
    if (signal.aborted) resolve('interrupted')
    else signal.addEventListener('abort', () => resolve('interrupted'), { once: true })
  })
  const allEnded = Promise.all(
    nodes.map(async ({ child }) => {
      const end = await child.ended
      if (signal.aborted) return
      await note(
        context,
        `${prefix(context, child.name)} ended with ${endText(end)}. To start it again, in another terminal:`,
      )
      await note(context, `\n  ${child.command}\n`)
    }),
  )
  const how = await Promise.race([interrupted, allEnded])
  if (how === 'interrupted') return
  await note(context, 'error: every node has ended')
  throw new ExitWith(exitCodes.error)
}

function prefix(context: CliContext, name: string): string {
  return picocolors.createColors(context.colors).cyan(`${name} |`)
}
