/**
 * One run of one seed: three nodes and two clients under faults, then a healed cluster that has to make progress, then
 * the checks.
 */
import type { Final } from './checkers/checker.ts'
import { History, describeOperation } from './checkers/history.ts'
import { cluster } from './cluster.ts'
import type { Cluster } from './cluster.ts'
import { Faults } from './faults.ts'
import { Operator } from './operator.ts'
import { watchRejections } from './real-turn.ts'
import type { Trace } from './trace.ts'
import { Workload, counterProgram } from './workload.ts'

/** Options of {@link simulate}. */
export interface SimulationOptions {
  /** Default 3. */
  readonly nodes?: number
  /** Whether members are added and removed meanwhile. Default false. */
  readonly reconfigure?: boolean
  /** How long faults strike, in virtual milliseconds. Default 8,000. */
  readonly faultsMs?: number
  /** Mean pause between two operations of each of the six workers. Default 500. */
  readonly everyMs?: number
  /** Takes the nodes' log lines. */
  readonly log?: (line: string) => void
}

/** What a run came to. */
export interface Simulation {
  readonly seed: number
  readonly trace: Trace
  /** What was wrong; empty for a good run. */
  readonly violations: readonly string[]
  /** Facts for a summary line. */
  readonly facts: Readonly<Record<string, number>>
}

const workers = 3
/** A healed cluster must do everything that is asked of it within this time. */
const progressMs = 10_000

/** Runs one seed. Never rejects for what the simulated system does: that is in the violations. */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<Simulation> {
  const { faultsMs = 8_000, everyMs = 500, nodes = 3, reconfigure = false, log } = options
  const world = cluster(nodes, { seed, programs: [counterProgram], ...(log === undefined ? {} : { log }) })
  const history = new History(world.checkers)
  const workload = new Workload(world, history)
  const faults = new Faults(world)
  const random = world.random.split('simulation')
  const unwatch = watchRejections((reason) =>
    world.violations.add('run', `nobody handled the rejection ${textOf(reason)}`),
  )
  const operator = reconfigure ? new Operator(world) : undefined
  try {
    world.startAll()
    // Most runs begin with a cluster that has formed; in some even that happens under faults.
    if (random.chance(0.8)) await world.until(() => world.converged(), progressMs)
    const later = reconfigure ? Array.from({ length: 30 }, (_, i) => `n${nodes + 1 + i}`) : []
    for (const name of ['c1', 'c2']) workload.start(world.client(name, later), workers, everyMs, faultsMs)
    void operator?.begin()
    faults.begin()
    await world.run(faultsMs)
    faults.end()
    operator?.end()
    if (!(await world.until(() => operator?.busy !== true, 2 * progressMs))) {
      world.violations.add(
        'progress',
        `a change of members gets stuck, ${operator?.doing}: ${operator?.lastError}; ${describeNodes(world)}`,
      )
    }
    await settle(world, workload, history)
    const finals = await finalsOf(world, workload, 'c3')
    if (random.chance(0.3) && workload.busy === 0) await blackout(world, workload, finals)
    world.checkers.finished({ history, finals: workload.busy === 0 ? finals : undefined })
  } catch (error) {
    world.violations.add('run', `the run broke at ${world.time.nowMs} ms: ${textOf(error)}`)
  } finally {
    unwatch()
  }
  const facts = {
    events: world.trace.count,
    virtualMs: Math.round(world.time.nowMs),
    answers: history.answers,
    terms: world.watched.elections.terms,
    index: world.watched.machines.highest,
    crashes: world.crashes,
    changes: operator?.changes ?? 0,
  }
  return { seed, trace: world.trace, violations: world.violations.found, facts }
}

/** After the healing everything that was asked is answered, and all nodes come to the same state. */
async function settle(world: Cluster, workload: Workload, history: History): Promise<void> {
  if (!(await world.until(() => workload.busy === 0, progressMs))) {
    const waiting = history.operations.filter((one) => one.outcome === 'pending').map(describeOperation)
    world.violations.add('progress', `no progress, ${workload.busy} workers are busy:\n    ${waiting.join('\n    ')}`)
  }
  if (!(await world.until(() => world.converged(), progressMs))) {
    world.violations.add('convergence', `the nodes do not converge: ${describeNodes(world)}`)
  }
}

type Finals = ReadonlyMap<string, Final | undefined>

async function finalsOf(world: Cluster, workload: Workload, client: string): Promise<Finals | undefined> {
  let finals: Finals | undefined
  void workload.finals(world.client(client)).then((found) => (finals = found))
  await world.until(() => finals !== undefined, progressMs)
  if (finals === undefined) world.violations.add('progress', `the final reads of ${client} were not answered`)
  return finals
}

/** Power fails for all nodes at once; what was read before must be there after. */
async function blackout(world: Cluster, workload: Workload, before: Finals | undefined): Promise<void> {
  for (const name of world.names) world.crash(name)
  for (const name of world.names) world.start(name)
  const after = await finalsOf(world, workload, 'c4')
  for (const [key, one] of before ?? []) {
    const other = after?.get(key)
    if (after === undefined || (one?.value === other?.value && one?.revision === other?.revision)) continue
    const text = `${one?.value} @${one?.revision}`
    world.violations.add(
      'acknowledged is kept',
      `${key} was ${text} before all nodes lost power, and ${other?.value} @${other?.revision} after`,
    )
  }
  if (!(await world.until(() => world.converged(), progressMs))) {
    world.violations.add('convergence', `the nodes do not converge after a loss of power: ${describeNodes(world)}`)
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function describeNodes(world: Cluster): string {
  const lines = world.names.map((name) => {
    const status = world.node(name)?.status()
    if (status === undefined) return `${name} is not open`
    const { role, term, leader, ready, commitIndex, appliedIndex, firstIndex, lastIndex, stateHash } = status
    const log = `log ${firstIndex}-${lastIndex}, commit ${commitIndex}, applied ${appliedIndex}`
    return `${name} ${role} of term ${term} under ${leader || 'nobody'}, ready ${ready}, ${log}, state ${stateHash}`
  })
  return lines.join('; ')
}
