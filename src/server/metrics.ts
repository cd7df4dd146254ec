/** The Metrics port over prom-client, rendered in Prometheus text format. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { metricTable, type MetricName, type Metrics } from '../../base/index.ts'

/** A Metrics port whose values can be read out. */
export interface PrometheusMetrics extends Metrics {
  readonly contentType: string
  /** All metrics, those of the process included, as text. */
  render(): Promise<string>
  /** Ends the collection of process metrics. */
  close(): void
}

/** 0.1 ms to 10 s: from an NVMe sync to a disk that is failing. */
const secondsBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/**
 * Metrics of one server in a registry of its own: two servers in one process do not meet.
 * Counters and gauges are plain numbers on the hot path; prom-client sees them only when somebody asks.
 */
export function prometheusMetrics(): PrometheusMetrics {
  const registry = new Registry()
  const values: Record<string, number> = {}
  const histograms: Record<string, Histogram> = {}
  for (const [name, [kind, help]] of Object.entries(metricTable)) {
    if (kind === 'histogram') {
      histograms[name] = new Histogram({ name, help, registers: [registry], buckets: secondsBuckets })
      continue
    }
    values[name] = 0
    if (kind === 'gauge') {
      new Gauge({
        name,
        help,
        registers: [registry],
        collect() {
          this.set(values[name] ?? 0)
        },
      })
    } else {
      new Counter({
        name,
        help,
        registers: [registry],
        collect() {
          this.reset()
          this.inc(values[name] ?? 0)
        },
      })
    }
  }
  collectDefaultMetrics({ register: registry })
  return {
    add(name: MetricName, amount = 1) {
      values[name] = (values[name] ?? 0) + amount
    },
    set(name: MetricName, value: number) {
      values[name] = value
    },
    observe(name: MetricName, value: number) {
      histograms[name]?.observe(value)
    },
    contentType: registry.contentType,
    render: () => registry.metrics(),
    close: () => registry.clear(),
  }
}
