/** The race as tables. */
import { markdownTable, significant } from '../harness/markdown.ts'
import { median, spread } from '../harness/spread.ts'
import type { CheckPerf } from './check-perf.ts'
import { verdict } from './goals.ts'
import type { Protocol, Ratios } from './goals.ts'
import type { RaceLoad } from './loads.ts'
import type { Figures } from './measure.ts'

/** All rounds of one load, by subject. */
export interface LoadRounds {
  readonly load: RaceLoad
  readonly rounds: ReadonlyMap<string, readonly Figures[]>
}

/** Where the generator takes more of the CPU time than this, or of its one core than that, the row says as much of it as of the servers. */
const shareMax = 0.4
const coreMax = 0.9

/** Whether the generator, and not the servers, may have set the figures. */
export function isGeneratorBound(figures: readonly Figures[]): boolean {
  const over = (column: 'generatorShare' | 'generatorCore', most: number): boolean =>
    median(figures.map((one) => one[column])) > most
  return over('generatorShare', shareMax) || over('generatorCore', coreMax)
}

/** Throughput and latency, one row a load and subject. */
export function speedTable(all: readonly LoadRounds[]): string {
  const head = ['load', 'subject', 'op/s', 'p50 ms', 'p99 ms', 'failed', 'note']
  return markdownTable(
    head,
    rowsOf(all, (figures) => [
      ...(['perSecond', 'p50Ms', 'p99Ms'] as const).map((column) => spread(figures.map((one) => one[column]))),
      String(figures.reduce((sum, { failed }) => sum + failed, 0)),
      isGeneratorBound(figures) ? 'generator-bound' : '',
    ]),
  )
}

/** CPU seconds per 1000 operations and memory: medians of the rounds. */
export function costTable(all: readonly LoadRounds[]): string {
  const cpu = { leaderCpu: 'leader', followersCpu: 'followers', serversCpu: 'servers', generatorCpu: 'generator' }
  const shares = { generatorShare: 'generator share', generatorCore: 'of its core', machineShare: 'of the machine' }
  const memory = { leaderBytes: 'leader MB', followerBytes: 'follower MB' }
  const head = ['load', 'subject', ...Object.values(cpu), ...Object.values(shares), ...Object.values(memory)]
  const columns =
    <Column extends keyof Figures>(names: Readonly<Record<Column, string>>, format: (value: number) => string) =>
    (figures: readonly Figures[]): string[] =>
      (Object.keys(names) as Column[]).map((column) => format(median(figures.map((one) => one[column]))))
  const parts = [
    columns(cpu, precise),
    columns(shares, (value) => `${Math.round(value * 100)} %`),
    columns(memory, (value) => String(Math.round(value / 1e6))),
  ]
  return markdownTable(
    head,
    rowsOf(all, (figures) => parts.flatMap((part) => part(figures))),
  )
}

/** Our subjects over etcd, formed within each round; `protocols` tells which subjects are ours. */
export function ratioTable(all: readonly LoadRounds[], etcd: string, protocols: ReadonlyMap<string, Protocol>): string {
  const head = ['load', 'to etcd', 'op/s', 'p50', 'p99', 'CPU of servers', 'goal', 'note']
  const rows = all.flatMap(({ load, rounds }) =>
    [...protocols].flatMap(([subject, protocol]) => {
      const ours = rounds.get(subject) ?? []
      const theirs = rounds.get(etcd) ?? []
      if (ours.length === 0 || theirs.length === 0) return []
      const ratios = ratiosOf(ours, theirs)
      const bound = [...(isGeneratorBound(ours) ? ['us'] : []), ...(isGeneratorBound(theirs) ? ['etcd'] : [])]
      return [
        [
          load.title,
          subject,
          ...compared.map((column) => spread(ratios[column], 'x')),
          verdict(load, protocol, middle(ratios)),
          bound.length > 0 ? `generator-bound: ${bound.join(', ')}` : '',
        ],
      ]
    }),
  )
  return markdownTable(head, rows)
}

const compared = ['perSecond', 'p50Ms', 'p99Ms', 'serversCpu'] as const
type Compared = Record<(typeof compared)[number], number[]>

/** Ours over theirs, round by round. */
export function ratiosOf(ours: readonly Figures[], theirs: readonly Figures[]): Compared {
  const of = (column: keyof Compared): number[] =>
    ours.map((one, at) => one[column] / (theirs[at]?.[column] ?? Number.NaN))
  return { perSecond: of('perSecond'), p50Ms: of('p50Ms'), p99Ms: of('p99Ms'), serversCpu: of('serversCpu') }
}

function middle(ratios: Compared): Ratios {
  return { perSecond: median(ratios.perSecond), p50Ms: median(ratios.p50Ms), p99Ms: median(ratios.p99Ms) }
}

/** What etcd's own tool measured. */
export function checkPerfTable(outcomes: readonly CheckPerf[]): string {
  const head = ['etcdctl check perf, xl', 'puts/s', 'slowest ms', 'stddev ms', 'servers', 'etcdctl', 'etcdctl share']
  const rows = outcomes.map(({ system, perSecond, slowestSeconds, stddevSeconds, serversCpu, generatorCpu }) => [
    system,
    ...[perSecond, slowestSeconds * 1000, stddevSeconds * 1000].map(significant),
    ...[serversCpu, generatorCpu].map(precise),
    `${Math.round((100 * generatorCpu) / (generatorCpu + serversCpu))} %`,
  ])
  return markdownTable(head, rows)
}

function rowsOf(all: readonly LoadRounds[], cells: (figures: readonly Figures[]) => readonly string[]): string[][] {
  return all.flatMap(({ load, rounds }) =>
    [...rounds].map(([subject, figures]) => [load.title, subject, ...cells(figures)]),
  )
}

/** Three digits of however small a number. */
function precise(value: number): string {
  return String(Number(value.toPrecision(3)))
}
