/** The operations that clients of a run draw from. */
import type { Program } from '../../../execution/index.ts'
import { counterProgram, incrementOperation } from './counters.ts'
import { followOperation } from './follows.ts'
import { leaseOperation } from './leases.ts'
import { noticeOperation, noticeProgram } from './notices.ts'
import type { WorkloadOperation } from './operation.ts'
import { compactOperation, readOperation } from './ranges.ts'
import { deleteOperation, getOperation, putOperation } from './registers.ts'
import { reconnectOperation } from './sessions.ts'
import { transactionOperation } from './transactions.ts'
import { watchOperation } from './watchers.ts'

/** All of them; an operation is added here. */
export const standardOperations: readonly WorkloadOperation[] = [
  putOperation,
  deleteOperation,
  getOperation,
  incrementOperation,
  reconnectOperation,
]

/** What clients of the state engine draw from. */
export const stateOperations: readonly WorkloadOperation[] = [
  transactionOperation,
  readOperation,
  compactOperation,
  leaseOperation,
  watchOperation,
  followOperation,
  noticeOperation,
  reconnectOperation,
]

/** The programs they call, which every node must have. */
export const standardPrograms: readonly Program[] = [counterProgram, noticeProgram]
