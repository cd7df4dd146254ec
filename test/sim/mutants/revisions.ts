/** Mutants of revisions: transactions, history, compaction, and reads of the past. */
import type { Mutant } from './mutant.ts'

/** Broken histories. */
export const revisions: readonly Mutant[] = [
  {
    name: 'revision-reused-after-an-expiry',
    why: 'the end of a lease does not count its revision, and the next write gets the same one',
    climate: 'engine',
    patches: [
      {
        file: 'execution/leases.ts',
        find: '    state.revision = revision\n    return keys.length',
        replace: '    return keys.length',
      },
    ],
    breaks: ['one history', 'transactions are atomic', 'revisions rise'],
  },
  {
    name: 'nested-transaction-in-a-revision-of-its-own',
    why: 'what a nested transaction changes becomes visible one revision after the rest',
    climate: 'engine',
    patches: [
      {
        file: 'execution/programs/txn.ts',
        find: '        writer.u8(operationKinds.txn)\n',
        replace:
          '        writer.u8(operationKinds.txn)\n        if (this.position > 0 || step.steps.length > 0) this.revision++\n',
      },
    ],
    breaks: ['transactions are atomic', 'one history'],
  },
  {
    name: 'failed-method-keeps-its-changes',
    why: 'a method that throws is not rolled back',
    climate: 'engine',
    patches: [
      {
        file: 'execution/user-programs.ts',
        find: '    if (first.outcome[0] === okStatus) first.tx.commit()',
        replace: '    first.tx.commit()',
      },
    ],
    breaks: ['transactions are atomic', 'one history'],
  },
  {
    name: 'condition-nearly-holds',
    why: 'a condition for an equal number holds for greater ones, too: a change in between is overwritten',
    climate: 'engine',
    patches: [
      { file: 'execution/txn.ts', find: '      return left === right\n', replace: '      return left >= right\n' },
    ],
    breaks: ['transactions are atomic'],
  },
  {
    name: 'version-goes-on-after-a-delete',
    why: 'a key that is made again goes on counting where it was deleted',
    climate: 'engine',
    patches: [
      {
        file: 'execution/state.ts',
        find: '    records.setVersion(record, 1)\n',
        replace: '    records.setVersion(record, gone === undefined ? 1 : 2)\n',
      },
    ],
    breaks: ['one history', 'watch guarantees'],
  },
  {
    name: 'past-seen-one-revision-early',
    why: 'a read of the past does not see what the revision itself changed',
    climate: 'engine',
    patches: [
      {
        file: 'execution/records.ts',
        find: 'record !== 0 && this.mod(record) > revision) record = this.older(record)',
        replace: 'record !== 0 && this.mod(record) >= revision) record = this.older(record)',
      },
    ],
    breaks: ['reads agree'],
  },
  {
    name: 'compaction-when-freed',
    why: 'what is compacted can be read as long as the node has not freed it: one node answers, another refuses',
    climate: 'hoard',
    patches: [
      {
        file: 'execution/range.ts',
        find: '  if (revision < history.compactRevision) throw',
        replace: '  if (revision < history.freedRevision) throw',
      },
    ],
    breaks: ['reads agree'],
  },
  {
    name: 'compaction-waits-for-the-flush',
    why: 'a node that writes its state at that moment keeps history that the others forget',
    climate: 'oblivion',
    patches: [
      {
        file: 'execution/machine.ts',
        find: '    state.history.compact(this.retention.compactable(state.revision, this.logTime))',
        replace:
          '    if (this.flush === undefined) state.history.compact(this.retention.compactable(state.revision, this.logTime))',
      },
    ],
    breaks: ['one history', 'equal state', 'reads agree'],
  },
  {
    name: 'tombstone-dropped-too-early',
    why: 'a delete at the compact revision itself is forgotten, though events from there on may be asked for',
    climate: 'oblivion',
    patches: [
      {
        file: 'execution/history.ts',
        find: '    const below = events.placeOf(upTo)\n',
        replace: `    let below = events.placeOf(upTo)
    for (; below < events.placeOf(upTo + 1); below++) {
      if (this.records.kind(events.at(below)) !== recordKinds.tombstone) break
    }
`,
      },
    ],
    breaks: ['one history', 'watch guarantees', 'reads agree'],
  },
  {
    name: 'follow-begins-too-late',
    why: 'a follower leaves out the first revision after the state that it has read',
    climate: 'engine',
    patches: [
      { file: 'src/store/follow.ts', find: 'fromRevision: revision + 1', replace: 'fromRevision: revision + 2' },
    ],
    breaks: ['reads agree'],
  },
]
