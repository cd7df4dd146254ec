/** What the library wants to be, as ratios of one run: a goal is met or missed, whatever the machine. */
import type { LibraryName } from './library.ts'

/** A figure of ours against one of another library. */
export interface Goal {
  readonly figure: string
  readonly against: LibraryName
  /** Times smaller (faster, shorter) than the other. */
  readonly atLeast: number
}

/** In the order of the table. */
export const goals: readonly Goal[] = [
  { figure: 'paper/replay in one go', against: 'yjs', atLeast: 8 },
  { figure: 'paper/replay per edit, with updates', against: 'yjs', atLeast: 3 },
  { figure: 'paper/load and read', against: 'yjs', atLeast: 2 },
  { figure: 'paper/stored, raw', against: 'automerge', atLeast: 1 },
  { figure: 'paper/stored, deflated', against: 'automerge', atLeast: 1 },
  { figure: 'paper/heap after load', against: 'yjs', atLeast: 1 },
  { figure: 'paper/resident memory of ten', against: 'yjs', atLeast: 1 },
  { figure: 'map/sets of unique keys, with updates', against: 'yjs', atLeast: 3 },
  { figure: 'map/sets of 100 hot keys, with updates', against: 'yjs', atLeast: 3 },
  { figure: 'counter/increments, with updates', against: 'yjs', atLeast: 5 },
  { figure: 'counter/increments, in one go', against: 'yjs', atLeast: 5 },
  { figure: 'merge/two branches of 10,000 edits', against: 'yjs', atLeast: 1 },
  { figure: 'concurrent/apply 26,078 updates', against: 'yjs', atLeast: 1 },
]
