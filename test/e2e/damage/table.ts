/**
 * What every damage must lead to, and why.
 *
 *  replaced  the node ends with LogDamaged or IdentityLost: a vote or an acknowledged write may be gone. Replaced by command.
 *  fetched   the node says that its state is damaged, gets it from a peer in place, and goes on voting
 *  rebuilt   the node says that its state is damaged and makes a new one from its log, which holds everything
 *  replayed  the node comes up with an older but intact state, and its log brings it up to date
 *  harmless  nothing that anybody needs was damaged
 */
import type { Damage, Target } from './files.ts'

/** What becomes of the node. */
export type Outcome = 'replaced' | 'fetched' | 'rebuilt' | 'replayed' | 'harmless'

/** One row: the damage and what must come of it. */
export interface Case {
  readonly target: Target
  readonly damage: Damage
  readonly outcome: Outcome
  readonly because: string
}

const rows = (
  target: Target,
  list: readonly (readonly [damage: Damage, outcome: Outcome, because: string])[],
): readonly Case[] => list.map(([damage, outcome, because]) => ({ target, damage, outcome, because }))

/** Damage to what a node has promised: these run with one healthy node down, so that the damaged one would decide. */
export const promiseCases: readonly Case[] = [
  ...rows('log segment', [
    ['flip first byte', 'replaced', 'a named segment always has a valid header'],
    ['flip middle of used', 'replaced', 'a record in the middle is not what was written; later ones say it was synced'],
    ['flip last of used', 'replaced', 'the last record is invalid, has no unwritten sector, and the witness knows it'],
    [
      'flip middle byte',
      'harmless',
      'it lies in the zeroed tail that no record has used; the next open zeroes it again',
    ],
    ['flip last byte', 'harmless', 'the same at the very end of the tail'],
    ['truncate', 'replaced', 'the file is shorter than its header says'],
    ['remove', 'replaced', 'the witness names the segments that must exist'],
  ]),
  ...rows('witness', [
    ['flip first byte', 'replaced', 'a slot is one sector, written whole or not at all: an invalid one is no crash'],
    ['flip middle byte', 'replaced', 'the same in the other slot'],
    ['flip last byte', 'replaced', 'the checksum of the second slot'],
    ['truncate', 'replaced', 'the file has exactly two slots'],
    ['remove', 'replaced', 'term and vote have no other home'],
  ]),
  ...rows('identity', [
    ['flip first byte', 'replaced', 'the checksum covers every byte'],
    ['flip middle byte', 'replaced', 'the same'],
    ['flip last byte', 'replaced', 'the same, in the checksum itself'],
    ['truncate', 'replaced', 'the same'],
    ['remove', 'replaced', 'log and state without an identity are damage, never a first start'],
  ]),
]

const noDatabase = 'LevelDB does not open what is left, and it never makes a new database unasked'
const noTable = 'tables are checked record by record when the state is scanned'

/** Damage to the state of a node whose log begins with a snapshot: only a peer has what is lost. */
export const stateCases: readonly Case[] = [
  ...rows('state pointer', [
    ['flip first byte', 'fetched', 'the pointer has a checksum'],
    ['flip middle byte', 'fetched', 'the same'],
    ['flip last byte', 'fetched', 'the same'],
    ['truncate', 'fetched', 'it has a fixed size'],
    ['remove', 'fetched', 'a member has a state, so a missing pointer is damage'],
  ]),
  ...rows('state .log', [
    ['flip first byte', 'fetched', 'LevelDB drops the batch without a word; count and hash of the state tell'],
    ['flip middle byte', 'fetched', 'the same'],
    ['flip last byte', 'replayed', 'only the last batch is dropped, which leaves the state as of the flush before it'],
    ['truncate', 'replayed', 'what is left are whole batches in order: an older state'],
    ['remove', 'replayed', 'the tables alone are an older state'],
  ]),
  ...rows('state .ldb', [
    ['flip first byte', 'fetched', noTable],
    ['flip middle byte', 'fetched', noTable],
    ['flip last byte', 'fetched', 'the footer names the table format'],
    ['truncate', 'fetched', 'the footer is gone'],
    ['remove', 'fetched', 'the manifest names all tables'],
  ]),
  ...rows('state CURRENT', [
    ['flip first byte', 'fetched', noDatabase],
    ['flip middle byte', 'fetched', noDatabase],
    ['flip last byte', 'fetched', noDatabase],
    ['truncate', 'fetched', noDatabase],
    ['remove', 'fetched', noDatabase],
  ]),
  ...rows('state MANIFEST', [
    ['flip first byte', 'fetched', noDatabase],
    ['flip middle byte', 'fetched', noDatabase],
    ['flip last byte', 'fetched', noDatabase],
    ['truncate', 'fetched', 'tables are missing from what is left of it, so count and hash differ'],
    ['remove', 'fetched', noDatabase],
  ]),
  ...rows('half-received snapshot', [
    ['flip first byte', 'fetched', 'a database that the pointer does not name is removed unread'],
    ['flip middle byte', 'fetched', 'the same'],
    ['flip last byte', 'fetched', 'the same'],
    ['truncate', 'fetched', 'the same'],
    ['remove', 'fetched', 'the same'],
  ]),
]

/** The same to a node whose log was never compacted: it needs nobody. */
export const ownLogCases: readonly Case[] = rows('state .ldb', [
  ['flip middle byte', 'rebuilt', 'the log holds everything since the founding'],
  ['remove', 'rebuilt', 'the same'],
])
