/** A node with many keys as a table. */
import { formatCount, markdownTable, significant } from '../harness/markdown.ts'
import type { LoadedPart, Memory, Plan, StartedPart, Writes } from './parts.ts'

/** Everything measured; memory per key is what there is more than in an empty node. */
export function millionTable(plan: Plan, empty: StartedPart, loaded: LoadedPart, started: StartedPart): string {
  const { keys, keyBytes, valueBytes } = plan
  return markdownTable(
    [`${formatCount(keys)} keys of ${keyBytes} B, values of ${valueBytes} B`, 'measured'],
    [
      ['load, with the last flush', `${significant(loaded.seconds)} s`],
      ['puts: first tenth', writesText(loaded.first)],
      ['puts: last tenth', writesText(loaded.last)],
      ['puts: overwriting, at random', writesText(loaded.overwritten)],
      ['memory after the load', memoryText(loaded.memory, empty.memory, keys)],
      ['snapshot saved', `${significant(loaded.snapshotSeconds)} s, ${megabytes(loaded.snapshotBytes)}`],
      ['cold start, with the overwrites', `${significant(started.seconds)} s`],
      ['cold start of an empty node', `${significant(empty.seconds)} s`],
      ['memory after the start', memoryText(started.memory, empty.memory, keys)],
    ],
  )
}

function writesText({ perSecond, cpuUs, p50Ms, p99Ms, longestTurnMs }: Writes): string {
  const latency = `p50 ${significant(p50Ms)} ms, p99 ${significant(p99Ms)} ms`
  const cost = `${significant(cpuUs)} µs CPU each, longest turn ${significant(longestTurnMs)} ms`
  return `${formatCount(perSecond)}/s, ${latency}, ${cost}`
}

function memoryText(memory: Memory, empty: Memory, keys: number): string {
  const part = (name: string, bytes: number, without: number): string =>
    `${name} ${megabytes(bytes)} (${formatCount((bytes - without) / keys)} B/key)`
  return [
    part('RSS', memory.residentBytes, empty.residentBytes),
    part('heap', memory.heapBytes, empty.heapBytes),
    part('buffers', memory.bufferBytes, empty.bufferBytes),
  ].join(', ')
}

function megabytes(bytes: number): string {
  return `${formatCount(bytes / 1e6)} MB`
}
