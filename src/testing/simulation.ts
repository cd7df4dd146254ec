/**
 * One run of one seed: a cluster and its clients under faults, then a healed cluster that has to make progress, then the
 * checks. What the run is like is in its knobs.
 */
import { assert } from '../../base/index.ts'
import type { Final } from './checkers/checker.ts'
import { describeOperation } from './checkers/history.ts'
import type { History } from './checkers/history.ts'
import type { Violation } from './checkers/violations.ts'
import { cluster } from './cluster.ts'
import type { Cluster } from './cluster.ts'
import { Atlas } from './faults/atlas.ts'
import { planClientFaults } from './faults/clients.ts'
import { Faults, planFaults } from './faults/schedule.ts'
import type { PlannedFault } from './faults/schedule.ts'
import { drawKnobs, limitsOf } from './knobs.ts'
import type { Knobs } from './knobs.ts'
import { Operator } from './operator.ts'
import { SeededRandom } from './random.ts'
import type { CoverageList } from './reached/coverage.ts'
import { watchRejections } from './real-turn.ts'
import { checkRestored } from './restored.ts'
import type { Trace } from './trace.ts'
import { standardOperations, standardPrograms, stateOperations } from './workload/standard.ts'
import type { WorkloadOperation } from './workload/operation.ts'
import { SyncWork } from './workload/sync/work.ts'
import { Workload } from './workload/workload.ts'

/** Options of {@link simulate}. */
export interface SimulationOptions {
  /** Knobs that are not to be drawn. */
  readonly knobs?: Partial<Knobs>
  /** Numbers of the only faults that happen; default all. */
  readonly only?: ReadonlySet<number>
  /** Takes the nodes' log lines. */
  readonly log?: (line: string) => void
  /** Takes the lines of the timeline. */
  readonly note?: (line: string) => void
  /** Events that the trace keeps, beside its hash. */
  readonly keepEvents?: number
}

/** What a run came to. */
export interface Simulation {
  readonly seed: number
  readonly knobs: Knobs
  readonly planned: readonly PlannedFault[]
  readonly trace: Trace
  /** What was wrong, as text and with the property; empty for a good run. */
  readonly violations: readonly string[]
  readonly broken: readonly Violation[]
  /** Facts for a summary line. */
  readonly facts: Readonly<Record<string, number>>
  readonly coverage: CoverageList
}

/** A healed cluster must do everything that is asked of it within this time. */
const progressMs = 10_000
/** How often within that time a watch is asked how far it is. */
const progressRequests = 10
/** Replacing a lost member takes a snapshot and a promotion. */
const replacementMs = 30_000
const formMs = 10_000

/** The knobs of a seed, with some overridden. */
export function knobsOf(seed: number, given: Partial<Knobs> = {}): Knobs {
  return { ...drawKnobs(new SeededRandom(seed).split('knobs')), ...given }
}

/** Runs one seed. Never rejects for what the simulated system does: that is in the violations. */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<Simulation> {
  const run = new Run(seed, knobsOf(seed, options.knobs), options)
  return run.whole()
}

class Run {
  private readonly seed: number
  private readonly knobs: Knobs
  private readonly world: Cluster
  private readonly history: History
  private readonly workload: Workload
  private readonly stateWork: Workload
  private readonly syncWork: SyncWork
  private readonly atlas: Atlas
  private readonly faults: Faults
  private readonly planned: readonly PlannedFault[]
  private readonly operator: Operator
  private readonly random: SeededRandom
  /** Whether damage may have gone too far: then the run asks for safety only. */
  private readonly safetyOnly: boolean

  constructor(seed: number, knobs: Knobs, { log, note, only, keepEvents }: SimulationOptions) {
    this.seed = seed
    this.knobs = knobs
    this.world = cluster(knobs.nodes, {
      seed,
      programs: standardPrograms,
      limits: limitsOf(knobs),
      ...{ sizes: knobs.sizes, tickMs: knobs.tickMs, electionTimeoutMs: knobs.electionTimeoutMs },
      ...{ delayMs: knobs.delayMs, disk: knobs.disk, skew: knobs.skew },
      ...(log === undefined ? {} : { log }),
      ...(keepEvents === undefined ? {} : { keepEvents }),
    })
    this.world.onNote = note
    this.history = this.world.history
    const work = (name: string, operations: readonly WorkloadOperation[]): Workload =>
      new Workload(name, this.world, this.history, {
        operations,
        ...{ everyMs: knobs.everyMs, hurryRate: knobs.hurryRate, cancelRate: knobs.cancelRate },
        fewSessions: knobs.sessions < 100,
      })
    this.workload = work('workload', standardOperations)
    this.stateWork = work('state workload', stateOperations)
    this.syncWork = new SyncWork(this.world, knobs)
    this.atlas = new Atlas(this.world, knobs.damage)
    this.faults = new Faults(this.world, this.atlas)
    const ofNodes = planFaults(this.world, knobs)
    const all = [...ofNodes, ...planClientFaults(this.world, knobs, ofNodes.length)]
    this.planned = only === undefined ? all : all.filter(({ number }) => only.has(number))
    this.operator = new Operator(this.world, this.atlas, knobs)
    this.random = this.world.random.split('simulation')
    this.safetyOnly = knobs.damage === 'any'
  }

