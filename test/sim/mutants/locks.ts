/** Mutants of who holds what by the log: the sync program of the machine, and the time that it goes by. */
import type { Mutant } from './mutant.ts'

const syncFile = 'execution/sync/sync.ts'
const resourceFile = 'execution/sync/resource.ts'
const lines = (...all: string[]): string => all.join('\n')
const programFile = 'execution/programs/sync.ts'

/** Broken locks and elections. */
export const locks: readonly Mutant[] = [
  {
    name: 'clock-of-followers-maxed',
    why: "a follower takes the larger of its own estimate and the leader's time, so a fast one gives locks away early once it leads",
    climate: 'holders',
    patches: [
      {
        file: 'src/replica/log-clock.ts',
        find: '    this.estimateMs = Math.max(logTimeMs, this.stampMs)',
        replace: '    this.estimateMs = Math.max(logTimeMs, this.stampMs, this.now())',
      },
    ],
    breaks: ['held is true', 'one leader', 'guarded writes'],
  },
  {
    name: 'two-grants-in-one-revision',
    why: 'a hand-over takes the revision that freed the resource, and all who share get one token',
    climate: 'holders',
    patches: [
      {
        file: syncFile,
        find: '    const revision = this.state.revision + 1\n    const content = this.contentOf(entry)',
        replace: '    const revision = this.state.revision\n    const content = this.contentOf(entry)',
      },
    ],
    breaks: ['tokens rise'],
  },
  {
    name: 'guard-by-newest',
    why: 'a guard holds until somebody else was granted, though the grant is over',
    climate: 'holders',
    patches: [
      {
        file: 'execution/programs/txn.ts',
        find: 'return context.sync.holder(condition.grant) !== undefined',
        replace: lines(
          'return (',
          '  context.sync.holder(condition.grant) !== undefined ||',
          '  !context.sync.resources.get(resourceName(condition.grant))?.holders.size',
          ')',
        ),
      },
      {
        file: 'execution/programs/txn.ts',
        find: "import type { Sync } from '../sync/sync.ts'\n",
        replace: "import type { Sync } from '../sync/sync.ts'\nimport { resourceName } from '../sync/key.ts'\n",
      },
    ],
    breaks: ['guarded writes'],
  },
  {
    name: 'old-token-releases-the-holder',
    why: 'whoever gives back or proclaims acts for the one who holds now, under whatever token he does',
    climate: 'holders',
    patches: [
      {
        file: programFile,
        find: '  const entry = sync.holder(grant)\n',
        replace:
          '  const entry = sync.holder(grant) ?? sync.resources.get(resourceName(grant))?.holders.values().next().value\n',
      },
    ],
    breaks: ['held is true', 'one leader', 'guarded writes'],
  },
  {
    name: 'grant-outlives-its-session',
    why: 'a lease that ends takes the key of its grant along, and the grant still stands in the way',
    climate: 'holders',
    patches: [
      {
        file: syncFile,
        find: '    if (entry !== undefined) this.forget(entry)\n',
        replace: '    if (entry !== undefined && entry.token === 0) this.forget(entry)\n',
      },
    ],
    breaks: ['no lost waiter'],
  },
  {
    name: 'release-forgets-the-queue',
    why: 'what is given back is granted to nobody until something else happens to it',
    climate: 'holders',
    patches: [
      {
        file: syncFile,
        find: '    const revision = this.take(entry)\n    this.settle()\n',
        replace: '    const revision = this.take(entry)\n',
      },
    ],
    breaks: ['no lost waiter'],
  },
  {
    name: 'expiry-forgets-the-queue',
    why: 'what becomes free because a time is up is granted to nobody',
    climate: 'holders',
    patches: [{ file: 'execution/expiry.ts', find: '  sync.settle()\n', replace: '' }],
    breaks: ['no lost waiter'],
  },
  {
    name: 'last-come-first-served',
    why: 'an acquisition that has to wait stands at the head of the queue',
    climate: 'holders',
    patches: [
      {
        file: resourceFile,
        find: lines(
          '    entry.before = this.last',
          '    if (this.last === undefined) this.first = entry',
          '    else this.last.after = entry',
          '    this.last = entry',
        ),
        replace: lines(
          '    entry.after = this.first',
          '    if (this.first === undefined) this.last = entry',
          '    else this.first.before = entry',
          '    this.first = entry',
        ),
      },
    ],
    breaks: ['first come, first served'],
  },
  {
    name: 'readers-overtake-writers',
    why: 'a reader is let in beside others although a writer waits',
    climate: 'holders',
    patches: [
      {
        file: syncFile,
        find: 'const isFree = resource.waiting === 0 && resource.admits(entry.isExclusive)',
        replace: 'const isFree = resource.admits(entry.isExclusive)',
      },
    ],
    breaks: ['first come, first served'],
  },
  {
    name: 'one-permit-too-many',
    why: 'a semaphore lets in one more than it has permits',
    climate: 'holders',
    patches: [{ file: resourceFile, find: 'holders.size >= capacity', replace: 'holders.size > capacity' }],
    breaks: ['grants exclude each other'],
  },
  {
    name: 'writer-joins-readers',
    why: 'whether one wants a resource alone is asked of those who hold it only',
    climate: 'holders',
    patches: [
      {
        file: resourceFile,
        find: '    if (isExclusive || (capacity',
        replace: '    if ((isExclusive && capacity === 1) || (capacity',
      },
    ],
    breaks: ['grants exclude each other'],
  },
  {
    name: 'token-changes-in-a-restart',
    why: 'a node that loads its state takes the place in the queue for the token, and knows the true one no more',
    climate: 'heirs',
    patches: [
      { file: syncFile, find: '    entry.token = content.token\n', replace: '    entry.token = at.sequence\n' },
    ],
    breaks: ['guarded writes', 'tokens rise', 'one history', 'equal state'],
  },
  {
    name: 'queue-in-the-order-of-keys',
    why: 'the sequence stands in keys with its lowest byte first, so a loaded queue is not in the order of arrival',
    climate: 'heirs',
    patches: [
      {
        file: 'execution/sync/key.ts',
        find: '  return entryTag + resource + unsigned(sequence, 8)\n',
        replace: "  return entryTag + resource + [...unsigned(sequence, 8)].toReversed().join('')\n",
      },
      {
        file: 'execution/sync/key.ts',
        find: 'view.getBigUint64(reader.at))',
        replace: 'view.getBigUint64(reader.at, true))',
      },
    ],
    breaks: ['first come, first served', 'one history', 'equal state'],
  },
  {
    name: 'handed-over-before-its-time',
    why: 'a holder is passed over some time before its lease has ended',
    climate: 'holders',
    patches: [
      {
        file: syncFile,
        find: '    return this.leases.find(lease) !== undefined && (',
        replace: '    return (this.leases.find(lease)?.deadline ?? 0) > this.leases.logTime + 400 && (',
      },
      {
        file: syncFile,
        find: '    if (this.isAnythingDue) {\n',
        replace: '    if (this.isAnythingDue || this.leases.logTime > 0) {\n',
      },
    ],
    breaks: ['held is true', 'one leader', 'guarded writes'],
  },
]
