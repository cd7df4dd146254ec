/** Every workload, in the order of the table. */
import type { Workload } from '../workload.ts'
import { b1 } from './b1.ts'
import { b2 } from './b2.ts'
import { b3 } from './b3.ts'
import { concurrentTrace } from './concurrent.ts'
import { doubling } from './doubling.ts'
import { mapWorkloads } from './map.ts'
import { mergeOfBranches } from './merge.ts'
import { paperInOneGo, paperMemory, paperPerEdit, paperStored } from './paper.ts'

/** `paper-memory` reads what `paper-stored` has left. */
export const workloads: readonly Workload[] = [
  paperInOneGo,
  paperPerEdit,
  paperStored,
  paperMemory,
  ...mapWorkloads,
  mergeOfBranches,
  concurrentTrace,
  b1,
  b2,
  b3,
  doubling,
]
