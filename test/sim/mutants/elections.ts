/** Mutants of elections and votes. */
import type { Mutant } from './mutant.ts'

/** Broken elections. */
export const elections: readonly Mutant[] = [
  {
    name: 'vote-before-fsync',
    why: 'a vote leaves while the promise is still being written: after a crash the node can vote again in the term',
    climate: 'power',
    patches: [
      {
        file: 'src/replica/driver.ts',
        find: 'if (message.to === localAppendThread) append = message\n',
        replace: `if (message.to === localAppendThread) {
        const votes = message.responses.filter((one) => one.type === 'MsgVoteResp')
        this.release(votes)
        append = { ...message, responses: message.responses.filter((one) => !votes.includes(one)) }
      }
`,
      },
    ],
    breaks: ['promises before answers'],
  },
  {
    name: 'two-votes-in-a-term',
    why: 'a node that voted for one candidate votes for another one in the same term',
    climate: 'turmoil',
    patches: [
      {
        file: 'consensus/raft/election.ts',
        find: '(raft.vote === none && raft.lead === none) ||',
        replace: 'raft.lead === none ||',
      },
    ],
    breaks: ['election safety'],
  },
  {
    name: 'up-to-date-check-skipped',
    why: 'a candidate that lacks committed entries can win (Raft paper, 5.4.1)',
    climate: 'turmoil',
    patches: [
      {
        file: 'consensus/raft/election.ts',
        find: 'const granted = canVote && raft.log.isUpToDate(m.index, m.logTerm)',
        replace: 'const granted = canVote',
      },
    ],
    breaks: ['leader completeness', 'state machine safety', 'log matching', 'committed is durable'],
  },
  {
    name: 'up-to-date-by-index-only',
    why: 'a long log of old terms beats a shorter one with newer, committed entries',
    climate: 'turmoil',
    patches: [
      {
        file: 'consensus/raft/log.ts',
        find: 'return lastTerm > ours || (lastTerm === ours && lastIndex >= this.lastIndex())',
        replace: 'return lastIndex >= this.lastIndex() || lastTerm > ours + 1_000_000',
      },
    ],
    breaks: ['leader completeness', 'state machine safety', 'committed is durable'],
  },
  {
    name: 'pre-vote-without-recent-leader-rule',
    why: 'a node that comes back from a partition deposes a leader that everybody else hears (dissertation, 4.2.3)',
    climate: 'turmoil',
    patches: [
      {
        file: 'consensus/raft/raft.ts',
        find: 'if (isVoteRequest(m.type) && !m.force && this.protectsLeader()) {',
        replace: "if (m.type === 'MsgVote' && !m.force && this.protectsLeader()) {",
      },
    ],
    breaks: ['stable leader'],
  },
  {
    name: 'minority-elects',
    why: 'half of the voters are taken for a majority, so that two halves can each elect a leader',
    climate: 'turmoil',
    patches: [
      {
        file: 'consensus/raft/quorum.ts',
        find: 'return Math.floor(count / 2) + 1',
        replace: 'return Math.max(1, Math.floor(count / 2))',
      },
    ],
    breaks: ['election safety', 'committed is durable', 'state machine safety'],
  },
  {
    name: 'vote-not-written',
    why: 'the witness keeps the term but not the vote: after a restart the node votes again',
    climate: 'power',
    patches: [
      {
        file: 'src/storage/log/log.ts',
        find: 'this.witness.update({ term: next.term, vote: next.vote })',
        replace: 'this.witness.update({ term: next.term, vote: 0 })',
      },
    ],
    breaks: ['what is written stays', 'election safety'],
  },
  {
    name: 'stale-term-answer-accepted',
    why: 'votes and acknowledgements that were given in an earlier term count in the present one',
    climate: 'routes',
    patches: [
      {
        file: 'consensus/raft/raft.ts',
        find: '} else if (m.term !== 0 && m.term < this.term) {',
        replace:
          "} else if (m.term !== 0 && m.term < this.term && m.type !== 'MsgVoteResp' && m.type !== 'MsgAppResp') {",
      },
    ],
    breaks: ['election safety', 'counted copies exist'],
  },
]
