import { describe, expect, test } from 'vitest'
import { NitroError } from '../../../base/index.ts'
import type { FakeSource } from '../../support/event-source.ts'

import { Listening, Scene, prefixA } from './hub-scene.ts'

describe('opening', () => {
  test('from now waits for the barrier, and sees what is written behind it', async () => {
    const scene = new Scene()
    scene.open(1, {}, 0)
    scene.put('a')
    expect(await scene.heard()).toEqual([])
    scene.waiters[0]?.run()
    scene.put('b')
    expect(await scene.heard()).toEqual([
      [1, 'opened', 1],
      [1, 'b'],
    ])
  })

  test('that finds no barrier ends, with what the barrier says', async () => {
    const scene = new Scene()
    scene.open(1, {}, 0)
    scene.waiters[0]?.failed(new NitroError('Unavailable', 'no quorum'))
    expect(await scene.heard()).toEqual([[1, 'Unavailable']])
    expect(scene.hub.watchers).toBe(0)
  })

  test('and closing before the barrier leaves nothing behind', async () => {
    const scene = new Scene()
    scene.open(1, {}, 0)
    scene.hub.close(scene.outlet, 1)
    scene.waiters[0]?.run()
    scene.put('a')
    expect(await scene.heard()).toEqual([])
    expect(scene.hub.watchers).toBe(0)
  })

  test('while the state is being repaired waits for it', async () => {
    const scene = new Scene()
    const { source } = scene
    scene.put('a')
    scene.source = undefined
    scene.open(1, {}, 1)
    expect(await scene.heard()).toEqual([[1, 'opened', 0]])
    scene.source = source
    scene.hub.wake()
    expect(await scene.heard()).toEqual([[1, 'a']])
  })

  test('in the future sees nothing earlier', async () => {
    const scene = new Scene()
    scene.open(1, {}, 3)
    for (const key of ['a', 'b', 'c']) scene.put(key)
    expect(await scene.heard()).toEqual([
      [1, 'opened', 2],
      [1, 'c'],
    ])
  })

  test('below the compact revision ends with Compacted', async () => {
    const scene = new Scene()
    for (const key of ['a', 'b', 'c']) scene.put(key)
    scene.source?.compact(3)
    scene.open(1, {}, 2)
    scene.open(2, {}, 3)
    expect(await scene.heard()).toEqual([
      [1, 'opened', 1],
      [2, 'opened', 2],
      [1, 'Compacted'],
      [2, 'c'],
    ])
  })
})

describe('handing out', () => {
  test('events are read once and encoded once for all watchers that want the same', async () => {
    const scene = new Scene()
    for (let id = 1; id <= 100; id++) scene.open(id, id % 2 === 0 ? prefixA : {})
    await scene.heard()
    const source = scene.source as FakeSource
    source.visited = 0
    scene.put('a1')
    scene.put('b1')
    const heard = await scene.heard()
    expect(heard.length).toBe(100)
    expect(heard.filter((one) => Array.isArray(one) && one.length === 2)).toHaveLength(50)
    expect(source.visited).toBe(2)
    expect(scene.outlet.buffers.size).toBe(2)
    expect(scene.outlet.flushes).toBe(2)
  })

  test('a turn does a bounded amount of work, and the next goes on', async () => {
    const scene = new Scene()
    for (let i = 0; i < 5_000; i++) scene.put('a')
    scene.open(1)
    const source = scene.source as FakeSource
    const turns: number[] = []
    let nowMs = 0
    while (scene.hub.events < 5_000) {
      source.visited = 0
      // A clock that jumps makes each pass use up its turn.
      scene.time.monotonicMs = () => (nowMs += 10)
      await scene.time.pass(0)
      turns.push(source.visited)
    }
    expect(Math.max(...turns)).toBeLessThanOrEqual(1_024)
    expect(turns.reduce((sum, one) => sum + one, 0)).toBe(5_000)
  })

  test('without watchers nothing is read', async () => {
    const scene = new Scene()
    scene.open(1)
    await scene.heard()
    scene.hub.close(scene.outlet, 1)
    scene.put('a')
    await scene.heard()
    expect(scene.source?.visited).toBe(0)
  })

  test('a revision that changed no key is passed over, and counts as progress', async () => {
    const scene = new Scene()
    scene.open(1)
    scene.hub.askProgress(scene.outlet, 1)
    scene.put()
    expect(await scene.heard()).toEqual([
      [1, 'opened', 0],
      [1, 'progress', 1],
    ])
  })
})

