/** Mutants of what holders and waiters believe, and of what clients leave behind. */
import type { Mutant } from './mutant.ts'

/** Broken holders, waiters and observers. */
export const holders: readonly Mutant[] = [
  {
    name: 'holder-forgets-skew',
    why: 'a holder relies on its lease for the whole time to live, as if its clock ran like that of the cluster',
    climate: 'holders',
    patches: [
      {
        file: 'src/store/session.ts',
        find: '(ttlMs * (1 - skew)) / (1 + skew) - 2 * skew * beatMs - 1',
        replace: 'ttlMs + 0 * skew * beatMs - 1',
      },
    ],
    breaks: ['held is true', 'one leader', 'guarded writes'],
  },
  {
    name: 'renewal-counts-from-its-reply',
    why: 'a holder counts its time from when a renewal was answered, not from when it was sent; the answer may have taken long',
    climate: 'deaf',
    patches: [
      {
        file: 'src/store/session.ts',
        find: '      () => this.acknowledged(sentMs),',
        replace: '      () => this.acknowledged(this.clock.monotonicMs()),',
      },
    ],
    breaks: ['held is true', 'one leader', 'guarded writes'],
  },
  {
    name: 'session-counts-from-its-reply',
    why: 'the first time of a session is counted from when its lease was granted to it, not from when it asked',
    climate: 'deaf',
    patches: [
      {
        file: 'src/store/session.ts',
        find: 'granted.id, granted.ttlMs, sentMs, () =>',
        replace: 'granted.id, granted.ttlMs, clock.monotonicMs() + 0 * sentMs, () =>',
      },
    ],
    breaks: ['held is true', 'one leader', 'guarded writes'],
  },
  {
    name: 'longest-hold-counts-from-its-reply',
    why: 'how long a grant may be held is counted from when its holder learned of it',
    climate: 'holders',
    patches: [
      {
        file: 'src/sync/acquire.ts',
        find: 'sentMs + this.ports.holderMs(maxHoldMs),',
        replace: 'this.ports.clock.monotonicMs() + 0 * sentMs + maxHoldMs,',
      },
    ],
    breaks: ['held is true', 'one leader', 'guarded writes'],
  },
  {
    name: 'signal-lost-in-a-pause',
    why: 'the timer of the bound does nothing when it comes late, as it does in a process that was stopped',
    climate: 'holders',
    patches: [
      {
        file: 'src/store/session.ts',
        find: "    if (leftMs <= 0 || this.ended !== undefined) this.end('lost', this.lostError())\n",
        replace: "    if (leftMs < -100) return\n    if (leftMs <= 0) this.end('lost', this.lostError())\n",
      },
    ],
    breaks: ['signal in time'],
  },
  {
    name: 'leader-goes-by-its-signal',
    why: 'a leader takes itself for one until its signal fires, and the timer of that comes late after a pause',
    climate: 'holders',
    patches: [
      {
        file: 'src/sync/locks.ts',
        find: '  private readonly ports: SyncPorts\n\n',
        replace:
          "  private readonly ports: SyncPorts\n\n  override get state() { return this.signal.aborted ? this.grant.state : 'held' }\n\n",
      },
    ],
    breaks: ['one leader'],
  },
  {
    name: 'ghost-waiter-after-a-cancel',
    why: 'an acquisition that its caller gives up is not taken out of the queue',
    climate: 'callers',
    patches: [
      {
        file: 'src/sync/acquire.ts',
        find: '      if (!isNothing) this.abandon(attempt)\n',
        replace: '      if (!isNothing && !stop.signal.aborted) this.abandon(attempt)\n',
      },
    ],
    breaks: ['nothing left behind', 'every acquire ends'],
  },
  {
    name: 'ghost-holder-after-a-lost-reply',
    why: 'an acquisition without an answer is taken for one that did not happen',
    climate: 'callers',
    patches: [
      {
        file: 'src/sync/acquire.ts',
        find: "const isNothing = !attempt.entered && !stop.signal.aborted && isNitroError(error) && error.executed === 'no'",
        replace: 'const isNothing = !attempt.entered && !stop.signal.aborted',
      },
    ],
    breaks: ['nothing left behind', 'every acquire ends'],
  },
  {
    name: 'release-given-up',
    why: 'a release without an answer is left at that, though the caller has let go',
    climate: 'callers',
    patches: [
      {
        file: 'src/sync/acquire.ts',
        find: "          if (!isNitroError(error, 'NotHeld')) this.abandon(attempt)\n",
        replace: '',
      },
    ],
    breaks: ['nothing left behind', 'every acquire ends'],
  },
  {
    name: 'waiter-looks-too-late',
    why: 'a waiter watches for its grant from too far on, and misses one that follows its coming at once',
    climate: 'callers',
    patches: [
      {
        file: 'src/sync/acquire.ts',
        find: '    for (let from = sequence + 1; ;) {',
        replace: '    for (let from = sequence + 3; ;) {',
      },
    ],
    breaks: ['every acquire ends', 'nothing left behind'],
  },
  {
    name: 'observer-skips-a-revision',
    why: 'between what an observer was shown first and what it follows from there lies a revision that it never sees',
    climate: 'holders',
    patches: [
      {
        file: 'src/sync/entries.ts',
        find: 'revision + 1, signal, ({ key, entry })',
        replace: 'revision + 2, signal, ({ key, entry })',
      },
    ],
    breaks: ['elections in order'],
  },
  {
    name: 'observer-takes-the-candidate',
    why: 'an observer takes the one who came last for the leader, granted or not',
    climate: 'holders',
    patches: [
      {
        file: 'src/sync/observe.ts',
        find: '      if (token === 0 || (leader !== undefined && leader.token < token)) continue\n',
        replace: '      if (leader !== undefined && leader.token > token) continue\n',
      },
    ],
    breaks: ['elections in order'],
  },
]
