/** Who may watch: asked when a watch begins, and of all of them when permissions change, before anything newer is handed out. */
import { expect, test } from 'vitest'
import { NitroError } from '../../../base/index.ts'
import { WatchHub } from '../../../src/replica/watch/hub.ts'
import type { EventBuffer, WatchOutlet } from '../../../src/replica/watch/types.ts'
import { VirtualTime } from '../../net/schedulers.ts'
import { FakeSource } from '../../support/event-source.ts'

const all = { start: '', end: undefined, puts: true, deletes: true, emits: true, previous: false }

function setUp() {
  const time = new VirtualTime()
  const source = new FakeSource()
  const heard: string[] = []
  const gate = {
    version: 1,
    refused: new Set<string>(),
    watch: (caller: unknown) =>
      gate.refused.has((caller as { user: string }).user) ? new NitroError('PermissionDenied', 'no') : undefined,
  }
  const outlet: WatchOutlet = {
    hasRoom: true,
    opened: (id) => void heard.push(`${id} opened`),
    events: (_buffer: EventBuffer, id) => void heard.push(`${id} event`),
    progress: () => undefined,
    progressAll: () => undefined,
    ended: (id, error) => void heard.push(`${id} ${error.code}`),
    flush: () => void heard.push('flush'),
  }
  let nowMs = 0
  const hub = new WatchHub({
    // Each look at the clock takes a millisecond, so that work is cut into slices.
    clock: { monotonicMs: () => nowMs++, wallMs: () => 0 },
    scheduler: time,
    source: () => source,
    gate: () => gate,
    barrier: (waiter) => waiter.run(),
    failed: (error) => expect.unreachable(String(error)),
  })
  const open = (id: number, user: string) => hub.open(outlet, id, all, 1, 1 << 20, { user, authRevision: 1 })
  return { time, source, heard, gate, hub, open }
}

test('a watch that may not be is not opened', async () => {
  const { time, heard, gate, hub, open } = setUp()
  gate.refused.add('b')
  open(1, 'a')
  open(2, 'b')
  await time.pass(0)
  expect(heard).toEqual(['1 opened', '2 PermissionDenied', 'flush'])
  expect(hub.watchers).toBe(1)
})

test('when permissions change all are looked at again, in slices, and nobody who may not gets what came after', async () => {
  const { time, source, heard, gate, hub, open } = setUp()
  const count = 4_000
  for (let id = 0; id < count; id++) open(id, id % 2 === 0 ? 'a' : 'b')
  await time.pass(0)
  heard.length = 0
  gate.refused.add('b')
  gate.version++
  source.write({ type: 'put', key: 'k', value: 'v' })
  hub.wake()
  for (let turn = 0; turn < 10; turn++) await time.pass(0)
  const of = (what: string): number[] =>
    heard.flatMap((one) => (one.endsWith(what) ? [Number(one.slice(0, one.indexOf(' ')))] : []))
  expect(of('PermissionDenied').length).toBe(count / 2)
  expect(of('PermissionDenied').every((id) => id % 2 === 1)).toBe(true)
  expect(of('event').length).toBe(count / 2)
  expect(of('event').every((id) => id % 2 === 0)).toBe(true)
  expect(heard.lastIndexOf('3999 PermissionDenied')).toBeLessThan(heard.indexOf('0 event'))
  expect(heard.filter((one) => one === 'flush').length).toBeGreaterThan(1)
})

test('without a change nobody is asked again', async () => {
  const { time, source, heard, gate, hub, open } = setUp()
  open(1, 'a')
  await time.pass(0)
  gate.refused.add('a')
  source.write({ type: 'put', key: 'k', value: 'v' })
  hub.wake()
  await time.pass(0)
  expect(heard).toEqual(['1 opened', 'flush', '1 event', 'flush'])
})
