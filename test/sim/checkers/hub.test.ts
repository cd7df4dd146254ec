import { expect, test, vi } from 'vitest'
import { Checkers, properties } from '../../../src/testing/checkers/checker.ts'
import { addStandardCheckers } from '../../../src/testing/checkers/standard.ts'
import { SyncLog } from '../../../src/testing/checkers/sync/log.ts'
import { Violations } from '../../../src/testing/checkers/violations.ts'
import { entry, machine, message } from './reports.ts'

test('every report reaches those who listen to it, pictures first, with the name of the node', () => {
  const checkers = new Checkers(new Violations())
  const heard: string[] = []
  checkers.add({ applied: (node, { index }) => heard.push(`picture ${node} ${index}`) })
  checkers.add({
    property: 'equal state',
    applied: (node, { index }) => heard.push(`checker ${node} ${index}`),
    sent: (node, { type }) => heard.push(`checker ${node} ${type}`),
    down: (node) => heard.push(`checker ${node} down`),
  })
  const observer = checkers.observer('n1')
  observer.applied(entry(1, 1), machine(1))
  observer.sent(message('MsgApp'))
  observer.leads(3)
  checkers.down('n1')
  expect(heard).toEqual(['picture n1 1', 'checker n1 1', 'checker n1 MsgApp', 'checker n1 down'])
})

test('a violation names the promise it broke, and a hundred of them are enough', () => {
  const violations = new Violations()
  const checkers = new Checkers(violations)
  checkers.reportOf('election safety')('two leaders')
  expect(violations.found).toEqual(['election safety: two leaders'])
  for (let i = 0; i < 200; i++) violations.add('progress', `${i}`)
  expect(violations.all).toHaveLength(100)
})

test('each promise about nodes and clients has a checker', () => {
  const checkers = new Checkers(new Violations())
  const names: string[] = []
  const add = checkers.add.bind(checkers)
  checkers.add = (one) => {
    if ('property' in one) names.push(String(one.property))
    return add(one)
  }
  const hears = vi.spyOn(SyncLog.prototype, 'add')
  addStandardCheckers(checkers, { nowMs: () => 0, recentMs: 400, skew: 0, violations: new Violations() })
  // Some look at the log of locks only, and get no report.
  for (const [one] of hears.mock.calls) if ('property' in one) names.push(String(one.property))
  hears.mockRestore()
  // These are judged by the run itself, which knows what it asked for.
  const byTheRun = ['progress', 'convergence', 'nodes stay up', 'nothing left behind']
  expect([...new Set([...names, ...byTheRun])].toSorted()).toEqual([...properties].toSorted())
})
