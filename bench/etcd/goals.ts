/** What we want to reach against etcd, and whether a row does. */
import type { RaceLoad } from './loads.ts'

/** Our figures over etcd's: medians of the rounds. */
export interface Ratios {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** How we are spoken to. */
export type Protocol = 'native' | 'gRPC'

interface Goal {
  readonly figure: keyof Ratios
  readonly title: string
  readonly least?: number
  readonly most?: number
}

const rate = (least: number): Goal => ({ figure: 'perSecond', title: `at least ${least}x op/s`, least })

/** The goals of a row; most rows have none. */
export function goalsOf({ work, clients }: RaceLoad, protocol: Protocol): readonly Goal[] {
  if (protocol === 'gRPC') return clients >= 1000 && (work === 'put' || work === 'get') ? [rate(1)] : []
  if (work === 'get' && clients > 1) return [rate(10)]
  if (work !== 'put') return []
  if (clients === 1) return [{ figure: 'p50Ms', title: 'p50 at most 0.5x', most: 0.5 }]
  return clients < 1000 ? [rate(8)] : [rate(10), { figure: 'p99Ms', title: 'p99 at most 0.25x', most: 0.25 }]
}

/** Each goal and whether it is met, as text; empty for a row without goals. */
export function verdict(load: RaceLoad, protocol: Protocol, ratios: Ratios): string {
  const told = goalsOf(load, protocol).map(({ figure, title, least = 0, most = Number.POSITIVE_INFINITY }) => {
    const isMet = ratios[figure] >= least && ratios[figure] <= most
    return `${title}: ${isMet ? 'met' : 'missed'}`
  })
  return told.join('; ')
}
