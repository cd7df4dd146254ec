import { expect, test } from 'vitest'
import { silentLogger } from '../../base/index.ts'
import { localAppendThread, localApplyThread, newMessage } from '../../consensus/index.ts'
import type { Message, RawNode, Ready } from '../../consensus/index.ts'
import { Driver } from '../../src/replica/driver.ts'
import type { LogWriter } from '../../src/replica/log-writer.ts'
import type { Outbox } from '../../src/replica/outbox.ts'
import { HandTime } from './support.ts'

const tickMs = 50

/** A core that notes what it is told and hands out what the test gives it. */
function setUp() {
  const told: string[] = []
  const readies: Partial<Ready>[] = []
  const time = new HandTime()
  const core = {
    id: 1,
    step(message: Message) {
      told.push(`step ${message.type} from ${message.from}`)
      return 'ok'
    },
    tick: () => void told.push('tick'),
    hasReady: () => readies.length > 0,
    ready: () => ({ messages: [], readStates: [], ...readies.shift() }),
  }
  const outbox = {
    add: (message: Message, logTimeMs: number) =>
      void told.push(`out ${message.type} to ${message.to} at ${logTimeMs}`),
    flush: () => void told.push('flush'),
  }
  const writer = {
    push: (append: Message | undefined, held: readonly Message[]) =>
      void told.push(`write ${append?.type ?? 'nothing'} holding ${held.map(({ type }) => type).join()}`),
  }
  const late: number[] = []
  const driver = new Driver(
    core as unknown as RawNode,
    { clock: time, scheduler: time, logger: silentLogger },
    tickMs,
    outbox as unknown as Outbox,
    {
      beforeReady: () => void told.push('propose'),
      softState: ({ role }) => void told.push(`role ${role}`),
      readState: (_context, index) => void told.push(`read ${index}`),
      apply: () => void told.push('apply'),
      restoring: (index) => void told.push(`restoring ${index}`),
      sendSnapshot: ({ to }) => void told.push(`snapshot for ${to}`),
      ticked: (lateMs) => void late.push(lateMs),
      logTimeMs: () => 7,
      failed: (error) => void told.push(`failed ${String(error)}`),
    },
  )
  driver.start(writer as unknown as LogWriter)
  time.allTurns()
  told.length = 0
  return { driver, time, told, readies, late, core }
}

const from = (id: number, type: Message['type'] = 'MsgHeartbeat'): Message =>
  Object.assign(newMessage(type, 1), { from: id })

test('a turn drains what arrived before it ticks, then proposes, then hands out', () => {
  const { driver, time, told, readies } = setUp()
  driver.receive(from(2))
  time.pass(tickMs)
  driver.receive(from(3))
  readies.push({ messages: [newMessage('MsgHeartbeatResp', 2)] })
  time.turn()
  expect(told).toEqual([
    'step MsgHeartbeat from 2',
    'step MsgHeartbeat from 3',
    ...['tick', 'propose', 'out MsgHeartbeatResp to 2 at 7', 'flush'],
  ])
})

test('a tick that is late counts once, and the next one is a whole tick away', () => {
  const { time, told, late } = setUp()
  time.pass(10_000)
  time.allTurns()
  time.pass(0)
  time.allTurns()
  expect(told.filter((line) => line === 'tick').length).toBe(1)
  expect(late).toEqual([10_000 - tickMs])
  time.pass(tickMs - 1)
  time.allTurns()
  expect(late.length).toBe(1)
  time.pass(1)
  time.allTurns()
  expect(late).toEqual([9_950, 0])
})

test('ticks that are a little late do not slow the clock down', () => {
  const { time, late } = setUp()
  for (let i = 0; i < 10; i++) {
    time.pass(tickMs)
    time.nowMs += 5
    time.turn()
    time.nowMs -= 5
  }
  expect(late).toEqual(Array.from({ length: 10 }, () => 5))
})

test('appends, heartbeats and reads leave at once; vote requests go with the write; committed entries come last', () => {
  const { driver, time, told, readies } = setUp()
  const types = ['MsgApp', 'MsgHeartbeat', 'MsgReadIndex', 'MsgVote', 'MsgPreVote', 'MsgSnap'] as const
  const messages = types.map((type) => newMessage(type, 2))
  messages.push(newMessage('MsgStorageAppend', localAppendThread), newMessage('MsgStorageApply', localApplyThread))
  readies.push({
    messages,
    softState: { lead: 1, role: 'leader' },
    readStates: [{ index: 9, context: new Uint8Array(1) }],
  })
  driver.wake()
  time.turn()
  expect(told).toEqual([
    ...[
      'propose',
      'role leader',
      'read 9',
      'out MsgApp to 2 at 7',
      'out MsgHeartbeat to 2 at 7',
      'out MsgReadIndex to 2 at 7',
    ],
    ...['snapshot for 2', 'write MsgStorageAppend holding MsgVote,MsgPreVote', 'flush', 'apply'],
  ])
})

test('an answered read brings another turn, so that reads which came meanwhile do not wait for a tick', () => {
  const { driver, time, told, readies } = setUp()
  readies.push({ readStates: [{ index: 9, context: new Uint8Array(1) }] })
  driver.wake()
  time.turn()
  told.length = 0
  time.turn()
  expect(told).toEqual(['propose', 'flush'])
})

test('of what a write releases, our own messages are stepped and the others leave, in a turn of its own', () => {
  const { driver, time, told } = setUp()
  driver.release([from(1, 'MsgStorageAppendResp'), newMessage('MsgAppResp', 2)])
  driver.release([])
  expect(told).toEqual(['out MsgAppResp to 2 at 7'])
  time.allTurns()
  expect(told.slice(1)).toEqual(['step MsgStorageAppendResp from 1', 'propose', 'flush'])
})

test('a broken invariant in the core ends the driver once', () => {
  const { driver, time, told, core } = setUp()
  core.step = () => {
    throw new Error('acknowledged entries are gone')
  }
  driver.receive(from(2))
  time.allTurns()
  driver.receive(from(2))
  time.pass(1_000)
  time.allTurns()
  expect(told).toEqual(['failed Error: acknowledged entries are gone'])
})
