/** All kinds of faults. */
import type { FaultKind } from '../reached/rows.ts'
import { pause, stall, wallClockJump } from './clock.ts'
import {
  emptyDatabase,
  failedSync,
  fullDisk,
  lostLastBatches,
  lostMiddleBatch,
  lostStateRecord,
  misdirectedLogWrite,
  rotInAnotherFile,
  rotInTheLog,
  rotInTheState,
  shortIterator,
  wipedDirectory,
  wrongStateValue,
} from './disk.ts'
import type { Fault } from './fault.ts'
import { duplicates, oneWay, pair, partition, slowRoute, split } from './network.ts'
import { blackout, crash, crashAtPoint, kill, stop } from './power.ts'

/** What each kind does. */
export const standardFaults: Readonly<Record<FaultKind, Fault>> = {
  crash,
  kill,
  stop,
  blackout,
  'crash at a point': crashAtPoint,
  pause,
  stall,
  'wall clock jump': wallClockJump,
  partition,
  'one way': oneWay,
  pair,
  split,
  'slow route': slowRoute,
  duplicates,
  'failed sync': failedSync,
  'full disk': fullDisk,
  'rot in the log': rotInTheLog,
  'misdirected log write': misdirectedLogWrite,
  'rot in another file': rotInAnotherFile,
  'wiped directory': wipedDirectory,
  'rot in the state': rotInTheState,
  'wrong state value': wrongStateValue,
  'lost state record': lostStateRecord,
  'lost middle batch': lostMiddleBatch,
  'lost last batches': lostLastBatches,
  'short iterator': shortIterator,
  'empty database': emptyDatabase,
}