describe('slow readers', () => {
  test('one without credit is left behind, alone, and goes on where it was', async () => {
    const scene = new Scene()
    scene.open(1, {}, 1, 1)
    scene.open(2)
    scene.put('a')
    await scene.heard()
    scene.put('b')
    scene.put('c')
    expect(await scene.heard()).toEqual([[2, 'b', 'c']])
    expect([scene.hub.left, scene.hub.timesLeft]).toEqual([1, 1])
    scene.hub.credit(scene.outlet, 1, 5)
    expect(await scene.heard()).toEqual([])
    scene.hub.credit(scene.outlet, 1, 1_000)
    expect(await scene.heard()).toEqual([[1, 'b', 'c']])
    expect(scene.hub.left).toBe(0)
    scene.put('d')
    expect(await scene.heard()).toEqual([
      [2, 'd'],
      [1, 'd'],
    ])
  })

  test('an outlet without room keeps no other back', async () => {
    const scene = new Scene()
    const other = new Listening()
    scene.open(1)
    scene.open(1, {}, 1, 1 << 20, other)
    await scene.heard()
    other.hasRoom = false
    scene.put('a')
    expect(await scene.heard()).toEqual([[1, 'a']])
    expect(other.heard).toEqual([[1, 'opened', 0]])
    other.hasRoom = true
    scene.hub.roomAgain(other)
    await scene.heard()
    expect(other.heard.at(-1)).toEqual([1, 'a'])
  })

  test('one that history left behind ends with Compacted when it comes back', async () => {
    const scene = new Scene()
    scene.open(1, {}, 1, 1)
    for (const key of ['a', 'b', 'c']) {
      scene.put(key)
      await scene.time.pass(0)
    }
    scene.source?.compact(3)
    scene.hub.credit(scene.outlet, 1, 1_000)
    expect((await scene.heard()).at(-1)).toEqual([1, 'Compacted'])
    expect([scene.hub.watchers, scene.hub.left]).toEqual([0, 0])
  })

  test('one that is closed while left behind is forgotten', async () => {
    const scene = new Scene()
    scene.open(1, {}, 1, 0)
    scene.put('a')
    await scene.heard()
    expect(scene.hub.left).toBe(1)
    scene.hub.close(scene.outlet, 1)
    expect([scene.hub.watchers, scene.hub.left]).toEqual([0, 0])
    scene.hub.credit(scene.outlet, 1, 100)
    expect(await scene.heard()).toEqual([])
  })

  test('a large revision comes in pieces of bounded size, and its end is told', async () => {
    const scene = new Scene()
    scene.open(1, { start: '', end: 'x' }, 1, 1)
    const value = 'v'.repeat(400_000)
    const keys = ['a', 'b', 'c', 'd', 'x']
    scene.source?.write(...keys.map((key) => ({ type: 'put' as const, key, value })))
    scene.hub.wake()
    expect(await scene.heard()).toEqual([
      [1, 'opened', 0],
      [1, 'a', 'b', 'c', '...'],
    ])
    scene.hub.credit(scene.outlet, 1, 1_200_500)
    expect(await scene.heard()).toEqual([[1, 'd']])
    scene.put('e')
    scene.hub.credit(scene.outlet, 1, 400_500)
    expect(await scene.heard()).toEqual([[1, 'e']])
  })
})

