/** Faults of clients that hold something: they stand still, are killed, and lose their way to nodes. */
import type { ClientProcess } from '../client-process.ts'
import type { Cluster } from '../cluster.ts'
import type { Knobs } from '../knobs.ts'
import type { SeededRandom } from '../random.ts'
import { clientFaultKinds } from '../reached/rows.ts'
import type { ClientFaultKind } from '../reached/rows.ts'
import type { PlannedFault } from './schedule.ts'

/** What a fault of a client works with. */
export interface ClientStrike {
  readonly cluster: Cluster
  readonly random: SeededRandom
  readonly client: ClientProcess
  /** Does something later, unless the time of faults is over by then. */
  readonly after: (delayMs: number, run: () => void) => void
}

type ClientFault = (strike: ClientStrike) => boolean | void

const lengthMs = (random: SeededRandom): number => random.between(50, random.pick([500, 2_000, 8_000]))

/** Stands still for up to several times a time to live. */
const pause: ClientFault = ({ client, random }) => {
  if (!client.running || client.paused) return false
  client.pauseFor(lengthMs(random))
  return true
}

/** An event loop that is blocked again and again. */
const stall: ClientFault = ({ client, random, after }) => {
  if (!client.running || client.paused) return false
  let atMs = 0
  for (let i = 0; i < 4; i++) {
    after(atMs, () => client.pauseFor(random.between(20, 400)))
    atMs += random.between(100, 700)
  }
  return true
}

/** Dies, and comes back as a stranger. */
const kill: ClientFault = ({ client, random, after }) => {
  if (!client.running) return false
  client.kill()
  after(random.between(5, 3_000), () => client.start())
  return true
}

/** No node hears it, or it hears none, or both. */
const cutOff: ClientFault = ({ cluster, client, random, after }) => {
  const mode = random.chance(0.5) ? 'cut' : 'blackhole'
  const lot = random.between(0, 1)
  for (const node of cluster.names) {
    if (lot < 0.65) cluster.network.block(client.name, node, mode)
    if (lot > 0.35) cluster.network.block(node, client.name, mode)
  }
  after(lengthMs(random), () => {
    for (const node of cluster.names) cluster.network.heal(client.name, node)
  })
}

/** What nodes say to it takes long, and sometimes what it says to them. */
const slowRoute: ClientFault = ({ cluster, client, random, after }) => {
  const { network, names, delayMs } = cluster
  const maxMs = random.between(50, 1_500)
  const isBothWays = random.chance(0.3)
  for (const node of names) {
    network.delay(node, client.name, maxMs / 4, maxMs)
    if (isBothWays) network.delay(client.name, node, maxMs / 4, maxMs)
  }
  after(random.between(1_000, 8_000), () => {
    for (const node of names) {
      network.delay(node, client.name, ...delayMs)
      network.delay(client.name, node, ...delayMs)
    }
  })
}

/** What each kind does. */
export const clientFaults: Readonly<Record<ClientFaultKind, ClientFault>> = {
  'client pause': pause,
  'client stall': stall,
  'client kill': kill,
  'client cut off': cutOff,
  'client slow route': slowRoute,
}

/** Draws those of a run; their numbers follow `before`. */
export function planClientFaults(cluster: Cluster, knobs: Knobs, before: number): PlannedFault[] {
  const random = cluster.random.split('faults of clients')
  const total = clientFaultKinds.reduce((sum, kind) => sum + knobs.syncWeights[kind], 0)
  const planned: PlannedFault[] = []
  if (knobs.syncClients === 0 || total === 0) return planned
  const fromMs = Math.max(0, knobs.faultsMs - knobs.syncMs)
  for (let atMs = fromMs + random.between(0, knobs.syncPauseMs[0]); atMs < knobs.faultsMs;) {
    let at = random.between(0, total)
    const kind = clientFaultKinds.find((one) => (at -= knobs.syncWeights[one]) < 0) ?? 'client pause'
    planned.push({ number: before + planned.length + 1, atMs, kind, atLeader: false, lot: random.between(0, 1) })
    atMs += random.between(...knobs.syncPauseMs)
  }
  return planned
}
