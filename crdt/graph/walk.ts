/**
 * Walks over a causal graph from newest to oldest, a run at a time: differences, ancestry, and the minimal heads of a set.
 *
 * Local versions are numbered so that parents come first. So the greatest version of a set of candidates is never an ancestor of
 * another one, and a walk that always takes the greatest next sees every version once.
 */
import type { CausalGraph } from './graph.ts'

/** Local versions as flat pairs `[start, end, start, end, ...]`, ends exclusive, ascending and not touching. */
export type Ranges = number[]

const inA = 1
const inB = 2
const shared = 3

/** A small max-heap of versions, each with flags. Equal versions are joined by the caller as they come out. */
class Frontline {
  /** Keeps the shape, as {@link ByteReader.kept}. */
  static readonly kept: Frontline = new Frontline()
  private readonly versions: number[] = []
  private readonly flags: number[] = []
  /** How many entries are not yet known to be in both. */
  open = 0

  get size(): number {
    return this.versions.length
  }

  /** The greatest version; -1 when empty. */
  peek(): number {
    return this.versions.length === 0 ? -1 : (this.versions[0] as number)
  }

  push(version: number, flag: number): void {
    const { versions, flags } = this
    if (flag !== shared) this.open++
    let at = versions.length
    versions.push(version)
    flags.push(flag)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if ((versions[parent] as number) >= version) break
      versions[at] = versions[parent] as number
      flags[at] = flags[parent] as number
      at = parent
    }
    versions[at] = version
    flags[at] = flag
  }

  /** Removes the greatest version and returns its flags. */
  pop(): number {
    const { versions, flags } = this
    const flag = flags[0] as number
    if (flag !== shared) this.open--
    const version = versions.pop() as number
    const moved = flags.pop() as number
    const size = versions.length
    if (size === 0) return flag
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && (versions[child + 1] as number) > (versions[child] as number)) child++
      if ((versions[child] as number) <= version) break
      versions[at] = versions[child] as number
      flags[at] = flags[child] as number
      at = child
    }
    versions[at] = version
    flags[at] = moved
    return flag
  }
}

/** What two frontiers do not share. */
export interface Difference {
  readonly aOnly: Ranges
  readonly bOnly: Ranges
}

/** The versions that only `a` and only `b` include. */
export function diff(graph: CausalGraph, a: readonly number[], b: readonly number[]): Difference {
  if (sameFrontier(a, b)) return { aOnly: [], bOnly: [] }
  const line = new Frontline()
  for (const version of a) line.push(version, inA)
  for (const version of b) line.push(version, inB)
  const aOnly: Ranges = []
  const bOnly: Ranges = []
  while (line.open > 0) {
    const top = line.peek()
    let flag = line.pop()
    while (line.peek() === top) flag |= line.pop()
    const run = graph.runAt(top)
    const start = graph.startOfRun(run)
    const next = line.peek()
    const from = next >= start ? next + 1 : start
    if (flag !== shared) prepend(flag === inA ? aOnly : bOnly, from, top + 1)
    if (from === start) {
      for (let i = graph.parentsStart(run); i < graph.parentsEnd(run); i++) line.push(graph.parentAt(i), flag)
    } else line.push(from - 1, flag)
  }
  flip(aOnly)
  flip(bOnly)
  return { aOnly, bOnly }
}

/** Adds a range that stands before all others; they are kept newest first, as (end, start), until they are flipped. */
function prepend(ranges: Ranges, start: number, end: number): void {
  const last = ranges.length - 1
  if (last >= 0 && ranges[last] === end) ranges[last] = start
  else ranges.push(end, start)
}

function flip(ranges: Ranges): void {
  ranges.reverse()
}

/** Whether `target` is one of `frontier` or an ancestor of one. */
export function includes(graph: CausalGraph, frontier: readonly number[], target: number): boolean {
  const line = new Frontline()
  for (const version of frontier) {
    if (version === target) return true
    if (version > target) line.push(version, inA)
  }
  while (line.size > 0) {
    const top = line.peek()
    line.pop()
    while (line.peek() === top) line.pop()
    const run = graph.runAt(top)
    const start = graph.startOfRun(run)
    if (start <= target) return true
    while (line.peek() >= start) line.pop()
    for (let i = graph.parentsStart(run); i < graph.parentsEnd(run); i++) {
      const parent = graph.parentAt(i)
      if (parent === target) return true
      if (parent > target) line.push(parent, inA)
    }
  }
  return false
}

/** The members of `versions` that no other member includes, ascending: the frontier of their union. */
export function dominators(graph: CausalGraph, versions: readonly number[]): number[] {
  if (versions.length <= 1) return [...versions]
  const line = new Frontline()
  for (const version of versions) line.push(version, inA)
  const oldest = Math.min(...versions)
  const heads: number[] = []
  // `inA` marks a member that nothing newer covers; everything reached through a parent is `shared`.
  while (line.open > 0) {
    const top = line.peek()
    let flag = line.pop()
    while (line.peek() === top) flag |= line.pop() === shared ? shared : 0
    if (flag === inA) heads.push(top)
    const run = graph.runAt(top)
    const start = graph.startOfRun(run)
    const next = line.peek()
    if (next >= start) line.push(next, shared)
    else {
      for (let i = graph.parentsStart(run); i < graph.parentsEnd(run); i++) {
        const parent = graph.parentAt(i)
        if (parent >= oldest) line.push(parent, shared)
      }
    }
  }
  return heads.reverse()
}

/** Whether two ascending frontiers are the same. */
export function sameFrontier(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