describe('other states', () => {
  test('a state that is behind what was handed out is waited for, not followed back', async () => {
    const scene = new Scene()
    scene.put('a')
    scene.put('b')
    const whole = scene.source as FakeSource
    scene.open(1)
    await scene.heard()
    scene.source = whole.at(1)
    scene.open(2, {}, 2)
    scene.hub.wake()
    expect(await scene.heard()).toEqual([[2, 'opened', 1]])
    scene.source.catchUp(whole, 2)
    scene.put('c')
    expect(await scene.heard()).toEqual([
      [2, 'b', 'c'],
      [1, 'c'],
    ])
  })

  test('one that falls behind a watch about to read is waited for, too', async () => {
    const scene = new Scene()
    scene.put('a')
    scene.put('b')
    const whole = scene.source as FakeSource
    scene.open(1, {}, 2)
    scene.source = whole.at(0)
    expect(await scene.heard()).toEqual([[1, 'opened', 1]])
    scene.source = whole
    scene.hub.wake()
    expect(await scene.heard()).toEqual([[1, 'b']])
  })

  test('damage is reported, hands nothing out, and is over with the next state', async () => {
    const scene = new Scene()
    scene.open(1)
    scene.open(2, prefixA)
    await scene.heard()
    const source = scene.source as FakeSource
    source.broken = true
    scene.put('a')
    expect(await scene.heard()).toEqual([])
    expect(scene.failures).toMatchObject([{ code: 'StateDamaged' }])
    source.broken = false
    scene.put('b')
    expect(await scene.heard()).toEqual([
      [1, 'a', 'b'],
      [2, 'a'],
    ])
  })

  test('a machine that is damaged is not read at all: its last revision may be there in part', async () => {
    const scene = new Scene()
    scene.open(1)
    await scene.heard()
    ;(scene.source as FakeSource).damage = new NitroError('StateDamaged', 'damaged')
    scene.put('a')
    expect(await scene.heard()).toEqual([])
    expect(scene.source?.visited).toBe(0)
  })
})

describe('progress', () => {
  test('is told to all now and then, except those that do not have everything', async () => {
    const scene = new Scene()
    scene.open(1)
    scene.open(2, {}, 1, 1)
    scene.open(3, { start: 'nothing', end: 'nothinh' })
    scene.put('a')
    await scene.heard()
    scene.put('b')
    await scene.heard()
    await scene.time.pass(1_001)
    expect(await scene.heard()).toEqual([['all', 2, 2]])
    await scene.time.pass(5_000)
    expect(await scene.heard()).toEqual([])
    for (let i = 0; i < 10_000; i++) scene.put('c')
    await scene.time.pass(0)
    await scene.time.pass(0)
    expect((await scene.heard()).at(-1)).toEqual(['all', 10_002, 2])
  })

  test('that was asked for comes when there is everything, not before', async () => {
    const scene = new Scene()
    scene.open(1, {}, 1, 1)
    scene.open(2, {}, 4)
    scene.put('a')
    await scene.heard()
    scene.put('b')
    scene.hub.askProgress(scene.outlet, 1)
    scene.hub.askProgress(scene.outlet, 2)
    expect(await scene.heard()).toEqual([])
    scene.hub.credit(scene.outlet, 1, 1_000)
    expect(await scene.heard()).toEqual([
      [1, 'b'],
      [1, 'progress', 2],
    ])
    scene.put()
    expect(await scene.heard()).toEqual([[2, 'progress', 3]])
  })
})

describe('the end', () => {
  test('an outlet that is gone takes its watches along', async () => {
    const scene = new Scene()
    for (let id = 1; id <= 3; id++) scene.open(id)
    await scene.heard()
    scene.hub.drop(scene.outlet)
    scene.put('a')
    expect(await scene.heard()).toEqual([])
    expect(scene.hub.watchers).toBe(0)
  })

  test('stopping ends every watch, and every one that is still to come', async () => {
    const scene = new Scene()
    scene.open(1)
    scene.open(2, {}, 0)
    await scene.heard()
    scene.hub.stop(new NitroError('Closed', 'stopping'))
    scene.open(3)
    scene.put('a')
    expect(await scene.heard()).toEqual([
      [1, 'Closed'],
      [2, 'Closed'],
      [3, 'Closed'],
    ])
  })
})
