/** The outcomes of cluster loads as tables. */
import { formatCount, markdownTable, significant } from '../harness/markdown.ts'
import type { FanOutOutcome } from './fan-out.ts'
import type { LeaseOutcome } from './lease-load.ts'
import type { LoadOutcome, MemberCost } from './measure.ts'

/** Throughput, latency and cost, one row a load. */
export function outcomeTable(outcomes: readonly LoadOutcome[]): string {
  const head = ['load', 'system', 'requests/s', 'p50 ms', 'p99 ms', 'max ms', 'failed', 'load µs/req', 'load core']
  const rows = outcomes.map((outcome) => [
    loadName(outcome),
    outcome.target,
    formatCount(outcome.perSecond),
    ...[outcome.p50Ms, outcome.p99Ms, outcome.maxMs].map(significant),
    String(outcome.failed),
    significant(outcome.loadUs),
    `${Math.round(outcome.loadShare * 100)} %`,
  ])
  return markdownTable(head, rows)
}

/** CPU time per request and memory of each server. */
export function costTable(outcomes: readonly LoadOutcome[]): string {
  const head = ['load', 'system', 'leader µs (main)', 'followers µs (main)', 'mean µs', 'leader MB', 'followers MB']
  const rows = outcomes.map((outcome) => {
    const leaders = outcome.members.filter(({ leads }) => leads)
    const followers = outcome.members.filter(({ leads }) => !leads)
    return [
      loadName(outcome),
      outcome.target,
      cpu(leaders),
      cpu(followers),
      significant(meanCpuUs(outcome)),
      megabytes(leaders),
      megabytes(followers),
    ]
  })
  return markdownTable(head, rows)
}

/** CPU time per request and server, in microseconds. */
function meanCpuUs(outcome: LoadOutcome): number {
  return mean(outcome, ({ cpuUs }) => cpuUs)
}

function mean({ members }: LoadOutcome, value: (member: MemberCost) => number): number {
  return members.reduce((sum, member) => sum + value(member), 0) / members.length
}

/** Watch fan-out, one row a shape. CPU times are per delivered event. */
export function fanOutTable(outcomes: readonly FanOutOutcome[]): string {
  const head = ['watches/prefixes/connections, writers', 'writes/s', 'events/s', 'p50 ms', 'p99 ms', 'missing']
  const rows = outcomes.map((outcome) => [
    `${outcome.watches}/${outcome.prefixes}/${outcome.connections}, ${outcome.writers}`,
    formatCount(outcome.writesPerSecond),
    formatCount(outcome.eventsPerSecond),
    ...[outcome.p50Ms, outcome.p99Ms].map(significant),
    String(outcome.missing),
    ...[outcome.leaderUs, outcome.followersUs, outcome.loadUs].map(significant),
  ])
  return markdownTable([...head, 'leader µs/event', 'followers µs/event', 'load µs/event'], rows)
}

/** A cluster that is only kept alive, with and without leases. Cores are shares of one. */
export function leaseTable(outcomes: readonly LeaseOutcome[]): string {
  const head = ['leases/connections', 'ttl s', 'entries/s', 'leader core', 'followers core', 'load core', 'lost']
  const percent = (share: number): string => `${significant(share * 100)} %`
  const rows = outcomes.map((outcome) => [
    `${formatCount(outcome.leases)}/${outcome.connections}`,
    String(outcome.ttlMs / 1000),
    significant(outcome.entriesPerSecond),
    ...[outcome.leaderCore, outcome.followersCore, outcome.loadCore].map(percent),
    String(outcome.lost),
  ])
  return markdownTable(head, rows)
}

/** Our outcomes against etcd's for the same loads, with the goals. */
export function ratioTable(ours: readonly LoadOutcome[], theirs: readonly LoadOutcome[]): string {
  const rows = ours.flatMap((our) => {
    const their = theirs.find((other) => loadName(other) === loadName(our))
    if (their === undefined) return []
    const ratio = (a: number, b: number): string => `${(a / b).toFixed(2)}x`
    return [
      [
        loadName(our),
        ratio(our.perSecond, their.perSecond),
        ratio(our.p50Ms, their.p50Ms),
        ratio(our.p99Ms, their.p99Ms),
        ratio(meanCpuUs(our), meanCpuUs(their)),
        goalOf(our),
      ],
    ]
  })
  return markdownTable(['load', 'requests/s', 'p50', 'p99', 'CPU per request', 'goal'], rows)
}

function goalOf({ operation, clients }: LoadOutcome): string {
  if (operation === 'get') return 'requests/s at least 10x'
  if (operation !== 'put') return ''
  if (clients >= 1000) return 'requests/s at least 10x, p99 at most 0.25x'
  return clients === 1 ? 'p50 at most 0.5x' : ''
}

function loadName({ operation, clients, connections }: LoadOutcome): string {
  return `${operation}, ${clients}/${connections}`
}

function cpu(members: readonly MemberCost[]): string {
  return members.map(({ cpuUs, mainUs }) => `${significant(cpuUs)} (${significant(mainUs)})`).join(', ')
}

function megabytes(members: readonly MemberCost[]): string {
  return members.map(({ residentBytes }) => formatCount(residentBytes / 1e6)).join(', ')
}