  async whole(): Promise<Simulation> {
    const { world, history } = this
    const unwatch = watchRejections((reason) =>
      world.violations.add('run', `nobody handled the rejection ${textOf(reason)}`),
    )
    let finals: Finals | undefined
    try {
      await this.safetyPhase()
      if (!this.safetyOnly) finals = await this.livenessPhase()
      world.checkers.finished({ history, finals })
      if (!this.safetyOnly && this.operator.saved !== undefined) await this.restore()
    } catch (error) {
      world.violations.add('run', `the run broke at ${world.time.nowMs} ms: ${textOf(error)}`)
    } finally {
      unwatch()
    }
    return this.result()
  }

  private result(): Simulation {
    const { seed, knobs, planned, world, history } = this
    const { history: revisions, leases } = world.watched
    const facts = {
      virtualMs: Math.round(world.time.nowMs),
      events: world.trace.count,
      operations: history.operations.length,
      revisions: revisions.revision,
      answers: history.answers,
      faults: planned.length,
      terms: world.watched.elections.terms,
      index: world.watched.machines.highest,
      crashes: world.crashes,
      changes: this.operator.changes,
    }
    const { found, all } = world.violations
    const keepsAll = revisions.compactRevision !== revisions.revision - knobs.historyRevisions
    if (!keepsAll) world.coverage.hit('history: compacted by itself')
    if (leases.endedByTime > 0) world.coverage.hit('lease: ended by time', leases.endedByTime)
    const coverage = world.coverage.list()
    return { seed, knobs, planned, trace: world.trace, violations: found, broken: all, facts, coverage }
  }

  private async safetyPhase(): Promise<void> {
    const { world, workload, history, knobs } = this
    const [first] = world.names
    if (knobs.firstCrash !== undefined && first !== undefined) world.crashAtPoint(first, 1, knobs.firstCrash)
    world.startAll()
    if (knobs.firstCrash !== undefined && first !== undefined) {
      await world.run(this.random.between(50, 500))
      world.crashAtPoint(first, 0)
      world.start(first)
    }
    // Most runs begin with a cluster that has formed; in some even that happens under faults.
    if (knobs.formFirst) await world.until(() => world.converged(), formMs)
    const untilMs = world.time.nowMs + knobs.faultsMs
    const enough = (): boolean => world.time.nowMs >= untilMs && history.operations.length >= knobs.operations
    const later = knobs.reconfigure ? Array.from({ length: 60 }, (_, i) => `n${knobs.nodes + 1 + i}`) : []
    const clients = world.random.split('clients')
    for (let i = 1; i <= knobs.clients; i++) {
      const client = world.client(`c${i}`, later, clients.chance(knobs.followRate))
      workload.start(client, knobs.workers, enough)
    }
    for (let i = 1; i <= knobs.stateClients; i++) {
      this.stateWork.start(world.client(`s${i}`, later), knobs.workers, () => world.time.nowMs >= untilMs)
    }
    this.syncWork.start(later, () => world.time.nowMs >= untilMs)
    void this.operator.begin()
    this.faults.begin(this.planned)
    await world.run(knobs.faultsMs)
  }

  /** The network and the disks heal, and everything must come to its end: first on a bare majority, then for all. */
  private async livenessPhase(): Promise<Finals | undefined> {
    const { world, workload, operator, knobs } = this
    operator.end()
    this.syncWork.hurry = true
    const kept = knobs.coreFirst ? this.bareMajority() : undefined
    if (kept !== undefined) {
      const down = world.names.filter((name) => !kept.includes(name))
      for (const name of down) world.crash(name)
      world.note('all', `healed, but ${down.join(' and ')} stay down`)
      this.faults.end(kept)
      await this.progress()
    }
    world.note('all', 'healed')
    this.faults.end()
    await this.operated()
    await this.progress()
    await this.syncWork.settle()
    await this.convergence('')
    await this.stateSettles()
    const finals = workload.busy === 0 ? await this.finals('late') : undefined
    if (knobs.blackoutAtEnd && finals !== undefined) await this.blackout(finals)
    return finals
  }

  /** Whatever the operator is at is done, and every member that was lost is replaced, also where only its start finds that. */
  private async operated(): Promise<void> {
    const { world, operator } = this
    await world.until(
      () => world.names.every((name) => world.node(name) !== undefined || world.ruined.has(name)),
      progressMs,
    )
    void operator.mend()
    if (await world.until(() => operator.idle, replacementMs)) return
    const { doing, lastError } = operator
    world.violations.add('progress', `the operator gets stuck, ${doing}: ${lastError}; ${describeNodes(world)}`)
  }

