import { expect, test } from 'vitest'
import { metricTable } from '../../base/index.ts'
import { loadDaemon, prettyLine } from '../../src/server/index.ts'

const { createLogger, prometheusMetrics } = await loadDaemon()

function recorded(format: 'json' | 'pretty', level = 'info') {
  const lines: string[] = []
  const logger = createLogger({ level, format, colors: false, write: (line) => lines.push(line) })
  return { lines, logger }
}

test('JSON lines hold level, time, facts and sentence', () => {
  const { lines, logger } = recorded('json')
  logger.child({ node: 'n1' }).warn({ index: 7, error: new Error('boom') }, 'odd')
  const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>
  expect(line).toMatchObject({ level: 'warn', node: 'n1', index: 7, msg: 'odd', error: { message: 'boom' } })
  expect(Date.parse(String(line['time']))).not.toBeNaN()
  expect(lines[0]?.startsWith('{"level":"warn"')).toBe(true)
})

test('lines below the level are dropped', () => {
  const { lines, logger } = recorded('json', 'warn')
  logger.info({}, 'quiet')
  logger.debug({}, 'quiet')
  logger.error({}, 'loud')
  expect(lines).toHaveLength(1)
  const silent = recorded('json', 'silent')
  silent.logger.error({}, 'nothing')
  expect(silent.lines).toEqual([])
})

test('a pretty line is one line: time, level, sentence, facts', () => {
  const line = JSON.stringify({
    level: 'info',
    time: '2026-01-02T03:04:05.678Z',
    port: 7401,
    why: 'two words',
    msg: 'listening',
  })
  expect(prettyLine(line, false)).toBe('03:04:05.678 info  listening port=7401 why="two words"\n')
  expect(prettyLine('not JSON\n', false)).toBe('not JSON\n')
  const { lines, logger } = recorded('pretty')
  logger.error({ error: new Error('boom\nmore') }, 'failed')
  expect(lines[0]?.trimEnd().split('\n')).toHaveLength(1)
  expect(lines[0]).toContain('error=')
})

test('every metric of the table is rendered, with its value', async () => {
  const metrics = prometheusMetrics()
  metrics.add('nitrostate_server_commands_total')
  metrics.add('nitrostate_server_commands_total', 4)
  metrics.set('nitrostate_server_term', 7)
  metrics.observe('nitrostate_disk_wal_fsync_duration_seconds', 0.0004)
  const first = await metrics.render()
  const second = await metrics.render()
  for (const [name, [kind, help]] of Object.entries(metricTable)) {
    expect(first).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`)
  }
  for (const text of [first, second]) {
    expect(text).toContain('\nnitrostate_server_commands_total 5\n')
    expect(text).toContain('\nnitrostate_server_term 7\n')
    expect(text).toContain('nitrostate_disk_wal_fsync_duration_seconds_bucket{le="0.0005"} 1\n')
    expect(text).toContain('nitrostate_disk_wal_fsync_duration_seconds_bucket{le="0.00025"} 0\n')
  }
  expect(first).toContain('process_resident_memory_bytes')
  metrics.close()
})

test('metrics of two servers in one process do not meet', async () => {
  const one = prometheusMetrics()
  const two = prometheusMetrics()
  one.set('nitrostate_server_term', 1)
  two.set('nitrostate_server_term', 2)
  expect(await one.render()).toContain('nitrostate_server_term 1\n')
  expect(await two.render()).toContain('nitrostate_server_term 2\n')
  one.close()
  two.close()
})
