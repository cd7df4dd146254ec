/**
 * Seeds that once found a bug, of the product or of a checker, with what they found. The same seed meets other events after
 * any change of the product, so next to each stands a scenario test that shows the bug itself; the seeds are run because
 * they are cheap.
 */
export const foundBugs: readonly { readonly seed: number; readonly found: string }[] = [
  {
    seed: 1023,
    found: 'forwarded commands waited for ever when both links of the leader were lost in turn (forwarding)',
  },
  { seed: 129, found: 'a damaged copy of the member table was never written anew (member-table)' },
  { seed: 202, found: 'a stale leader refused for good a process that had been let in (stale-refusal)' },
  { seed: 2026, found: 'a stopping leader waited for ever for its successor (test/replica/repair.test.ts)' },
  { seed: 13, found: 'a log opened after a failed sync relied on the cache (test/storage/failed-sync.test.ts)' },
  {
    seed: 100247,
    found: 'checkers did not count what a leader committed in the turn that deposed it (deposed-commit)',
  },
  { seed: 700295, found: 'commands of a leader that was cut off waited for entries of others (lone-leader)' },
  { seed: 700600, found: 'a state closed amid a replacement kept its new database open (test/storage/state.test.ts)' },
  { seed: 800426, found: 'a snapshot was awaited from a process that was gone (test/replica/snapshots.test.ts)' },
  {
    seed: 901159,
    found: 'checkers took an answer out of an entry that its node never finished for a lie (checkers/clients)',
  },
  { seed: 2000101, found: 'a member whose damage only its last start found was not replaced' },
  {
    seed: 3003422,
    found: 'a process that joined took the end of the node it had asked for its own (src/node/node.ts)',
  },
  { seed: 3007303, found: 'a state that an earlier process had asked for was taken (test/replica/snapshots.test.ts)' },
  {
    seed: 3008118,
    found: 'a frame was lost again and again on a route that lost nothing any more (test/net/memory.test.ts)',
  },
  { seed: 6001365, found: 'a state rebuilt from the log left a damaged copy of the member table (member-table)' },
  {
    seed: 9100454,
    found: 'a leader whose state could not be read tried to send it again and again (src/replica/snapshots.ts)',
  },
  {
    seed: 1795810362450,
    found: 'a leader without its state took a command of a program that was not in force yet (src/replica/intake.ts)',
  },
  {
    seed: 1795821657376,
    found:
      'a late acknowledgement of entries that a later leader had replaced in the same write (promises-before-answers)',
  },
  {
    seed: 9800161,
    found: 'what a disk failed with became the result of the command that read it (test/execution/damage.test.ts)',
  },
  {
    seed: 1795824911974,
    found: 'a state was awaited whose beginning its sender had no more (test/replica/snapshots.test.ts)',
  },
  { seed: 1795681758176, found: 'damage counted as mended by a start that had read the place before' },
]
