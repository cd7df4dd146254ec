/**
 * Random histories in the DAG form, with the text the oracle says they end in: a few branches that are forked, edited and
 * merged, by agents that work on any branch and are therefore concurrent with themselves.
 */
import type { Random } from '../../../base/index.ts'
import { Oracle } from './oracle.ts'

/** A history as it stands in a file of the DAG form. */
export interface DagFile {
  readonly txns: readonly DagTxn[]
  readonly endContent: string
}

interface DagTxn {
  readonly span: readonly [number, number]
  readonly parents: readonly number[]
  readonly agent: string
  readonly seqStart: number
  readonly ops: readonly (readonly [number, number, string])[]
}

/** What to make. */
export interface DagOptions {
  readonly txns: number
  readonly agents: readonly string[]
  readonly branches: number
  readonly alphabet: string
}

/** A random history. */
export function generateDag(random: Random, options: DagOptions): DagFile {
  const below = (bound: number): number => random.u32() % bound
  const oracle = new Oracle()
  const heads: number[][] = Array.from({ length: options.branches }, () => [])
  const sequences = new Map<string, number>()
  const points = Array.from(options.alphabet)
  const txns: DagTxn[] = []
  while (txns.length < options.txns) {
    const branch = below(heads.length)
    const dice = below(10)
    if (dice < 2) {
      heads[branch] = oracle.headsOf([...(heads[branch] ?? []), ...(heads[below(heads.length)] ?? [])])
    } else if (dice === 2 && oracle.length > 0) {
      // somewhere back in history, in the middle of a run as often as not
      heads[branch] = [below(oracle.length)]
    } else {
      const agent = options.agents[below(options.agents.length)] as string
      const txn = edit(oracle, heads[branch] ?? [], agent, sequences.get(agent) ?? 0, below, points)
      sequences.set(agent, txn.seqStart + (txn.span[1] - txn.span[0]))
      heads[branch] = [txn.span[1] - 1]
      txns.push(txn)
    }
  }
  return { txns, endContent: oracle.textAt(Array.from({ length: oracle.length }, (_none, version) => version)) }
}

function edit(
  oracle: Oracle,
  parents: readonly number[],
  agent: string,
  seqStart: number,
  below: (bound: number) => number,
  points: readonly string[],
): DagTxn {
  const from = oracle.length
  const ops: (readonly [number, number, string])[] = []
  let length = Array.from(oracle.textAt(parents)).length
  let last = parents
  const add = (position: number, inserted: string | undefined): void => {
    last = [oracle.add({ agent, sequence: seqStart + (oracle.length - from), parents: last, position, inserted })]
  }
  for (let count = 1 + below(3); count > 0; count--) {
    if (length > 0 && below(5) < 2) {
      const position = below(length)
      const deleted = 1 + below(Math.min(length - position, 5))
      for (let left = deleted; left > 0; left--) add(position, undefined)
      ops.push([position, deleted, ''])
      length -= deleted
    } else {
      // often at the same place, so that insertions tie
      const position = below(2) === 0 ? 0 : below(length + 1)
      const inserted = Array.from({ length: 1 + below(3) }, () => points[below(points.length)] as string)
      inserted.forEach((point, at) => add(position + at, point))
      ops.push([position, 0, inserted.join('')])
      length += inserted.length
    }
  }
  return { span: [from, oracle.length], parents: [...parents], agent, seqStart, ops }
}
