/**
 * The transcripts of quorum arithmetic: `committed cfg=(1,2) cfgj=(3) idx=(100,_,5)` with a chart, and `vote`. Each result
 * is also computed in other ways that must agree; a disagreement is printed and so makes the case fail.
 */
import { jointIndex, jointVote, majorityIndex, majorityOf, majorityVote, unbounded } from '../../consensus/index.ts'
import type { AckedIndexer, VoteResult } from '../../consensus/index.ts'
import { toNumber, valuesOf } from './datadriven.ts'
import type { Case } from './datadriven.ts'

/** The commands that tell such a transcript. */
export const quorumCommands: readonly string[] = ['committed', 'vote']

const voteNames: Readonly<Record<VoteResult, string>> = { pending: 'VotePending', lost: 'VoteLost', won: 'VoteWon' }

/** Carries out one case. */
export function runQuorum(one: Case): string {
  const unknown = one.args.find(({ key }) => !['cfg', 'cfgj', 'idx', 'votes'].includes(key))
  if (unknown !== undefined) throw new Error(`unknown arg ${unknown.key}`)
  const config = sorted(valuesOf(one.args, 'cfg').map(toNumber))
  const other = valuesOf(one.args, 'cfgj')
  const joint = other.length > 0
  const outgoing = sorted(other.filter((id) => id !== 'zero').map(toNumber))
  const order = [...valuesOf(one.args, 'cfg').map(toNumber), ...other.filter((id) => id !== 'zero').map(toNumber)]
  const ids = [...new Set(order)]
  const given = valuesOf(one.args, one.name === 'vote' ? 'votes' : 'idx')
  if (given.length !== ids.length) {
    return `error: mismatched input (explicit or _) for voters ${asMap(ids)}: ${asNumbers(given)}`
  }
  if (one.name === 'vote') return runVote(config, joint ? outgoing : undefined, ids, given)
  const acked = new Map<number, number>()
  ids.forEach((id, i) => given[i] !== '_' && acked.set(id, toNumber(given[i] as string)))
  return runCommitted(config, joint ? outgoing : undefined, acked)
}

/** A set of ids as Go prints it. */
function asMap(ids: readonly number[]): string {
  return `map[${sorted(ids)
    .map((id) => `${id}:{}`)
    .join(' ')}]`
}

/** Input as numbers: a missing value is 0, a vote against 1, a vote for 2. */
function asNumbers(given: readonly string[]): string {
  const votes: Readonly<Record<string, string>> = { _: '0', n: '1', y: '2' }
  return `[${given.map((one) => votes[one] ?? one).join(' ')}]`
}

function sorted(ids: readonly number[]): number[] {
  return [...new Set(ids)].sort((a, b) => a - b)
}

function indexer(acked: ReadonlyMap<number, number>): AckedIndexer {
  return { ackedIndex: (id) => acked.get(id) }
}

const show = (index: number): string => (index === unbounded ? '∞' : String(index))

function runCommitted(
  config: readonly number[],
  outgoing: readonly number[] | undefined,
  acked: ReadonlyMap<number, number>,
): string {
  const by = indexer(acked)
  const expect = (what: string, actual: number, index: number): string =>
    actual === index ? '' : `${show(actual)} <-- ${what}\n`
  if (outgoing !== undefined) {
    const index = jointIndex(config, outgoing, by)
    const voters = sorted([...config, ...outgoing])
    return `${chart(voters, by)}${expect('via symmetry', jointIndex(outgoing, config, by), index)}${show(index)}`
  }
  const index = majorityIndex(config, by)
  let text = chart(config, by)
  text += expect('via alternative computation', alternativeIndex(config, acked), index)
  text += expect('via zero-joint quorum', jointIndex(config, [], by), index)
  text += expect('via self-joint quorum', jointIndex(config, config, by), index)
  for (const id of config) {
    const own = acked.get(id) ?? 0
    if (own === 0 || index <= own) continue
    // Whoever is below the result may fall further without changing it.
    for (const lower of [own - 1, 0]) {
      text += expect(
        `overlaying ${id}->${lower}`,
        majorityIndex(config, indexer(new Map([...acked, [id, lower]]))),
        index,
      )
    }
  }
  return text + show(index)
}

/** The obvious computation: the greatest reported value that enough voters have reached. */
function alternativeIndex(config: readonly number[], acked: ReadonlyMap<number, number>): number {
  if (config.length === 0) return unbounded
  const enough = (index: number): boolean =>
    config.filter((id) => (acked.get(id) ?? 0) >= index).length >= majorityOf(config.length)
  return Math.max(0, ...[...acked.values()].filter(enough))
}

/** One line per voter, with a bar as long as the number of voters behind it. */
function chart(voters: readonly number[], by: AckedIndexer): string {
  if (voters.length === 0) return '<empty majority quorum>'
  const rows = voters.map((id) => ({ id, index: by.ackedIndex(id) ?? 0, known: by.ackedIndex(id) !== undefined }))
  const count = voters.length
  let text = `${' '.repeat(count)}    idx\n`
  for (const row of rows) {
    const length = rows.filter((other) => other.index < row.index).length
    const picture = row.known ? `${'x'.repeat(length)}>${' '.repeat(count - length)}` : `?${' '.repeat(count)}`
    text += `${picture} ${String(row.index).padStart(5)}    (id=${row.id})\n`
  }
  return text
}

function runVote(
  config: readonly number[],
  outgoing: readonly number[] | undefined,
  ids: readonly number[],
  given: readonly string[],
): string {
  const votes = new Map<number, boolean>()
  ids.forEach((id, i) => {
    const vote = given[i] as string
    if (!['y', 'n', '_'].includes(vote)) throw new Error(`unknown vote: ${vote}`)
    if (vote !== '_') votes.set(id, vote === 'y')
  })
  if (outgoing === undefined) return voteNames[majorityVote(config, votes)]
  const result = jointVote(config, outgoing, votes)
  const mirrored = jointVote(outgoing, config, votes)
  return `${mirrored === result ? '' : `${voteNames[mirrored]} <-- via symmetry\n`}${voteNames[result]}`
}
