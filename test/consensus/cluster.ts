/**
 * A group of cores over memory storage and a network that does what a test says. Nothing here waits or draws a lot.
 */
import { text, utf8 } from '../../base/index.ts'
import { MemoryStorage, RawNode, asV2, confChangeOf, emptyConfState } from '../../consensus/index.ts'
import type {
  ConfChangeSingle,
  ConfState,
  Entry,
  Message,
  RaftConfig,
  Ready,
  Transition,
} from '../../consensus/index.ts'

export type Options = Partial<Omit<RaftConfig, 'id' | 'storage'>>

/** One node with its disk and its state: the list of applied payloads. */
export interface Member {
  readonly id: number
  readonly storage: MemoryStorage
  node: RawNode
  applied: string[]
  appliedIndex: number
  confState: ConfState
  /** Indexes of answered reads by name, in the order of the answers. */
  readonly reads: [name: string, index: number][]
  /** A node that is down neither hears nor says anything. */
  up: boolean
}

export class Cluster {
  readonly members = new Map<number, Member>()
  readonly options: Options
  network: Message[] = []
  /** Messages for which this holds are lost. */
  lose: (m: Message) => boolean = () => false

  /** `count` voters with ids from 1, at an empty log. */
  constructor(count: number, options: Options = {}) {
    this.options = options
    const voters = Array.from({ length: count }, (_, i) => i + 1)
    for (const id of voters) this.add(id, { ...emptyConfState, voters })
  }

  /** A node that begins with an empty log and the given configuration. */
  add(id: number, confState: ConfState = emptyConfState): Member {
    const storage = new MemoryStorage()
    storage.bootstrap(confState)
    const member: Member = {
      id,
      storage,
      node: this.start(id, storage, 0),
      applied: [],
      appliedIndex: 0,
      confState,
      reads: [],
      up: true,
    }
    this.members.set(id, member)
    return member
  }

  private start(id: number, storage: MemoryStorage, applied: number): RawNode {
    const defaults = { electionTick: 10, heartbeatTick: 1, preVote: false, checkQuorum: false, random: () => id }
    return new RawNode({ ...defaults, ...this.options, id, storage, applied })
  }

  at(id: number): Member {
    const member = this.members.get(id)
    if (member === undefined) throw new Error(`no member ${id}`)
    return member
  }

  node(id: number): RawNode {
    return this.at(id).node
  }

  /** Comes back with its disk: a snapshot, if there is one, and the log. */
  restart(id: number): void {
    const member = this.at(id)
    const snapshot = member.storage.snapshot()
    member.applied = snapshot.data.length === 0 ? [] : (JSON.parse(text(snapshot.data)) as string[])
    member.appliedIndex = snapshot.meta.index
    member.confState = snapshot.meta.confState
    member.node = this.start(id, member.storage, 0)
    member.up = true
    this.network = this.network.filter((m) => m.to !== id)
  }

  /** Carries out one Ready of a node. */
  handle(member: Member): Ready {
    const ready = member.node.ready()
    if (ready.hardState !== undefined) member.storage.setHardState(ready.hardState)
    if (ready.snapshot !== undefined && member.storage.applySnapshot(ready.snapshot)) {
      member.applied = JSON.parse(text(ready.snapshot.data)) as string[]
      member.appliedIndex = ready.snapshot.meta.index
      member.confState = ready.snapshot.meta.confState
    }
    member.storage.append(ready.entries)
    for (const entry of ready.committedEntries) this.apply(member, entry)
    for (const read of ready.readStates) member.reads.push([text(read.context), read.index])
    this.network.push(...ready.messages)
    member.node.advance()
    return ready
  }

  private apply(member: Member, entry: Entry): void {
    const change = confChangeOf(entry)
    if (change !== undefined) member.confState = member.node.applyConfChange(asV2(change))
    else if (entry.data.length > 0) member.applied.push(text(entry.data))
    member.appliedIndex = entry.index
  }

  /** Takes a snapshot of a node's state and drops its log up to there. */
  compact(id: number): void {
    const { storage, applied, appliedIndex, confState } = this.at(id)
    storage.createSnapshot(appliedIndex, confState, utf8(JSON.stringify(applied)))
    storage.compact(appliedIndex)
  }

  /** Readys of all nodes until none is left; messages pile up. */
  work(): void {
    for (const member of this.members.values()) while (member.up && member.node.hasReady()) this.handle(member)
  }

  /** Delivers what is in the network once. */
  deliver(): void {
    for (const m of this.network.splice(0)) {
      const target = this.members.get(m.to)
      if (target?.up !== true || this.members.get(m.from)?.up !== true || this.lose(m)) continue
      target.node.step(m)
    }
  }

  /** Readys and messages until nothing is left. */
  settle(): void {
    this.work()
    while (this.network.length > 0) {
      this.deliver()
      this.work()
    }
  }

  tick(id: number, count = 1): void {
    for (let i = 0; i < count; i++) this.node(id).tick()
  }

  /** Campaigns and settles. */
  elect(id: number): void {
    this.node(id).campaign()
    this.settle()
    if (!this.node(id).isLeader) throw new Error(`${id} did not win`)
  }

  propose(id: number, value: string): void {
    this.node(id).propose(utf8(value))
  }

  change(id: number, steps: readonly ConfChangeSingle[], transition: Transition = 'auto'): string {
    return this.node(id).proposeConfChange({ version: 2, transition, changes: steps, context: new Uint8Array() })
      .refused
  }

  /** Loses everything to and from the given nodes. */
  isolate(...ids: readonly number[]): void {
    this.lose = (m) => ids.includes(m.to) || ids.includes(m.from)
  }

  heal(): void {
    this.lose = () => false
  }

  /** The terms of a node's log, from the first entry. */
  terms(id: number): number[] {
    const { storage } = this.at(id)
    const terms: number[] = []
    for (let i = storage.firstIndex(); i <= storage.lastIndex(); i++) terms.push(storage.term(i) as number)
    return terms
  }

  commit(id: number): number {
    return this.node(id).basicStatus().hardState.commit
  }
}

/** A bare core and the means to see what it says. */
export function lone(
  id: number,
  voters: readonly number[],
  options: Options = {},
): { cluster: Cluster; member: Member } {
  const cluster = new Cluster(0, options)
  return { cluster, member: cluster.add(id, { ...emptyConfState, voters }) }
}
