import fc from 'fast-check'
import { expect, test } from 'vitest'
import { play } from './play.ts'
import { sequence } from './steps.ts'
import { openTarget } from './targets.ts'

test.each(['embedded', 'remote'] as const)(
  'any sequence of requests is answered as the model says: %s',
  async (kind) => {
    const target = await openTarget(kind, 1)
    await fc.assert(
      fc.asyncProperty(sequence, async (steps) => {
        expect(await play(target, steps)).toBeUndefined()
      }),
      { numRuns: 60 },
    )
  },
  120_000,
)
