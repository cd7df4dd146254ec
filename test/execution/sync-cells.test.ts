/** The sync program beside its grants: cells, limits, and what it answers to queries. */
import { describe, expect, it } from 'vitest'
import { latin1, text, utf8 } from '../../base/index.ts'
import { decodeCellResult, decodeSyncListResult, encodeCellArgs, encodeSyncListArgs } from '../../execution/index.ts'
import type { SyncListRequest } from '../../execution/index.ts'
import { codeOf, payloadOf } from './harness.ts'
import type { Box } from './harness.ts'
import {
  acquire,
  door,
  sessions,
  cancel,
  inspect,
  proclaim,
  release,
  resource,
  set,
  setOf,
  tokenOf,
} from './sync-box.ts'

describe('a cell', () => {
  const cellOf = (box: Box) => {
    const { cell } = decodeCellResult(payloadOf(box.machine.query('sync', 'cell', encodeCellArgs(door))))
    return cell === undefined ? undefined : text(cell.value)
  }

  it('is set if it is of the revision that was expected, and outlives every lease', () => {
    const box = sessions()
    const results = box.apply([
      set(door, { value: utf8('a'), ifRevision: 0 }),
      set(door, { value: utf8('b'), ifRevision: 0 }),
      set(door, { value: utf8('c'), ifRevision: 1 }),
      set(door, { value: utf8('d') }),
    ])
    expect(results.map(setOf)).toEqual([
      { done: true, value: 'a', revision: 1 },
      { done: false, value: 'a', revision: 1 },
      { done: true, value: 'c', revision: 2 },
      { done: true, value: 'd', revision: 3 },
    ])
    box.apply([], 20_000)
    expect(cellOf(box)).toBe('d')
    expect(setOf(box.run(set(door, { value: undefined })))).toEqual({
      done: true,
      value: undefined,
      revision: undefined,
    })
    expect(cellOf(box)).toBeUndefined()
    expect(box.machine.revision).toBe(4)
    expect(setOf(box.run(set(door, { value: undefined })))).toMatchObject({ done: true })
    expect(box.machine.revision).toBe(4)
  })

  it('is set under a grant only while that is held', () => {
    const box = sessions()
    const token = tokenOf(box.run(acquire(door, 1, 1)))
    expect(setOf(box.run(set(door, { token, value: utf8('mine') })))).toMatchObject({ done: true, value: 'mine' })
    box.run(release(door, token))
    expect(codeOf(box.run(set(door, { token, value: utf8('late') })))).toBe('NotHeld')
    expect(cellOf(box)).toBe('mine')
  })
})

describe('limits', () => {
  it('bound names, values, queues, cells and times', () => {
    const box = sessions({
      limits: { syncNameBytes: 20, syncValueBytes: 5, syncQueue: 2, syncCells: 1, leaseTtlMsMax: 10_000 },
    })
    const long = 'x'.repeat(21)
    const code = (command: Uint8Array) => codeOf(box.run(command))
    expect(code(acquire(resource(long), 1, 1))).toBe('KeyTooLarge')
    expect(code(acquire(resource('a', 1, long), 1, 1))).toBe('KeyTooLarge')
    expect(code(acquire(door, 1, 1, { label: utf8(long) }))).toBe('KeyTooLarge')
    expect(code(acquire(door, 1, 1, { value: utf8('123456') }))).toBe('ValueTooLarge')
    expect(code(acquire(door, 1, 1, { maxHoldMs: 10_001 }))).toBe('InvalidArgument')
    expect(code(acquire(resource('a', 0), 1, 1))).toBe('InvalidArgument')
    expect(code(set(door, { value: utf8('123456') }))).toBe('ValueTooLarge')
    expect(box.machine.revision).toBe(0)
    expect(box.apply([1, 2, 3].map((n) => acquire(door, n, n))).map(codeOf)).toEqual(['ok', 'ok', 'LimitExceeded'])
    expect(code(proclaim(door, 1, '123456'))).toBe('ValueTooLarge')
    expect(code(release(resource(long), 1))).toBe('KeyTooLarge')
    expect(code(set(door, { value: utf8('1') }))).toBe('ok')
    expect(code(set(resource('gate'), { value: utf8('1') }))).toBe('LimitExceeded')
    expect(code(set(door, { value: utf8('2') }))).toBe('ok')
  })

  it('count entries and marks among the keys of a lease', () => {
    const box = sessions({ limits: { leaseKeys: 2 } })
    const commands = [acquire(door, 1, 1), cancel(door, 2, 1), cancel(door, 3, 1), acquire(resource('gate'), 4, 1)]
    expect(box.apply(commands).map(codeOf)).toEqual(['ok', 'ok', 'LimitExceeded', 'LimitExceeded'])
  })
})

describe('queries', () => {
  const list = (box: Box, request: SyncListRequest) => {
    const answer = decodeSyncListResult(payloadOf(box.machine.query('sync', 'list', encodeSyncListArgs(request))))
    const resources = answer.resources.map(({ kind, namespace, name, holding, waiting, holder }) => [
      `${text(namespace)}/${text(name)}#${kind}`,
      holding,
      waiting,
      holder?.token,
    ])
    return { more: answer.more, resources }
  }

  it('list what is held or waited for, in order, by namespace, kind and prefix, page by page', () => {
    const box = sessions()
    const all = [resource('b1', 2, 'y'), resource('b', 1, 'y'), resource('a', 1, 'x'), resource('b1', 1, 'y')]
    box.apply(all.map((at, n) => acquire(at, n, 1)))
    box.run(acquire(all[1] as (typeof all)[0], 9, 2))
    const rows = [
      ['x/a#1', 1, 0, 3],
      ['y/b#1', 1, 1, 2],
      ['y/b1#1', 1, 0, 4],
      ['y/b1#2', 1, 0, 1],
    ]
    expect(list(box, {})).toEqual({ more: false, resources: rows })
    expect(list(box, { limit: 2 })).toEqual({ more: true, resources: rows.slice(0, 2) })
    expect(list(box, { limit: 2, after: all[1] })).toEqual({ more: false, resources: rows.slice(2) })
    expect(list(box, { namespace: utf8('y'), prefix: utf8('b1') }).resources).toEqual(rows.slice(2))
    expect(list(box, { kind: 2 }).resources).toEqual(rows.slice(3))
  })

  it('cut an inspection to its limit and say how many there are', () => {
    const box = sessions()
    box.apply([1, 2, 3, 4].map((n) => acquire(door, n, n)))
    const { holding, waiting, waiters, capacity, revision } = inspect(box, door, 2)
    expect([holding, waiting, waiters.length, capacity, revision]).toEqual([1, 3, 2, 1, 4])
    expect(latin1(waiters[0]?.label as Uint8Array)).toBe('label 2')
    expect(inspect(box, resource('nothing'))).toMatchObject({ holding: 0, waiting: 0, capacity: 0 })
  })

  it('are refused by a name that is none', () => {
    expect(codeOf(sessions().machine.query('sync', 'acquire', new Uint8Array()))).toBe('UnknownMethod')
  })
})