  /** Nodes that are enough to go on, while members are not changed and nothing is lost. */
  private bareMajority(): string[] | undefined {
    const { world, atlas, operator, random } = this
    // Founding takes all of them, and so does the first version of each program.
    if (world.watched.machines.highest === 0 || !world.watched.inForce.whole) return undefined
    if (world.names.length < 3 || atlas.broken().length > 0 || operator.busy) return undefined
    const names = [...world.names]
    while (names.length > Math.floor(world.names.length / 2) + 1)
      names.splice(Math.floor(random.between(0, names.length)), 1)
    return names
  }

  private async progress(): Promise<void> {
    const { world, workload, history } = this
    // Workers only stop when there were enough operations: that takes its time where faults left none for them.
    const missing = Math.max(0, this.knobs.operations - history.operations.length)
    const workers = this.knobs.clients * this.knobs.workers
    const limitMs = progressMs + 4 * (missing / workers) * this.knobs.everyMs + this.syncWork.leasesMs
    const busy = (): number => workload.busy + this.stateWork.busy + this.syncWork.busy
    if (await world.until(() => busy() === 0, limitMs)) return
    const waiting = history.operations.filter((one) => one.outcome === 'pending').map(describeOperation)
    for (const one of this.syncWork.pending()) world.violations.add('every acquire ends', `${one} goes on and on`)
    world.violations.add(
      'progress',
      `no progress, ${busy()} workers are busy: ${describeNodes(world)}\n    ${waiting.join('\n    ')}`,
    )
  }

  /** Every watch comes to the newest revision, and every lease that nobody renews comes to its end. */
  private async stateSettles(): Promise<void> {
    const { world, knobs } = this
    const { desk } = this.stateWork
    const { history, leases } = world.watched
    desk.hurry = true
    const leftMs = desk.ttlMsMax / (1 - knobs.skew) + progressMs
    if (!(await world.until(() => leases.attached().length === 0, leftMs))) {
      world.violations.add(
        'lease bound',
        `not ended ${leftMs} ms after faults were over: ${leases.attached().join(', ')}`,
      )
    }
    const { revision } = history
    // A node that lags answers with what it has reached, and a request is lost with its connection: it is asked again.
    for (let asked = 0; asked < progressRequests; asked++) {
      for (const { watch } of desk.behind(revision)) watch.requestProgress()
      if (await world.until(() => desk.behind(revision).length === 0, progressMs / progressRequests)) return
    }
    const behind = desk.behind(revision).map(({ name, through }) => `${name} is at ${through}`)
    world.violations.add('watch guarantees', `watches do not come to revision ${revision}: ${behind.join('; ')}`)
  }

  private async convergence(when: string): Promise<void> {
    const { world } = this
    if (await world.until(() => world.converged(), progressMs)) return
    world.violations.add('convergence', `the nodes do not converge${when}: ${describeNodes(world)}`)
  }

  private async finals(client: string): Promise<Finals | undefined> {
    const { world, workload } = this
    let finals: Finals | undefined
    void workload.finals(world.client(client)).then((found) => (finals = found))
    await world.until(() => finals !== undefined, progressMs)
    if (finals === undefined) world.violations.add('progress', `the final reads of ${client} were not answered`)
    return finals
  }

  /** Power fails for all nodes at once; what was read before must be there after. */
  private async blackout(before: Finals): Promise<void> {
    const { world } = this
    world.note('all', 'blackout')
    for (const name of world.names) world.crash(name)
    for (const name of world.names) world.start(name)
    const after = await this.finals('last')
    if (after === undefined) return
    for (const [key, one] of before) {
      const other = after.get(key)
      if (one?.value === other?.value && one?.revision === other?.revision) continue
      world.violations.add(
        'acknowledged is kept',
        `${key} was ${one?.value} @${one?.revision} before all nodes lost power, and ${other?.value} @${other?.revision} after`,
      )
    }
    // Damage to a file that is only read at a start comes to light now.
    await this.operated()
    await this.convergence(' after a loss of power')
  }

  private async restore(): Promise<void> {
    const { world, history, operator, knobs, seed } = this
    assert(operator.saved !== undefined, 'a snapshot')
    world.note('operator', 'restores the last snapshot into a new cluster')
    await checkRestored(`${seed}/restored`, operator.saved, history, world, knobs)
  }
}

type Finals = ReadonlyMap<string, Final | undefined>

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** Where every node stands, for messages. */
export function describeNodes(world: Cluster): string {
  const lines = world.names.map((name) => {
    const status = world.node(name)?.status()
    if (status === undefined) return `${name} is ${world.isRunning(name) ? 'not open' : 'down'}`
    const { role, term, leader, ready, waiting, commitIndex, appliedIndex, firstIndex, lastIndex, stateHash } = status
    const log = `log ${firstIndex}-${lastIndex}, commit ${commitIndex}, applied ${appliedIndex}`
    const state = ready ? 'ready' : `waits (${waiting})`
    return `${name} ${role} of term ${term} under ${leader || 'nobody'}, ${state}, ${log}, state ${stateHash}`
  })
  return lines.join('; ')
}
