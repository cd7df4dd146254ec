/** Faults of the network: partitions of all shapes, slow and lossy routes, messages twice and out of order. */
import type { PartitionMode } from '../../../net/index.ts'
import type { SeededRandom } from '../random.ts'
import type { Fault, Strike } from './fault.ts'

const modeOf = (random: SeededRandom): PartitionMode => (random.chance(0.5) ? 'cut' : 'blackhole')

const lengthMs = (random: SeededRandom): number => random.between(100, random.chance(0.2) ? 12_000 : 3_000)

/** One node is cut off from everybody. */
export const partition: Fault = ({ cluster, random, name, after }) => {
  cluster.isolate(name, modeOf(random))
  after(lengthMs(random), () => cluster.rejoin(name))
}

/** One node hears nobody, or nobody hears it. */
export const oneWay: Fault = ({ cluster, random, name, after }) => {
  cluster.isolate(name, 'blackhole', random.chance(0.5) ? 'in' : 'out')
  after(lengthMs(random), () => cluster.rejoin(name))
}

/** Two nodes do not hear each other, or one does not hear the other. */
export const pair: Fault = ({ cluster, random, name, after }) => {
  const { network, names } = cluster
  const others = names.filter((one) => one !== name)
  if (others.length === 0) return false
  const other = random.pick(others)
  if (random.chance(0.5)) network.partition(name, other, modeOf(random))
  else network.block(name, other, modeOf(random))
  after(lengthMs(random), () => network.heal(name, other))
  return true
}

/** The nodes fall into two groups. */
export const split: Fault = ({ cluster, random, after }) => {
  const some = cluster.names.filter(() => random.chance(0.5))
  const others = cluster.names.filter((name) => !some.includes(name))
  if (some.length === 0 || others.length === 0) return false
  cluster.partition(some, others, modeOf(random))
  after(lengthMs(random), () => cluster.heal(some, others))
  return true
}

/** Everything between one node and its peers takes long, or gets lost and is sent again. */
export const slowRoute: Fault = (strike) => {
  const { cluster, random, after } = strike
  const maxMs = random.between(20, 600)
  setRoutes(strike, [maxMs / 4, maxMs], random.chance(0.5) ? 0.2 : 0)
  after(random.between(200, 5_000), () => setRoutes(strike, cluster.delayMs, 0))
}

function setRoutes({ cluster, name }: Strike, [min, max]: readonly [number, number], loss: number): void {
  for (const other of cluster.names) {
    if (other === name) continue
    for (const [from, to] of [
      [name, other],
      [other, name],
    ] as const) {
      cluster.network.delay(from, to, min, max)
      cluster.network.drop(from, to, loss)
    }
  }
}

/** What a node says to its peers comes twice, late and out of order. */
export const duplicates: Fault = ({ cluster, random, name, after }) => {
  cluster.member(name).mischief = {
    random: random.split('mischief'),
    twiceRate: random.between(0, 0.3),
    heldRate: random.between(0, 0.3),
    heldMs: random.pick([5, 50, 1_000]),
  }
  after(random.between(500, 8_000), () => {
    cluster.member(name).mischief = undefined
  })
}
