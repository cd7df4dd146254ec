/**
 * Micro-benchmarks, one table a subject:
 *
 *   npm run bench [-- subject...] [--time <ms>]
 *
 * Medians are what to compare; the p99 tells how calm the machine was.
 */
import { parseArgs } from 'node:util'
import { formatCount, formatNs, markdownTable } from './harness/markdown.ts'
import { measureCase } from './harness/measure.ts'
import type { Row, Subject } from './harness/measure.ts'
import { apply } from './subjects/apply.ts'
import { codec } from './subjects/codec.ts'
import { log } from './subjects/log.ts'
import { raft } from './subjects/raft.ts'
import { session } from './subjects/session.ts'
import { store } from './subjects/store.ts'

const subjects: readonly Subject[] = [codec, session, raft, apply, log, store]

const { values, positionals } = parseArgs({
  options: { time: { type: 'string', default: '500' } },
  allowPositionals: true,
})
const timeMs = Number(values.time)
const names = subjects.map(({ name }) => name)
const unknown = positionals.filter((name) => !names.includes(name))
if (unknown.length > 0 || !(timeMs > 0)) {
  process.stderr.write(`usage: bench [subject...] [--time <ms>]; subjects: ${names.join(', ')}\n`)
  process.exit(2)
}

for (const subject of subjects) {
  if (positionals.length > 0 && !positionals.includes(subject.name)) continue
  const rows: Row[] = []
  await subject.run(async (entry) => {
    process.stderr.write(`${entry.name}\n`)
    rows.push(await measureCase(entry, { timeMs, warmupMs: timeMs / 2 }))
  })
  process.stdout.write(`\n### ${subject.name}\n\n${tableOf(rows)}\n`)
}

function tableOf(rows: readonly Row[]): string {
  return markdownTable(
    ['name', 'median', 'p99', 'ops/s', 'bytes/op'],
    rows.map(({ name, medianNs, p99Ns, perSecond, bytes }) => [
      name,
      formatNs(medianNs),
      formatNs(p99Ns),
      formatCount(perSecond),
      bytes === undefined ? '' : formatCount(bytes),
    ]),
  )
}
