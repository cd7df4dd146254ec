/** Mutants of the write-ahead log, the witness and the flush. */
import type { Mutant } from './mutant.ts'

/** Broken disks. */
export const disk: readonly Mutant[] = [
  {
    name: 'log-not-synced',
    why: 'a write of the log is reported as durable without a sync',
    climate: 'power',
    patches: [
      {
        file: 'src/storage/log/log.ts',
        find: '    await file.sync()\n    this.active.position = position + size\n',
        replace: '    this.active.position = position + size\n',
      },
    ],
    breaks: ['what is written stays'],
  },
  {
    name: 'failed-sync-ignored',
    why: 'a sync that failed is taken for one that worked, and what it should have written may be gone after a crash',
    climate: 'power',
    patches: [
      {
        file: 'src/storage/log/log.ts',
        find: '    await file.sync()\n    this.active.position = position + size\n',
        replace: '    await file.sync().catch(() => undefined)\n    this.active.position = position + size\n',
      },
    ],
    breaks: ['what is written stays'],
  },
  {
    name: 'witness-not-synced',
    why: 'term and vote are reported as durable without a sync of the only file that has them',
    climate: 'power',
    patches: [
      {
        file: 'src/storage/log/witness.ts',
        find: '    await this.file.sync()\n    this.sequence = sequence\n',
        replace: '    this.sequence = sequence\n',
      },
    ],
    breaks: ['what is written stays', 'election safety'],
  },
  {
    name: 'witness-ignored',
    why: 'term and vote are guessed from the records of the log, which do not hold the promises of later elections',
    climate: 'power',
    patches: [
      {
        file: 'src/storage/log/recovery.ts',
        find: 'return this.lastTerm > term ? { term: this.lastTerm, vote: 0, commit } : { term, vote, commit }',
        replace: 'return { term: this.lastTerm + 0 * (term + vote), vote: 0, commit }',
      },
    ],
    breaks: ['what is written stays', 'election safety'],
  },
  {
    name: 'damaged-tail-cut',
    why: 'a record that was damaged after it had been synced is cut off like one that was torn by a crash',
    climate: 'rot',
    patches: [
      {
        file: 'src/storage/log/recovery.ts',
        find: '  if (!isTorn(bytes, at, decodeHeader(crypto, bytes, view, at))) {',
        replace: '  if (at < 0 && !isTorn(bytes, at, decodeHeader(crypto, bytes, view, at))) {',
      },
      {
        file: 'src/storage/log/recovery.ts',
        find: '    if (header.durable > replay.number) {',
        replace: '    if (header.durable > replay.number + 1_000_000) {',
      },
      {
        file: 'src/storage/log/recovery.ts',
        find: '    if (this.number < this.durable) {',
        replace: '    if (this.number + 1_000_000 < this.durable) {',
      },
    ],
    breaks: ['what is written stays'],
  },
  {
    name: 'applied-index-apart-from-effects',
    why: 'the applied index is written before the effects of its entries, in a batch of its own (etcd 3.5)',
    climate: 'power',
    patches: [
      {
        file: 'src/replica/flusher.ts',
        find: '      .write(flush.changes)\n',
        replace:
          '      .write(flush.changes.slice(-1))\n      .then(() => this.state.write(flush.changes.slice(0, -1)))\n',
      },
    ],
    breaks: ['state survives crashes'],
  },
  {
    name: 'flush-position-from-live-variables',
    why: 'what a flush has made durable is read from the machine when the write ends, and by then the machine has gone on',
    climate: 'stalls',
    patches: [
      {
        file: 'src/replica/flusher.ts',
        find: '        this.durable = position\n',
        replace: '        this.durable = this.positionOf(machine)\n',
      },
    ],
    breaks: ['state survives crashes', 'equal state'],
  },
  {
    name: 'log-compacted-above-the-state',
    why: 'entries are forgotten when they are applied, not when their effects are on disk',
    climate: 'stalls',
    patches: [
      {
        file: 'src/replica/group.ts',
        find: 'this.compactor.run(this.flusher.durable.index, this.snapshots.neededFrom)',
        replace: 'this.compactor.run(this.parts.log.lastIndex(), this.snapshots.neededFrom)',
      },
    ],
    breaks: ['state survives crashes'],
  },
  {
    name: 'state-not-synced',
    why: 'a flush is reported as durable without a sync, and the log is compacted up to it',
    climate: 'power',
    patches: [
      {
        file: 'src/storage/state/state.ts',
        find: "    await this.current.batch(changes, { sync: true })\n    this.hook('state:after-write')",
        replace: "    await this.current.batch(changes, { sync: false })\n    this.hook('state:after-write')",
      },
    ],
    breaks: ['state survives crashes'],
  },
  {
    name: 'values-not-synced',
    why: 'the database durably names values that are not on disk yet',
    climate: 'power',
    patches: [
      {
        file: 'src/storage/values/separated.ts',
        find: 'if (options.sync && this.current?.isSynced === false) {',
        replace: "if (this.path === 'nowhere' && options.sync && this.current?.isSynced === false) {",
      },
    ],
    breaks: ['state survives crashes'],
  },
  {
    name: 'values-removed-before-they-are-forgotten',
    why: 'a file of values goes before the database has durably forgotten all that lies in it',
    climate: 'power',
    patches: [
      {
        file: 'src/storage/values/separated.ts',
        find: '    await this.kv.batch(stored, options)\n',
        replace: '',
      },
      {
        file: 'src/storage/values/separated.ts',
        find: 'places[at])\n    await this.removeUnused()\n',
        replace: 'places[at])\n    await this.removeUnused()\n    await this.kv.batch(stored, options)\n',
      },
    ],
    breaks: ['state survives crashes'],
  },
]
