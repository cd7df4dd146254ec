/**
 * What runs are expected to reach, as a list: a simulator that never gets into a situation proves nothing about it. Over 300
 * runs no row may stay at zero.
 *
 * To add a row: its name here, and a `hit` of it where it is seen. A row that comes from the nodes' log is one line in
 * {@link marks}; one that comes from reports is a handler in `picture.ts`.
 */

/** Named durability points of nodes, at which a run may take their power away. */
export const durabilityPoints = [
  'bootstrap:before-form',
  'bootstrap:intent-saved',
  'segment:after-remove',
  'segment:after-rename',
  'segment:before-remove',
  'segment:before-rename',
  'state:after-marker',
  'state:after-pointer',
  'state:after-values',
  'state:after-write',
  'state:before-pointer',
  'state:before-replacement-write',
  'state:before-write',
  'wal:after-sync',
  'wal:after-write',
  'wal:before-write',
  'witness:after-sync',
  'witness:before-sync',
  'witness:before-write',
] as const

/** The name of a durability point. */
export type DurabilityPoint = (typeof durabilityPoints)[number]

/** Kinds of faults; `faults/` has one function for each. */
export const faultKinds = [
  'crash',
  'kill',
  'stop',
  'blackout',
  'crash at a point',
  'pause',
  'stall',
  'wall clock jump',
  'partition',
  'one way',
  'pair',
  'split',
  'slow route',
  'duplicates',
  'failed sync',
  'full disk',
  'rot in the log',
  'misdirected log write',
  'rot in another file',
  'wiped directory',
  'rot in the state',
  'wrong state value',
  'lost state record',
  'lost middle batch',
  'lost last batches',
  'short iterator',
  'empty database',
] as const

/** The name of a kind of fault. */
export type FaultKind = (typeof faultKinds)[number]

/** Kinds of faults of clients that lock and elect; `faults/clients.ts` has one function for each. */
export const clientFaultKinds = [
  'client pause',
  'client stall',
  'client kill',
  'client cut off',
  'client slow route',
] as const

/** The name of one of them. */
export type ClientFaultKind = (typeof clientFaultKinds)[number]

/** What becomes of locks and elections. */
const syncRows = [
  'sync: granted at once',
  'sync: handed over',
  'sync: shared by several',
  'sync: refused without waiting',
  'sync: waited too long',
  'sync: cancelled on the way',
  'sync: cancelled while queued',
  'sync: cancel came before its acquire',
  'sync: no answer to an acquire',
  'sync: session lost before the grant',
  'sync: session given up',
  'sync: ended while it waited',
  'sync: expired while held',
  'sync: held too long, or expired',
  'sync: signal fired',
  'sync: guarded write accepted',
  'sync: guarded write refused',
  'sync: release under an old token refused',
  'sync: holder did not look for over its time to live',
  'sync: client came back as a stranger',
  'sync: leader replaced while some waited',
  'election: won',
  'election: proclaimed',
  'election: refused to proclaim',
  'election: observed',
  'election: observed that nobody leads',
] as const

const others = [
  'cluster: leader elected',
  'cluster: leader replaced',
  'cluster: leadership handed over',
  'cluster: vote refused',
  'cluster: pre-vote refused',
  'cluster: candidate without success',
  'cluster: learner admitted',
  'cluster: joint configuration',
  'cluster: member promoted',
  'log: suffix replaced',
  'log: append refused',
  'log: started after a snapshot',
  'log: compacted',
  'snapshot: sent',
  'snapshot: received and installed',
  'snapshot: broken off',
  'read: confirmed by a quorum',
  'read: asked by a follower',
  'read: asked again',
  'repair: state fetched from a peer',
  'repair: state rebuilt from the log',
  'repair: damage seen while running',
  'repair: damaged log refused',
  'repair: lost identity refused',
  'repair: member replaced after damage',
  'repair: end after a failed sync',
  'repair: end because the disk was full',
  'operator: member added',
  'operator: member removed',
  'operator: member replaced',
  'operator: transfer',
  'operator: rolling restart',
  'operator: snapshot saved',
  'operator: restored into a new cluster',
  'client: answered',
  'client: timed out',
  'client: cancelled',
  'client: refused',
  'client: outcome unknown',
  'client: new session',
  'client: session evicted',
  'transaction: done',
  'transaction: condition failed',
  'transaction: nested',
  'program: emitted an event',
  'program: taken back',
  'history: range read now',
  'history: read in the past',
  'history: read of a compacted revision',
  'history: read of the future',
  'history: compacted on request',
  'history: compacted by itself',
  'lease: granted',
  'lease: renewed',
  'lease: revoked',
  'lease: found ended',
  'lease: ended by time',
  'lease: over and not swept',
  'watch: events',
  'watch: progress',
  'watch: slow reader',
  'watch: begun again elsewhere',
  'watch: overtaken by compaction',
  'follow: state',
  'follow: events',
  'follow: begun anew',
] as const

/** All rows of the table, in its order. */
export const coverageRows = [
  ...others,
  ...syncRows,
  ...faultKinds.map((kind) => `fault: ${kind}` as const),
  ...clientFaultKinds.map((kind) => `fault: ${kind}` as const),
  ...durabilityPoints.map((point) => `power lost at ${point}` as const),
] as const

/** The name of a row. */
export type CoverageRow = (typeof coverageRows)[number]

/** Log lines of nodes that say that a row was reached. */
export const marks: Readonly<Record<string, CoverageRow>> = {
  'fetching the state from a peer': 'repair: state fetched from a peer',
  'rebuilding the state from the log': 'repair: state rebuilt from the log',
  'state damaged: fetching it from a peer': 'repair: damage seen while running',
  'sending a snapshot': 'snapshot: sent',
  'state replaced by a snapshot': 'snapshot: received and installed',
  'snapshot not sent': 'snapshot: broken off',
  'snapshot not begun': 'snapshot: broken off',
  'a received snapshot was left behind': 'snapshot: broken off',
  'half a snapshot was left behind': 'snapshot: broken off',
}
