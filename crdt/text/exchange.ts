/** Between the log of a sequence, where operations have LVs, and bytes, where they have numbers of events. */
import type { Ranges } from '../graph/walk.ts'
import { opKind } from './op-log.ts'
import type { OpKind, OpLog } from './op-log.ts'
import type { RunColumns } from './run-codec.ts'

/** The position of a run's operation after `skip` others. */
export function positionAfter(kind: OpKind, position: number, skip: number): number {
  if (kind === opKind.insert) return position + skip
  return kind === opKind.deleteBack ? position - skip : position
}

/**
 * Puts the operations with LVs in the ranges into `runs`, and returns the places of their content as `[start, end, ...]`. The n-th
 * event of all ranges, in their order, is called n.
 */
export function collectRuns(log: OpLog, ranges: Ranges, runs: RunColumns): Ranges {
  runs.clear()
  const pieces: number[] = []
  let events = 0
  for (let i = 0; i < ranges.length; i += 2) {
    const start = ranges[i] as number
    const end = ranges[i + 1] as number
    for (let run = log.firstRunFrom(start); run < log.runs; run++) {
      const first = log.lvs.at(run)
      if (first >= end) break
      const skip = Math.max(0, start - first)
      const count = Math.min(end - first, log.lengthOf(run)) - skip
      const kind = log.kinds.at(run) as OpKind
      runs.push(kind, events + first + skip - start, count, positionAfter(kind, log.positions.at(run), skip))
      if (kind !== opKind.insert) continue
      const from = log.contents.at(run) + skip
      if (pieces.at(-1) === from) pieces[pieces.length - 1] = from + count
      else pieces.push(from, from + count)
    }
    events += end - start
  }
  return pieces
}

/** Is told of operations that are new: `content` is where what they insert begins. */
export type TakeRun = (kind: OpKind, lv: number, count: number, position: number, content: number) => void

/**
 * The LV of an event that is new, ascending. For one that is known already it is negative: minus how many events, from this one
 * on, are known; there may be more.
 */
export type LvOf = (event: number) => number

/** Goes through runs and tells those that are new. */
export function takeRuns(runs: RunColumns, lvOf: LvOf, take: TakeRun): void {
  let content = 0
  for (let run = 0; run < runs.runs; run++) {
    const event = runs.events[run] as number
    const length = runs.lengths[run] as number
    const kind = runs.kinds[run] as OpKind
    const position = runs.positions[run] as number
    for (let done = 0; done < length;) {
      const lv = lvOf(event + done)
      let count = length - done
      if (lv < 0) {
        // What follows may be new, even if the end of the run is known: known and new ones alternate as the spans do.
        done += Math.min(count, -lv)
        continue
      }
      // LVs of new events follow one another, so the last one tells whether all between are new.
      if (count > 1 && lvOf(event + length - 1) !== lv + count - 1) {
        count = 1
        while (lvOf(event + done + count) === lv + count) count++
      }
      take(kind, lv, count, positionAfter(kind, position, done), content + done)
      done += count
    }
    if (kind === opKind.insert) content += length
  }
}
