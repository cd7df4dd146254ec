/**
 * Static bootstrap as a pure decision: may an empty node form a cluster with its peers?
 *
 * Two durable steps, so that nobody can be replaced by an empty twin unnoticed:
 *  1. *intent*: once every node of `peers` was heard from and all are empty with the same list, each writes the sorted
 *     (name, incarnation, address) list to disk;
 *  2. *member*: once every node reports that same intent as durable (or one already is a member by it), it becomes
 *     configuration 1. Only then may anyone vote.
 *
 * Why it is safe: a member exists only after every founder holds the full list on disk. Whoever comes back with another
 * incarnation meets at least one holder of the list and learns that it has lost its identity, even if that
 * holder itself never got past step 1.
 */
import { ByteReader, ByteWriter, NitroError, equalBytes } from '../../base/index.ts'
import type { Founder } from './configuration.ts'
import { sortFounders } from './configuration.ts'

/** How far a node has come. */
export type BootstrapStage = 'new' | 'intent' | 'member' | 'joining'

/** What nodes tell each other while bootstrapping. */
export interface BootstrapFacts {
  readonly name: string
  readonly incarnation: Uint8Array
  readonly address: string
  readonly stage: BootstrapStage
  /** Names and addresses this node was started with, sorted, as one text; must be equal everywhere. */
  readonly peers: string
  /** The founding list it holds on disk; empty when it holds none. */
  readonly founders: readonly Founder[]
}

/** What to do now. */
export type BootstrapStep =
  | { readonly kind: 'wait'; readonly missing: readonly string[]; readonly why: string }
  | { readonly kind: 'intend'; readonly founders: readonly Founder[] }
  | { readonly kind: 'form'; readonly founders: readonly Founder[] }
  | { readonly kind: 'lost'; readonly why: string }

/** The `peers` option, and the digest of a backup to begin with, as one comparable text. */
export function peersText(peers: Readonly<Record<string, string>>, seed = ''): string {
  const list = Object.entries(peers)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, address]) => `${name}=${address}`)
    .join(',')
  return seed === '' ? list : `${list} restored from ${seed}`
}

/** Decides from what this node knows and what it heard from peers, by name. */
export function bootstrapStep(
  mine: BootstrapFacts,
  names: readonly string[],
  heard: ReadonlyMap<string, BootstrapFacts>,
): BootstrapStep {
  for (const [name, facts] of heard) {
    const verdict = judge(mine, name, facts)
    if (verdict !== undefined) return { kind: 'lost', why: verdict }
  }
  const missing = names.filter((name) => name !== mine.name && !heard.has(name))
  const all = [mine, ...heard.values()]
  if (mine.stage === 'intent') {
    const proof = [...heard.values()].some(
      (facts) => facts.stage === 'member' && sameFounders(facts.founders, mine.founders),
    )
    if (proof) return { kind: 'form', founders: mine.founders }
  }
  if (missing.length > 0) return { kind: 'wait', missing, why: 'not every peer has been reached' }
  const other = [...heard.values()].find((facts) => facts.peers !== mine.peers)
  if (other !== undefined) {
    const why = `${other.name} was started with peers ${other.peers || '(none)'}, this node with ${mine.peers}`
    return { kind: 'wait', missing: [], why }
  }
  if (mine.stage === 'new') {
    const founders = sortFounders(all.map(({ name, incarnation, address }) => ({ name, incarnation, address })))
    return { kind: 'intend', founders }
  }
  const behind = all.filter((facts) => !sameFounders(facts.founders, mine.founders))
  if (behind.length === 0) return { kind: 'form', founders: mine.founders }
  return {
    kind: 'wait',
    missing: behind.map((facts) => facts.name),
    why: 'peers have not written the founding list yet',
  }
}

/** Why what `facts` says means that this node is not who it should be; undefined when all is well. */
function judge(mine: BootstrapFacts, name: string, facts: BootstrapFacts): string | undefined {
  if (facts.founders.length === 0) {
    return facts.stage === 'member'
      ? `${name} already is in a cluster that does not know this data directory`
      : undefined
  }
  const known = facts.founders.find((founder) => founder.name === mine.name)
  if (known === undefined) {
    return facts.stage === 'member' ? `${name} belongs to a cluster that was not formed with ${mine.name}` : undefined
  }
  if (!equalBytes(known.incarnation, mine.incarnation)) {
    return `${name} knows ${mine.name} with another data directory`
  }
  if (facts.stage === 'member' && mine.stage === 'new') {
    return `${name} is in a cluster formed with this data directory, but the founding list is no longer in it`
  }
  if (mine.founders.length > 0 && !sameFounders(facts.founders, mine.founders)) {
    return `${name} holds another founding list than this data directory`
  }
  return undefined
}

function sameFounders(a: readonly Founder[], b: readonly Founder[]): boolean {
  return (
    a.length === b.length &&
    a.every((founder, at) => {
      const other = b[at] as Founder
      return founder.name === other.name && equalBytes(founder.incarnation, other.incarnation)
    })
  )
}

const stages: readonly BootstrapStage[] = ['new', 'intent', 'member', 'joining']

/** Facts as bytes: the `extra` part of a hello, and a message whenever they change. */
export function encodeFacts(facts: BootstrapFacts): Uint8Array {
  const writer = new ByteWriter()
  writer.u8(1)
  writer.string(facts.name)
  writer.raw(facts.incarnation)
  writer.string(facts.address)
  writer.u8(stages.indexOf(facts.stage))
  writer.string(facts.peers)
  writer.uint(facts.founders.length)
  for (const founder of facts.founders) {
    writer.string(founder.name)
    writer.raw(founder.incarnation)
    writer.string(founder.address)
  }
  return writer.take()
}

/** The inverse of {@link encodeFacts}. Throws `MalformedFrame`, `UnsupportedFormat`. */
export function decodeFacts(bytes: Uint8Array): BootstrapFacts {
  const reader = new ByteReader(bytes)
  const format = reader.u8()
  if (format !== 1) throw new NitroError('UnsupportedFormat', `bootstrap facts of format ${format}`)
  const name = reader.string()
  const incarnation = reader.raw(16).slice()
  const address = reader.string()
  const stage = stages[reader.u8()]
  const peers = reader.string()
  const count = reader.uint()
  if (stage === undefined || count > 1000) throw new NitroError('MalformedFrame', 'malformed bootstrap facts')
  const founders = Array.from({ length: count }, () => ({
    name: reader.string(),
    incarnation: reader.raw(16).slice(),
    address: reader.string(),
  }))
  reader.finish()
  return { name, incarnation, address, stage, peers, founders }
}
