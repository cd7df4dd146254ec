/** Mutants of replication and of the commit rule. */
import type { Mutant } from './mutant.ts'

/** Broken replication. */
export const replication: readonly Mutant[] = [
  {
    name: 'older-term-committed-by-count',
    why: 'an entry of an older term on a majority is taken for committed; a log with a newer term can still replace it (figure 8)',
    climate: 'tails',
    patches: [
      {
        file: 'consensus/raft/log.ts',
        find: 'if (index <= this.committed || term === 0 || this.termOrZero(index) !== term) return false',
        replace: 'if (index <= this.committed || term === 0) return false',
      },
    ],
    breaks: ['committed is durable'],
  },
  {
    name: 'truncation-on-any-append',
    why: 'a follower drops what it has behind an append, also when the append is an old one that agrees with its log',
    climate: 'routes',
    patches: [
      {
        file: 'consensus/raft/log.ts',
        find: '    const conflict = this.findConflict(entries)\n',
        replace: `    const firstNew = entries.find((entry) => entry.index > this.committed)
    const conflict = this.findConflict(entries) || (firstNew?.index ?? 0)
`,
      },
    ],
    breaks: ['counted copies exist', 'committed is durable', 'leader completeness'],
  },
  {
    name: 'anchor-not-checked',
    why: 'a follower appends without having the entry before, so logs agree at the end and differ before it',
    climate: 'turmoil',
    patches: [
      {
        file: 'consensus/raft/log.ts',
        find: 'if (!this.matches(prevIndex, prevTerm)) return -1',
        replace: 'if (prevIndex > this.lastIndex()) return -1',
      },
    ],
    breaks: ['counted copies exist', 'log matching', 'state machine safety', 'committed is durable'],
  },
  {
    name: 'conflict-kept',
    why: 'a follower keeps a conflicting suffix where it has entries already',
    climate: 'tails',
    patches: [
      {
        file: 'consensus/raft/log.ts',
        find: '      if (this.matches(index, term)) continue\n',
        replace: '      if (this.matches(index, term) || index <= this.lastIndex()) continue\n',
      },
    ],
    breaks: ['counted copies exist', 'log matching', 'state machine safety', 'committed is durable'],
  },
  {
    name: 'acknowledgement-before-fsync',
    why: 'an append is acknowledged while it is still being written',
    climate: 'power',
    patches: [
      {
        file: 'src/replica/driver.ts',
        find: 'if (message.to === localAppendThread) append = message\n',
        replace: `if (message.to === localAppendThread) {
        const acks = message.responses.filter((one) => one.type === 'MsgAppResp' && one.to !== this.core.id)
        this.release(acks)
        append = { ...message, responses: message.responses.filter((one) => !acks.includes(one)) }
      }
`,
      },
    ],
    breaks: ['promises before answers'],
  },
  {
    name: 'leader-counts-itself-before-fsync',
    why: 'the leader counts its own copy of an entry before it is on disk (etcd 14370)',
    climate: 'tails',
    patches: [
      {
        file: 'consensus/raft/replication.ts',
        find: '  raft.send(own)\n  return true',
        replace: `  const self = raft.tracker.progress.get(raft.id)
  if (self !== undefined) self.maybeUpdate(own.index)
  raft.send(own)
  return true`,
      },
    ],
    breaks: ['committed is durable', 'replies after durability'],
  },
  {
    name: 'heartbeat-commits-what-was-not-matched',
    why: 'a heartbeat tells a commit index beyond what the follower is known to share with the leader',
    climate: 'turmoil',
    patches: [
      {
        file: 'consensus/raft/replication.ts',
        find: 'm.commit = Math.min(progress.match, raft.log.committed)',
        replace: 'm.commit = raft.log.committed',
      },
      {
        file: 'consensus/raft/follower.ts',
        find: '  raft.log.commitTo(m.commit)\n  raft.leaderRound',
        replace: '  raft.log.commitTo(Math.min(m.commit, raft.log.lastIndex()))\n  raft.leaderRound',
      },
      {
        file: 'consensus/raft/follower.ts',
        find: '  if (m.commit > raft.log.lastIndex()) {',
        replace: '  if (m.commit > Number.MAX_SAFE_INTEGER) {',
      },
    ],
    breaks: ['state machine safety', 'equal state'],
  },
  {
    name: 'leader-forgets-its-tail',
    why: 'a new leader drops what it has beyond the commit index and writes over it',
    climate: 'turmoil',
    patches: [
      {
        file: 'consensus/raft/replication.ts',
        find: '  const last = raft.log.lastIndex()\n  const entries = proposed.map',
        replace: `  const begins = raft.pendingConfIndex === raft.log.lastIndex() && proposed.length === 1 && proposed[0]?.data.length === 0
  const last = begins ? raft.log.committed : raft.log.lastIndex()
  const entries = proposed.map`,
      },
    ],
    breaks: ['leader append-only'],
  },
]
