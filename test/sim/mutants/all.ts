/** Every mutant. */
import { disk } from './disk.ts'
import { elections } from './elections.ts'
import { holders } from './holders.ts'
import { locks } from './locks.ts'
import { machine } from './machine.ts'
import { members } from './members.ts'
import type { Mutant } from './mutant.ts'
import { reads } from './reads.ts'
import { leases } from './leases.ts'
import { replication } from './replication.ts'
import { revisions } from './revisions.ts'
import { watches } from './watches.ts'

/** In the order of the table. */
export const mutants: readonly Mutant[] = [
  ...elections,
  ...replication,
  ...members,
  ...disk,
  ...reads,
  ...machine,
  ...revisions,
  ...leases,
  ...watches,
  ...locks,
  ...holders,
]
