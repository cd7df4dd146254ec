/**
 * The group of an interaction transcript: nodes 1..n over memory storage, and one flat list of messages in flight.
 */
import type {
  MemoryStorage,
  Message,
  RaftConfig,
  RaftStorage,
  RawNode,
  Snapshot,
  StepOutcome,
} from '../../consensus/index.ts'
import { Output } from './output.ts'

/** One member with its disk, its storage threads' work and the history of its state. */
export interface Member {
  readonly node: RawNode
  readonly config: RaftConfig
  readonly storage: MemoryStorage
  readonly appendWork: Message[]
  readonly applyWork: Message[]
  /** The state after each applied entry; the last one is the storage's snapshot. */
  readonly history: Snapshot[]
}

/** Everything that a transcript acts on. */
export class Environment {
  readonly members: Member[] = []
  messages: Message[] = []
  readonly output = new Output()

  member(id: number): Member {
    const member = this.members[id - 1]
    if (member === undefined) throw new Error(`there is no node ${id}`)
    return member
  }
}

/** Memory storage whose snapshot is always the newest state of the member's history. */
export function storageWithHistory(storage: MemoryStorage, history: readonly Snapshot[]): RaftStorage {
  return {
    initialState: () => storage.initialState(),
    entries: (lo, hi, maxBytes) => storage.entries(lo, hi, maxBytes),
    term: (index) => storage.term(index),
    firstIndex: () => storage.firstIndex(),
    lastIndex: () => storage.lastIndex(),
    snapshot: () => history.at(-1) as Snapshot,
  }
}

/** An outcome in etcd's words; '' for success. */
export function outcomeText(outcome: StepOutcome): string {
  if (outcome === 'unknownPeer') return 'raft: cannot step as peer not found'
  if (outcome === 'localMessage') return 'raft: cannot step raft local message'
  return outcome === 'ok' ? '' : 'raft proposal dropped'
}
