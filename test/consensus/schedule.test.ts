/**
 * Random schedules in a hostile world: the promises hold at every step, and in calm times the group goes on.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Settings } from './draws.ts'
import { World } from './world.ts'

const elections = { preVote: true, checkQuorum: true }
const small = { maxSizePerMsg: 64, maxInflightMsgs: 3, maxUncommittedEntriesSize: 400 }

const cases: readonly [string, Settings][] = [
  [
    'three nodes without pre-vote and check-quorum',
    { nodes: 3, options: { preVote: false, checkQuorum: false }, lockstep: false, membership: false },
  ],
  [
    'five nodes with pre-vote and check-quorum, small messages',
    { nodes: 5, options: { ...elections, ...small }, lockstep: false, membership: false },
  ],
  [
    'asynchronous storage writes',
    {
      nodes: 5,
      options: { ...small, preVote: false, checkQuorum: false, asyncStorageWrites: true },
      lockstep: false,
      membership: false,
    },
  ],
  ['members that come and go', { nodes: 5, options: { ...elections }, lockstep: false, membership: true }],
  [
    'members that come and go, asynchronous, step-down on removal',
    {
      nodes: 5,
      options: { ...elections, asyncStorageWrites: true, stepDownOnRemoval: true },
      lockstep: false,
      membership: true,
    },
  ],
  [
    'lease reads with transfers, clocks of one rate',
    { nodes: 3, options: { ...elections, readOnlyOption: 'leaseBased' }, lockstep: true, membership: false },
  ],
]

test.each(cases)('safety holds at every step and work resumes afterwards: %s', (_, settings) => {
  let answered = 0
  let applied = 0
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const world = new World(seed, settings)
      for (let i = 0; i < 6000; i++) {
        world.step()
        if (i % 200 === 0) world.checkLogs()
      }
      world.checkLogs()
      expect(world.calm(400)).toBe(true)
      world.checkLogs()
      answered += world.answered
      applied += world.history.size
    }),
    { numRuns: 15, endOnFailure: true },
  )
  // A run in which nothing happens proves nothing.
  expect(applied).toBeGreaterThan(100)
  expect(answered).toBeGreaterThan(20)
})
