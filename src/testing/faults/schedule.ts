/**
 * The schedule of a run's faults: drawn whole before the first of them, each with a source of draws of its own. So a fault can
 * be left out and all others stay as they were, which is how a failing schedule is made smaller.
 */
import { present } from '../../../base/index.ts'
import type { Cluster } from '../cluster.ts'
import type { Knobs } from '../knobs.ts'
import { VirtualProcess } from '../process.ts'
import type { SeededRandom } from '../random.ts'
import type { ClientFaultKind, FaultKind } from '../reached/rows.ts'
import { faultKinds } from '../reached/rows.ts'
import type { Atlas } from './atlas.ts'
import { clientFaults } from './clients.ts'
import { standardFaults } from './standard.ts'

/** A fault to come. */
export interface PlannedFault {
  readonly number: number
  /** After the beginning of the time of faults. */
  readonly atMs: number
  readonly kind: FaultKind | ClientFaultKind
  /** At the leader of that moment, if there is one. */
  readonly atLeader: boolean
  /** Chooses one of the nodes otherwise, as a fraction of the list. */
  readonly lot: number
}

/** Draws the faults of a run. */
export function planFaults(cluster: Cluster, knobs: Knobs): PlannedFault[] {
  const random = cluster.random.split('faults')
  const total = faultKinds.reduce((sum, kind) => sum + knobs.weights[kind], 0)
  const out: PlannedFault[] = []
  let atMs = random.between(0, knobs.pauseMs[0])
  while (atMs < knobs.faultsMs && total > 0) {
    let at = random.between(0, total)
    const kind = faultKinds.find((one) => (at -= knobs.weights[one]) < 0) ?? 'crash'
    const atLeader = random.chance(knobs.aimAtLeader)
    out.push({ number: out.length + 1, atMs, kind, atLeader, lot: random.between(0, 1) })
    atMs += random.between(...knobs.pauseMs)
  }
  return out
}

/** Makes planned faults happen, from {@link begin} until {@link end}. */
export class Faults {
  private readonly cluster: Cluster
  private readonly atlas: Atlas
  private readonly process: VirtualProcess

  constructor(cluster: Cluster, atlas: Atlas) {
    this.cluster = cluster
    this.atlas = atlas
    this.process = new VirtualProcess('faults', cluster.time)
  }

  begin(planned: readonly PlannedFault[]): void {
    const { scheduler } = this.process.begin()
    const after = (delayMs: number, run: () => void): void => void scheduler.after(delayMs, run)
    for (const fault of planned) after(fault.atMs, () => this.strike(fault, after))
  }

  /** No new faults, and those under way end now: for all nodes, or for those named while the others stay as they are. */
  end(names?: readonly string[]): void {
    this.process.end()
    for (const name of this.cluster.names) this.cluster.crashAtPoint(name, 0)
    this.cluster.healAll(names)
  }

  private strike(
    { number, kind, atLeader, lot }: PlannedFault,
    after: (delayMs: number, run: () => void) => void,
  ): void {
    const { cluster, atlas } = this
    const random = cluster.random.split(`fault ${number}`)
    if (kind in clientFaults) return this.strikeClient(number, kind as ClientFaultKind, lot, random, after)
    const leader = atLeader ? cluster.leader() : undefined
    const name = leader ?? present(cluster.names[Math.floor(lot * cluster.names.length)], 'a node')
    const struck = standardFaults[kind as FaultKind]({ cluster, atlas, random, name, after })
    if (struck === false) return
    cluster.note(name, `fault ${number}: ${kind}`)
    cluster.coverage.hit(`fault: ${kind}`)
  }

  private strikeClient(
    number: number,
    kind: ClientFaultKind,
    lot: number,
    random: SeededRandom,
    after: (delayMs: number, run: () => void) => void,
  ): void {
    const { cluster } = this
    const client = present(cluster.mortals[Math.floor(lot * cluster.mortals.length)], 'a client')
    if (clientFaults[kind]({ cluster, random, client, after }) === false) return
    cluster.note(client.name, `fault ${number}: ${kind}`)
    cluster.coverage.hit(`fault: ${kind}`)
  }
}
