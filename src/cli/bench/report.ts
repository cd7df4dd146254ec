/** The result of a benchmark as text and as JSON. */
import type { LoadResult } from './load.ts'

const percents = [10, 25, 50, 75, 90, 95, 99, 99.9] as const

/** The result as plain data; latencies in milliseconds. */
export interface BenchReport {
  readonly subject: string
  readonly clients: number
  readonly connections: number
  readonly requests: number
  readonly seconds: number
  readonly perSecond: number
  readonly latencyMs: Readonly<Record<string, number>>
  readonly errors: Readonly<Record<string, number>>
}

/** Sums a run up. */
export function benchReport(subject: string, clients: number, connections: number, result: LoadResult): BenchReport {
  const { latency, elapsedMs, errors } = result
  const ms = (microseconds: number): number => Math.round(microseconds) / 1000
  return {
    subject,
    clients,
    connections,
    requests: latency.count,
    seconds: Math.round(elapsedMs) / 1000,
    perSecond: elapsedMs === 0 ? 0 : Math.round((latency.count / elapsedMs) * 10_000) / 10,
    latencyMs: {
      mean: ms(latency.mean),
      ...Object.fromEntries(percents.map((percent) => [`p${percent}`, ms(latency.percentile(percent))])),
      max: ms(latency.max),
    },
    errors: Object.fromEntries(errors),
  }
}

/** The report as lines for people. */
export function reportText(report: BenchReport): string {
  const { subject, clients, connections, requests, seconds, perSecond, latencyMs, errors } = report
  const failures = Object.entries(errors).map(([code, count]) => `${code} ${count}`)
  const lines = [
    `${subject}: ${clients} clients over ${connections} connections`,
    `  requests     ${requests} in ${seconds.toFixed(2)} s`,
    `  throughput   ${perSecond.toFixed(1)} requests/s`,
    `  errors       ${failures.length === 0 ? 'none' : failures.join(', ')}`,
    '  latency',
    ...Object.entries(latencyMs).map(([name, value]) => `    ${name.padEnd(6)} ${value.toFixed(3).padStart(10)} ms`),
  ]
  return `${lines.join('\n')}\n`
}
