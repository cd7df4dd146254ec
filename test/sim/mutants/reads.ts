/** Mutants of linearizable reads. */
import type { Mutant } from './mutant.ts'

/** Broken reads. */
export const reads: readonly Mutant[] = [
  {
    name: 'read-id-reused',
    why: 'all attempts have one id, so a late answer to an earlier one serves reads that came after it (etcd 20418)',
    climate: 'far',
    patches: [
      {
        file: 'src/replica/reads.ts',
        find: 'writer.u64(++this.counter)',
        replace: 'writer.u64(1 + 0 * this.counter)',
      },
    ],
    breaks: ['linearizable'],
  },
  {
    name: 'read-before-first-commit',
    why: 'a new leader answers by the commit index it happens to know, before it committed anything of its own term',
    climate: 'tails',
    patches: [
      {
        file: 'consensus/raft/read-index.ts',
        find: 'return raft.log.termOrZero(raft.log.committed) === raft.term',
        replace: 'return raft.log.committed >= 0',
      },
    ],
    breaks: ['linearizable'],
  },
  {
    name: 'read-without-round',
    why: 'a leader answers without asking whether it still is one',
    climate: 'apart',
    patches: [
      {
        file: 'consensus/raft/read-index.ts',
        find: 'const alone = raft.tracker.isSingleton(raft.id)',
        replace: "const alone = raft.role === 'leader'",
      },
    ],
    breaks: ['linearizable'],
  },
  {
    name: 'read-joins-a-barrier-under-way',
    why: 'a read is served by a barrier that began before it, so it may miss what was written in between',
    climate: 'near',
    patches: [
      {
        file: 'src/replica/reads.ts',
        find: 'if (waiting + (this.attempt?.waiters.length ?? 0) < waitersMax) this.next.push(waiter)',
        replace: `if (this.attempt !== undefined) this.attempt.waiters.push(waiter)
    else if (waiting < waitersMax) this.next.push(waiter)`,
      },
    ],
    breaks: ['linearizable'],
  },
  {
    name: 'read-before-applied',
    why: 'a read is served as soon as its index is known, before the state has reached it',
    climate: 'near',
    patches: [
      {
        file: 'src/replica/reads.ts',
        find: 'while (this.confirmed.length > 0 && (this.confirmed[0] as Confirmed).index <= reached) {',
        replace: 'while (this.confirmed.length > 0 && reached > 0) {',
      },
    ],
    breaks: ['linearizable'],
  },
]
