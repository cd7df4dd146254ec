import { expect, test } from 'vitest'
import { EqualState } from '../../../src/testing/checkers/equal-state.ts'
import { RevisionsRise } from '../../../src/testing/checkers/revisions-rise.ts'
import { StateSurvivesCrashes } from '../../../src/testing/checkers/state-survives-crashes.ts'
import { StateMachineSafety } from '../../../src/testing/checkers/state-machine-safety.ts'
import { entry, machine } from './reports.ts'

test('equal entries in order are right; other entries, other terms and gaps are found', () => {
  const run = (...second: Parameters<typeof entry>): string[] => {
    const found: string[] = []
    const checker = new StateMachineSafety((what) => found.push(what))
    checker.applied('n1', entry(1, 1, 1))
    checker.applied('n1', entry(2, 1, 2))
    checker.applied('n2', entry(...second))
    return found
  }
  expect(run(1, 1, 1)).toEqual([])
  expect(run(1, 2, 1).join()).toMatch(/differ in term/)
  expect(run(1, 1, 2).join()).toMatch(/different entries/)
  expect(run(2, 1, 2).join()).toMatch(/n2 applied 2 after 0/)
})

test('a state that was loaded sets where the next entry has to follow, and must be of the term that was applied', () => {
  const found: string[] = []
  const checker = new StateMachineSafety((what) => found.push(what))
  for (const index of [1, 2, 3]) checker.applied('n1', entry(index, 1, index))
  checker.loaded('n2', machine(2))
  checker.applied('n2', entry(3, 1, 3))
  expect(found).toEqual([])
  checker.loaded('n2', machine(2, { term: 2 }))
  expect(found).toHaveLength(1)
})

test('different states at one index are found, applied or loaded', () => {
  const found: string[] = []
  const checker = new EqualState((what) => found.push(what))
  checker.applied('n1', entry(1, 1), machine(1, { hash: 5 }))
  checker.applied('n2', entry(1, 1), machine(1, { hash: 5 }))
  checker.loaded('n3', machine(0, { hash: 9 }))
  expect(found).toEqual([])
  checker.loaded('n3', machine(1, { hash: 6 }))
  checker.applied('n2', entry(1, 1), machine(1, { hash: 7 }))
  expect(found).toHaveLength(2)
})

test('a revision that falls along the log is found, one that falls with a loaded state is none', () => {
  const found: string[] = []
  const checker = new RevisionsRise((what) => found.push(what))
  checker.applied('n1', entry(1, 1), machine(1, { revision: 4 }))
  checker.applied('n1', entry(2, 1), machine(2, { revision: 4 }))
  checker.loaded('n1', machine(1, { revision: 3 }))
  checker.applied('n1', entry(2, 1), machine(2, { revision: 4 }))
  expect(found).toEqual([])
  checker.applied('n1', entry(3, 1), machine(3, { revision: 3 }))
  expect(found).toHaveLength(1)
})

test('a member that lost its state in a crash is found, unless its disk was damaged or it had not come up before', () => {
  const run = (...steps: ('loaded' | 'opened' | 'down' | 'damaged')[]): number => {
    const found: string[] = []
    const checker = new StateSurvivesCrashes((what) => found.push(what))
    for (const step of steps) checker[step]('n1')
    return found.length
  }
  expect(run('loaded', 'opened', 'down', 'loaded', 'opened')).toBe(0)
  expect(run('loaded', 'opened', 'down', 'opened')).toBe(1)
  expect(run('loaded', 'opened', 'damaged', 'down', 'opened')).toBe(0)
  expect(run('loaded', 'opened', 'down', 'down', 'opened')).toBe(0)
  expect(run('opened', 'down', 'opened')).toBe(0)
})
