/** Profiles as tables: the CPU budget, files, functions. */
import type { MemberCost } from '../cluster/measure.ts'
import { markdownTable, significant } from '../harness/markdown.ts'
import { budgetUs, outside, outsideGoalUs, stages } from './stages.ts'
import type { ProfileSummary } from './summary.ts'

/** A server that was profiled under load. */
export interface ProfiledServer {
  readonly cost: MemberCost
  readonly summary: ProfileSummary
}

const rowsMax = 25

/** What leader and followers (mean) spend per request in each stage; with the budget's goals if they are `puts`. */
export function budgetTable(servers: readonly ProfiledServer[], puts: boolean): string {
  const leaders = servers.filter(({ cost }) => cost.leads)
  const followers = servers.filter(({ cost }) => !cost.leads)
  const rows: string[][] = []
  const add = (name: string, goalUs: number, spent: (server: ProfiledServer) => number): void => {
    const [leader, follower] = [mean(leaders, spent), mean(followers, spent)]
    rows.push([name, ...(puts ? [significant(goalUs)] : []), significant(leader), significant(follower)])
  }
  const stageUs = (name: string) => (server: ProfiledServer) =>
    share(server, server.summary.byStage.get(name) ?? 0) * server.cost.mainUs
  for (const { name, goalUs } of stages) add(name, goalUs, stageUs(name))
  for (const name of [outside.node, outside.program, outside.collector]) {
    add(name, outsideGoalUs[name] ?? 0, stageUs(name))
  }
  add(outside.threads, outsideGoalUs[outside.threads] ?? 0, ({ cost }) => cost.cpuUs - cost.mainUs)
  add('all', budgetUs, ({ cost }) => cost.cpuUs)
  return markdownTable(['stage', ...(puts ? ['goal µs'] : []), 'leader µs', 'follower µs'], rows)
}

/** Project files with what they called outside the project. */
export function fileTable(summary: ProfileSummary, requestUs?: number): string {
  const files = [...summary.byFile].sort((a, b) => b[1] - a[1]).slice(0, rowsMax)
  const rows = files.map(([file, us]) => [file, ...figures(summary, us, requestUs)])
  return markdownTable(heads('file', requestUs), rows)
}

/** Functions by time of their own. */
export function functionTable(summary: ProfileSummary, requestUs?: number): string {
  const rows = summary.functions.slice(0, rowsMax).map(({ name, file, line, selfUs }) => {
    const place = file === '' ? '' : ` (${file}:${line})`
    return [`${name === '' ? 'anonymous' : name}${place}`, ...figures(summary, selfUs, requestUs)]
  })
  return markdownTable(heads('function', requestUs), rows)
}

function heads(first: string, requestUs: number | undefined): string[] {
  return requestUs === undefined ? [first, 'share'] : [first, 'share', 'µs per request']
}

function figures(summary: ProfileSummary, us: number, requestUs: number | undefined): string[] {
  const part = us / summary.busyUs
  const percent = `${(part * 100).toFixed(1)} %`
  return requestUs === undefined ? [percent] : [percent, (part * requestUs).toFixed(2)]
}

function share({ summary }: ProfiledServer, us: number): number {
  return us / summary.busyUs
}

function mean(servers: readonly ProfiledServer[], value: (server: ProfiledServer) => number): number {
  return servers.reduce((sum, server) => sum + value(server), 0) / servers.length
}
