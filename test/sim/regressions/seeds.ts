/**
 * Seeds that once found a bug, with what they found. The same seed meets other events after any change of the product, so
 * next to each stands a scenario test in this folder that shows the bug itself; the seeds are run because they are cheap.
 */
export const foundBugs = [
  // forwarding.test.ts: forwarded commands waited for ever when the leader's two links were lost one after the other
  { seed: 1023, nodes: 3, faultsMs: 8_000, everyMs: 500 },
] as const
