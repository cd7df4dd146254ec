/** Mutants of leases and of log time. */
import type { Mutant } from './mutant.ts'

/** Broken leases. */
export const leases: readonly Mutant[] = [
  {
    name: 'log-time-never-corrected',
    why: "a follower takes the larger of its own estimate and the leader's time, so a fast clock ends leases early once it leads",
    climate: 'clocks',
    patches: [
      {
        file: 'src/replica/log-clock.ts',
        find: '    this.estimateMs = Math.max(logTimeMs, this.stampMs)',
        replace: '    this.estimateMs = Math.max(logTimeMs, this.stampMs, this.estimateMs)',
      },
    ],
    breaks: ['lease bound'],
  },
  {
    name: 'renewal-without-effect',
    why: 'a keep-alive is acknowledged, and the lease ends as if nobody had asked',
    climate: 'clocks',
    patches: [
      {
        file: 'execution/leases.ts',
        find: '    if (deadline !== lease.deadline) {',
        replace: '    if (deadline < lease.deadline) {',
      },
    ],
    breaks: ['lease bound'],
  },
  {
    name: 'renewal-lost-in-a-restart',
    why: 'only grants are written to disk: a restarted node knows the first deadline of a lease',
    climate: 'clocks',
    patches: [
      {
        file: 'execution/leases.ts',
        find: '      lease.deadline = deadline\n      this.heap.moved(lease)\n      this.touch(lease)\n',
        replace: '      lease.deadline = deadline\n      this.heap.moved(lease)\n      lease.isStale = false\n',
      },
    ],
    breaks: ['lease bound', 'one history', 'equal state', 'state survives crashes'],
  },
  {
    name: 'keep-alive-of-a-due-lease',
    why: 'a lease that is over, but not swept yet, is renewed: others were told already that it has ended',
    climate: 'backlog',
    patches: [
      {
        file: 'execution/leases.ts',
        find: '    const lease = this.find(id)\n    if (lease === undefined) return 0\n',
        replace: '    const lease = this.byId.get(id)\n    if (lease === undefined) return 0\n',
      },
    ],
    breaks: ['ended leases stay ended'],
  },
  {
    name: 'attachments-lost-in-a-restart',
    why: 'a node that loads its state forgets which keys are attached, and keeps them when the lease ends',
    climate: 'engine',
    patches: [
      {
        file: 'execution/loader.ts',
        find: '      state.leaseKeys.move(key, 0, records.lease(record))\n',
        replace: '      state.leaseKeys.move(key, 0, 0)\n',
      },
    ],
    breaks: ['one history', 'equal state'],
  },
  {
    name: 'keys-outlive-their-lease',
    why: 'a lease that ends by time leaves its last key behind',
    climate: 'engine',
    patches: [
      {
        file: 'execution/leases.ts',
        find: '    const keys = state.leaseKeys.sorted(lease.id)\n',
        replace: '    const keys = state.leaseKeys.sorted(lease.id).slice(0, 1)\n',
      },
    ],
    breaks: ['lease bound'],
  },
]
