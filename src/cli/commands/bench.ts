/** `nitrostate bench put|get` */
import { Command, Option } from 'commander'
import type { Consistency } from '../../api/index.ts'
import type { Client } from '../../client/index.ts'
import { duration, integer } from '../arguments.ts'
import { keySource, numberedKey, readableValue } from '../bench/keys.ts'
import { startLoad, type LoadOptions, type LoadResult } from '../bench/load.ts'
import { benchReport, reportText } from '../bench/report.ts'
import { note, type CliContext } from '../context.ts'
import { showProgress } from '../progress.ts'
import { consistencyOption, openClient, sharedOptions, usesCluster } from '../shared.ts'

interface BenchOptions {
  readonly clients: number
  readonly conns: number
  readonly total?: number
  readonly duration?: number
  readonly keySize: number
  readonly valueSize: number
  readonly keySpace: number
  readonly sequential?: true
}

interface GetOptions extends BenchOptions {
  readonly consistency: Consistency
  readonly fill: boolean
}

const examples = `
The keys are decimal numbers: run it against a cluster made for it, such as "nitrostate dev".

Examples:
  nitrostate bench put --clients 100 --conns 4 --total 100000
  nitrostate bench get --consistency committed --duration 10s -o json`

/** Measures throughput and latency in a closed loop. */
export function benchCommand(context: CliContext): Command {
  return new Command('bench')
    .description('measure throughput and latency of a running cluster')
    .addHelpText('after', examples)
    .addCommand(benchPut(context))
    .addCommand(benchGet(context))
}

function benchPut(context: CliContext): Command {
  return addBenchOptions(new Command('put'))
    .description('write keys in a closed loop')
    .action((options: BenchOptions, command: Command) =>
      withConnections(context, command, options, async (clients, timeoutMs) => {
        const key = keySource(keyOptions(options), context.random)
        const value = readableValue(options.valueSize, context.random)
        return measure(context, command, options, 'put', (sequence, client) =>
          store(clients, client).put(key(sequence), value, { timeoutMs }),
        )
      }),
    )
}

function benchGet(context: CliContext): Command {
  return addBenchOptions(new Command('get'))
    .description('read keys in a closed loop, after writing each once')
    .addOption(consistencyOption())
    .option('--no-fill', 'read only, without writing the keys first')
    .action((options: GetOptions, command: Command) =>
      withConnections(context, command, options, async (clients, timeoutMs) => {
        const key = keySource(keyOptions(options), context.random)
        if (options.fill) await fill(context, clients, options, timeoutMs)
        const { consistency } = options
        return measure(context, command, options, `get ${consistency}`, (sequence, client) =>
          store(clients, client).get(key(sequence), { timeoutMs, consistency }),
        )
      }),
    )
}

function addBenchOptions(command: Command): Command {
  return usesCluster(command)
    .addOption(
      new Option('--clients <count>', 'requests outstanding at a time').argParser(integer(1, 100_000)).default(100),
    )
    .addOption(new Option('--conns <count>', 'connections the clients share').argParser(integer(1, 1000)).default(4))
    .addOption(
      new Option('--total <count>', 'requests in all (default: 10000 without --duration)').argParser(integer(1)),
    )
    .addOption(new Option('--duration <time>', 'stop after this time').argParser(duration))
    .addOption(new Option('--key-size <bytes>', 'bytes of each key').argParser(integer(1, 1024)).default(8))
    .addOption(new Option('--value-size <bytes>', 'bytes of each value').argParser(integer(0, 1 << 20)).default(256))
    .addOption(
      new Option('--key-space <count>', 'how many different keys').argParser(integer(1, 2 ** 32)).default(10_000),
    )
    .option('--sequential', 'keys in order, not at random')
}

function keyOptions({ keySize, keySpace, sequential }: BenchOptions): Parameters<typeof keySource>[0] {
  return { keySize, keySpace, sequential: sequential === true }
}

function store(clients: readonly Client[], client: number): Client['store'] {
  return (clients[client % clients.length] as Client).store
}

async function withConnections(
  context: CliContext,
  command: Command,
  options: BenchOptions,
  run: (clients: readonly Client[], timeoutMs: number) => Promise<void>,
): Promise<void> {
  const shared = sharedOptions(context, command)
  const clients: Client[] = []
  try {
    const wanted = Math.min(options.conns, options.clients)
    for (let at = 0; at < wanted; at++) clients.push(await openClient(context, shared, shared.endpoints))
    await run(clients, shared.timeoutMs)
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
}

async function measure(
  context: CliContext,
  command: Command,
  options: BenchOptions,
  subject: string,
  send: LoadOptions['send'],
): Promise<void> {
  const { clients, conns, duration: durationMs } = options
  const total = options.total ?? (durationMs === undefined ? 10_000 : undefined)
  const result = await runLoad(context, subject, { clients, total, durationMs, send, clock: context.clock })
  const report = benchReport(subject, clients, Math.min(conns, clients), result)
  const output = sharedOptions(context, command).output ?? 'table'
  if (output === 'table') await context.stdout.write(reportText(report))
  else if (output === 'value') await context.stdout.write(`${report.perSecond}\n`)
  else await context.stdout.write(`${JSON.stringify(report, undefined, output === 'json' ? 2 : undefined)}\n`)
}

async function fill(
  context: CliContext,
  clients: readonly Client[],
  options: BenchOptions,
  timeoutMs: number,
): Promise<void> {
  const value = readableValue(options.valueSize, context.random)
  await runLoad(context, 'writing keys', {
    clients: Math.max(64, options.clients),
    total: options.keySpace,
    durationMs: undefined,
    clock: context.clock,
    send: (sequence, client) =>
      store(clients, client).put(numberedKey(sequence, options.keySize), value, { timeoutMs }),
  })
}

/** Runs a load with a progress line; Ctrl-C ends it early, and what was measured is reported. */
async function runLoad(context: CliContext, label: string, options: Omit<LoadOptions, 'signal'>): Promise<LoadResult> {
  const interrupt = new AbortController()
  const unlisten = context.onInterrupt(() => interrupt.abort())
  const load = startLoad({ ...options, signal: interrupt.signal })
  const progress = showProgress(context, label, load.done, options.total)
  try {
    const result = await load.result
    if (interrupt.signal.aborted) await note(context, 'interrupted: this is what was measured until then')
    return result
  } finally {
    unlisten()
    await progress.stop()
  }
}
