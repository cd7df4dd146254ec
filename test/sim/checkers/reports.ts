/** Reports of a run made by hand, for tests of checkers. */
import type { Entry, Message, Ready, Role } from '../../../consensus/index.ts'
import { newMessage } from '../../../consensus/index.ts'
import type { Machine } from '../../../execution/index.ts'
import type { ObservedMember } from '../../../src/replica/index.ts'

/** An entry; its data is a byte. */
export function entry(index: number, term: number, byte = 0): Entry {
  return { index, term, type: 'normal', data: Uint8Array.of(byte) }
}

/** Entries 1, 2, ... of these terms. */
export function entries(...terms: number[]): Entry[] {
  return terms.map((term, i) => entry(i + 1, term))
}

/** Voters of a configuration; `outgoing` if it is joint. */
export interface FakeVoters {
  readonly incoming: readonly number[]
  readonly outgoing?: readonly number[]
  /** How far a leader counts each follower. */
  readonly match?: ReadonlyMap<number, number>
}

/** A member as it opens, with what is on its disk. */
export function member(
  raftId: number,
  disk: { term?: number; vote?: number; entries?: readonly Entry[]; base?: number; baseTerm?: number } = {},
  voters: FakeVoters = { incoming: [1, 2, 3] },
): ObservedMember {
  const { term = 0, vote = 0, base = 0, baseTerm = 0 } = disk
  const held = disk.entries ?? []
  const log = {
    hardState: { term, vote, commit: base },
    firstIndex: () => base + 1,
    lastIndex: () => base + held.length,
    term: (index: number) => (index === base ? baseTerm : held[index - base - 1]?.term),
    entries: (lo: number, hi: number) => held.slice(lo - base - 1, hi - base - 1),
  }
  const configuration = { outgoing: [], ...voters }
  const matchOf = (id: number): number => voters.match?.get(id) ?? 0
  const core = { term, configuration, matchOf, status: () => ({ config: configuration }) }
  return { raftId, log, core } as unknown as ObservedMember
}

/** What a core hands out. */
export function ready(parts: Partial<Ready> & { readonly role?: Role; readonly lead?: number } = {}): Ready {
  const { role, lead = 0 } = parts
  return {
    softState: role === undefined ? undefined : { role, lead },
    hardState: undefined,
    readStates: [],
    entries: [],
    snapshot: undefined,
    committedEntries: [],
    messages: [],
    mustSync: false,
    ...parts,
  }
}

/** A message. */
export function message(type: Message['type'], parts: Partial<Message> = {}): Message {
  return { ...newMessage(type), ...parts }
}

/** A machine that stands somewhere. */
export function machine(
  appliedIndex: number,
  parts: { term?: number; hash?: number; revision?: number } = {},
): Machine {
  const { term = 1, hash = appliedIndex, revision = appliedIndex } = parts
  const known = { appliedIndex, appliedTerm: term, revision, stateHash: () => Uint32Array.of(hash, 0, 0, 0) }
  return known as unknown as Machine
}
