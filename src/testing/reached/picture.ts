/** Turns the reports of a run into rows of the coverage table. */
import type { Entry, Message, Ready } from '../../../consensus/index.ts'
import type { Machine } from '../../../execution/index.ts'
import type { ObservedMember } from '../../replica/index.ts'
import type { LogBatch } from '../../storage/index.ts'
import type { Operation } from '../checkers/history.ts'
import type { Picture } from '../checkers/checker.ts'
import type { Coverage } from './coverage.ts'

interface Seen {
  readonly member: ObservedMember
  lastIndex: number
  firstIndex: number
  voters: number
  learners: number
}

/** Counts what nodes do. */
export class CoveragePicture implements Picture {
  private readonly coverage: Coverage
  private readonly nodes = new Map<string, Seen>()
  private readonly asking = new Set<string>()
  private leader: string | undefined

  constructor(coverage: Coverage) {
    this.coverage = coverage
  }

  opened(node: string, member: ObservedMember): void {
    const { log, core } = member
    const { incoming, learners } = core.status().config
    this.nodes.set(node, {
      member,
      lastIndex: log.lastIndex(),
      firstIndex: log.firstIndex(),
      voters: incoming.length,
      learners: learners.length,
    })
  }

  down(node: string): void {
    this.nodes.delete(node)
    this.asking.delete(node)
  }

  leads(node: string): void {
    this.coverage.hit('cluster: leader elected')
    if (this.leader !== undefined && this.leader !== node) this.coverage.hit('cluster: leader replaced')
    this.leader = node
  }

  received(_node: string, message: Message): void {
    const { coverage } = this
    switch (message.type) {
      case 'MsgVoteResp':
        if (message.reject) coverage.hit('cluster: vote refused')
        return
      case 'MsgPreVoteResp':
        if (message.reject) coverage.hit('cluster: pre-vote refused')
        return
      case 'MsgAppResp':
        if (message.reject) coverage.hit('log: append refused')
        return
      case 'MsgTimeoutNow':
        coverage.hit('cluster: leadership handed over')
        return
      case 'MsgReadIndex':
        coverage.hit('read: asked by a follower')
        return
      default:
    }
  }

  /** A follower asks for one read index at a time: whoever asks before it was told asks again. */
  sent(node: string, { type }: Message): void {
    if (type !== 'MsgReadIndex') return
    if (this.asking.has(node)) this.coverage.hit('read: asked again')
    this.asking.add(node)
  }

  handsOut(node: string, ready: Ready): void {
    if (ready.readStates.length > 0) {
      this.coverage.hit('read: confirmed by a quorum', ready.readStates.length)
      this.asking.delete(node)
    }
    if (ready.softState?.role === 'candidate') this.coverage.hit('cluster: candidate without success')
    const seen = this.nodes.get(node)
    if (seen === undefined) return
    const first = seen.member.log.firstIndex()
    if (first > seen.firstIndex) this.coverage.hit('log: compacted')
    seen.firstIndex = Math.max(first, seen.firstIndex)
  }

  written(node: string, { entries, snapshot }: LogBatch): void {
    const seen = this.nodes.get(node)
    if (seen === undefined) return
    if (snapshot !== undefined) {
      this.coverage.hit('log: started after a snapshot')
      seen.lastIndex = Math.max(seen.lastIndex, snapshot.index)
    }
    const first = entries[0]
    const last = entries.at(-1)
    if (first === undefined || last === undefined) return
    if (first.index <= seen.lastIndex) this.coverage.hit('log: suffix replaced')
    seen.lastIndex = last.index
  }

  applied(node: string, entry: Entry, machine: Machine): void {
    if ((machine.nextDeadline ?? Infinity) <= machine.logTime) this.coverage.hit('lease: over and not swept')
    const seen = this.nodes.get(node)
    if (seen === undefined || entry.type === 'normal') return
    const { incoming, outgoing, learners } = seen.member.core.status().config
    if (outgoing.length > 0) this.coverage.hit('cluster: joint configuration')
    if (learners.length > seen.learners) this.coverage.hit('cluster: learner admitted')
    if (learners.length < seen.learners && incoming.length > seen.voters) this.coverage.hit('cluster: member promoted')
    seen.learners = learners.length
    seen.voters = incoming.length
  }

  ended({ outcome }: Operation): void {
    if (outcome === 'ok') this.coverage.hit('client: answered')
    if (outcome === 'unknown') this.coverage.hit('client: outcome unknown')
  }
}
