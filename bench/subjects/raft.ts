/** The core alone: three members in one process over memory storage, messages delivered at once. */
import { assert } from '../../base/index.ts'
import { MemoryStorage, RawNode, emptyConfState } from '../../consensus/index.ts'
import type { Message } from '../../consensus/index.ts'
import type { Subject } from '../harness/measure.ts'
import { seededRandom } from '../harness/random.ts'

const members = [1, 2, 3]
const retainedMax = 10_000
const calls = 64

/** Proposals and read indexes, until every member is quiet again. */
export const raft: Subject = {
  name: 'raft',
  async run(measure) {
    const group = new Group()
    const { leader } = group
    const data = seededRandom().bytes(256)
    for (const inFlight of [1, 64]) {
      await measure({
        name: `raft.proposeToCommit/members=3,bytes=256,inFlight=${inFlight}`,
        ops: calls,
        run() {
          for (let done = 0; done < calls; done += inFlight) {
            for (let i = 0; i < inFlight; i++) leader.propose(data)
            group.settle()
          }
        },
        after: () => group.compact(),
      })
    }
    let round = 0
    await measure({
      name: 'raft.readIndex/members=3',
      ops: calls,
      run() {
        for (let i = 0; i < calls; i++) {
          leader.readIndex(Uint8Array.of(round & 0xff, (round >> 8) & 0xff, (round >> 16) & 0xff, round >>> 24))
          round++
          group.settle()
        }
      },
    })
  },
}

class Group {
  readonly leader: RawNode
  private readonly storages = members.map(() => new MemoryStorage())
  private readonly nodes: readonly RawNode[]

  constructor() {
    const random = seededRandom(7)
    this.nodes = members.map((id, at) => {
      const storage = this.storages[at] as MemoryStorage
      storage.bootstrap({ ...emptyConfState, voters: members })
      const draw = (bound: number): number => random.u32() % bound
      return new RawNode({ id, electionTick: 10, heartbeatTick: 1, storage, random: draw })
    })
    this.leader = this.nodes[0] as RawNode
    this.leader.campaign()
    this.settle()
    assert(this.leader.isLeader, 'the first member leads')
  }

  /** Carries out every Ready until no member has one. */
  settle(): void {
    for (let busy = true; busy;) {
      busy = false
      for (let at = 0; at < this.nodes.length; at++) {
        const node = this.nodes[at] as RawNode
        if (!node.hasReady()) continue
        busy = true
        this.carryOut(node, this.storages[at] as MemoryStorage)
      }
    }
  }

  private carryOut(node: RawNode, storage: MemoryStorage): void {
    const { hardState, entries, messages } = node.ready()
    if (hardState !== undefined) storage.setHardState(hardState)
    storage.append(entries)
    node.advance()
    for (const message of messages) this.deliver(message)
  }

  private deliver(message: Message): void {
    this.nodes[message.to - 1]?.step(message)
  }

  /** Forgets entries that all members have, once there are many. */
  compact(): void {
    for (const storage of this.storages) {
      const last = storage.lastIndex()
      if (last - storage.firstIndex() > retainedMax) storage.compact(last - 1)
    }
  }
}
