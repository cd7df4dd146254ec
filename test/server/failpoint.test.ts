import { expect, test } from 'vitest'
import { loadDaemon } from '../../src/server/index.ts'

const { failpointOf } = await loadDaemon()

const variable = 'NITROSTATE_FAILPOINT'

test('without the variable there is no hook', () => {
  expect(failpointOf({}, () => {})).toBeUndefined()
  expect(failpointOf({ [variable]: '' }, () => {})).toBeUndefined()
})

test('the process ends at the named point, the time it was asked for', () => {
  const passed: string[] = []
  let crashed = ''
  const hook = failpointOf({ [variable]: 'wal:after-sync:crash:2' }, () => (crashed ||= passed.join(' ')))
  for (const point of ['wal:after-sync', 'wal:before-write', 'wal:after-sync', 'wal:after-sync']) {
    passed.push(point)
    hook?.(point)
  }
  expect(crashed).toBe('wal:after-sync wal:before-write wal:after-sync')
})

test('anything else is refused', () => {
  for (const text of ['wal:after-sync', 'wal:after-sync:stop', ':crash', 'x:crash:0', 'x:crash:often']) {
    expect(() => failpointOf({ [variable]: text }, () => {}), text).toThrow(variable)
  }
})
