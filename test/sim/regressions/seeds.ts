/**
 * Seeds that once found a bug, with what they found. The same seed meets other events after any change of the product, so
 * next to each stands a scenario test that shows the bug itself; the seeds are run because they are cheap.
 */
export const foundBugs: readonly { readonly seed: number; readonly found: string }[] = [
  {
    seed: 1023,
    found: 'forwarded commands waited for ever when both links of the leader were lost in turn (forwarding)',
  },
]
