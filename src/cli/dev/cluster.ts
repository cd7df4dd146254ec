/** A development cluster: several server processes, started together, watched, and ended together. */
import { join } from 'node:path'
import type { CliContext } from '../context.ts'
import { startChild, type Child, type ChildEnd } from './child.ts'

/** What to run. */
export interface ClusterOptions {
  readonly nodes: number
  readonly port: number
  readonly directory: string
  readonly programs: string | undefined
  /** A line of one node that a person should see. */
  readonly onProblem: (name: string, line: string) => void
}

/** One node and where it listens. */
export interface ClusterNode {
  readonly address: string
  readonly child: Child
}

const host = '127.0.0.1'
const pollMs = 50
/** Servers give themselves less than this before they end anyway. */
const childGraceMs = 5000
const killAfterMs = 7000

/** The ports a cluster takes. */
export function clusterPorts(nodes: number, port: number): readonly number[] {
  return Array.from({ length: nodes }, (_, at) => port + at)
}

/** Starts all servers at once. */
export function startCluster(context: CliContext, options: ClusterOptions): readonly ClusterNode[] {
  const addresses = clusterPorts(options.nodes, options.port).map((port) => `${host}:${port}`)
  const peers = addresses.map((address, at) => `n${at + 1}=${address}`).join(',')
  return addresses.map((address, at) => {
    const name = `n${at + 1}`
    const own = ['--name', name, '--data-dir', join(options.directory, name), '--listen', address, '--peers', peers]
    const programs = options.programs === undefined ? [] : ['--programs', options.programs]
    const args = [
      ...own,
      ...[
        '--log-format',
        'json',
        '--log-level',
        'info',
        '--shutdown-grace-ms',
        String(childGraceMs),
        '--exit-with-parent',
      ],
      ...programs,
    ]
    const child = startChild({
      name,
      mainPath: context.mainPath,
      args,
      command: [context.invocation, 'server', ...own, ...programs].join(' '),
      environment: context.environment,
      logPath: join(options.directory, `${name}.log`),
      colors: context.colors,
      onProblem: (line) => options.onProblem(name, line),
    })
    return { address, child }
  })
}

/**
 * Waits until every server says it is ready. Resolves with what went wrong when one ends before, or when it takes longer
 * than `timeoutMs`; with undefined when all are ready, or `signal` aborts.
 */
export async function untilReady(
  context: CliContext,
  nodes: readonly ClusterNode[],
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const deadline = context.clock.monotonicMs() + timeoutMs
  let problem: string | undefined
  for (const { child } of nodes) {
    void child.ended.then(
      (end) => (problem ??= `${child.name} ended with ${endText(end)} while the cluster was starting`),
    )
  }
  const waiting = new Set(nodes)
  while (!signal.aborted && problem === undefined) {
    for (const node of [...waiting]) if (await isReady(node.address)) waiting.delete(node)
    if (waiting.size === 0) return undefined
    if (context.clock.monotonicMs() > deadline) return `not ready after ${timeoutMs / 1000} s: ${names(waiting)}`
    await new Promise<void>((resolve) => context.scheduler.after(pollMs, resolve))
  }
  return signal.aborted ? undefined : problem
}

function names(nodes: Iterable<ClusterNode>): string {
  return [...nodes].map(({ child }) => child.name).join(', ')
}

/** Asks all servers to stop, and ends those that do not within a grace, or at once when `hurry` aborts. */
export async function stopCluster(
  context: CliContext,
  nodes: readonly ClusterNode[],
  hurry: AbortSignal,
): Promise<void> {
  const killAll = (): void => nodes.forEach(({ child }) => child.kill())
  const timer = context.scheduler.after(killAfterMs, killAll)
  hurry.addEventListener('abort', killAll, { once: true })
  for (const { child } of nodes) child.stop()
  await Promise.all(nodes.map(({ child }) => child.ended))
  timer.cancel()
}

/** `exit code 1` or `SIGKILL`. */
export function endText({ code, signal }: ChildEnd): string {
  return signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`
}

async function isReady(address: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${address}/readyz`, { signal: AbortSignal.timeout(1000) })
    await response.arrayBuffer()
    return response.status === 200
  } catch {
    return false
  }
}
