/** The operations that clients of a run draw from. */
import type { Program } from '../../../execution/index.ts'
import { counterProgram, incrementOperation } from './counters.ts'
import type { WorkloadOperation } from './operation.ts'
import { deleteOperation, getOperation, putOperation } from './registers.ts'
import { reconnectOperation } from './sessions.ts'

/** All of them; an operation is added here. */
export const standardOperations: readonly WorkloadOperation[] = [
  putOperation,
  deleteOperation,
  getOperation,
  incrementOperation,
  reconnectOperation,
]

/** The programs they call, which every node must have. */
export const standardPrograms: readonly Program[] = [counterProgram]
