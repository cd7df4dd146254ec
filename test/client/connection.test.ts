import { expect, test } from 'vitest'
import type { Scheduler } from '../../base/index.ts'
import type { Session, SessionHandlers } from '../../net/index.ts'
import { Connection } from '../../src/client/connection.ts'
import { CommandBatchWriter, forEachCommand, frameKinds } from '../../src/wire/index.ts'

/** A connection over a session that keeps what is sent, and moments that come when they are told to. */
function connected(moments: readonly ('turn' | 'task')[]): {
  readonly connection: Connection
  readonly sent: Uint8Array[]
  readonly planned: { readonly turn: (() => void)[]; readonly task: (() => void)[] }
  answer(tag: number): void
} {
  const sent: Uint8Array[] = []
  const planned = { turn: [] as (() => void)[], task: [] as (() => void)[] }
  let handlers: SessionHandlers | undefined
  const session = {
    start: (given: SessionHandlers) => void (handlers = given),
    sendCopy: (_kind: number, payload: Uint8Array) => sent.push(payload.slice()) > 0,
    flush: () => undefined,
  }
  const scheduler: Scheduler = {
    after: () => ({ cancel: () => undefined }),
    endOfTurn: (run) => void planned.turn.push(run),
    ...(moments.includes('task') ? { endOfTask: (run: () => void) => void planned.task.push(run) } : {}),
  }
  const events = { leaderHint: () => undefined, closed: () => undefined }
  const connection = new Connection('there', session as unknown as Session, scheduler, events)
  connection.start()
  return {
    connection,
    sent,
    planned,
    answer: (tag) => {
      const batch = new CommandBatchWriter()
      batch.add(tag, Uint8Array.of(0))
      handlers?.message(frameKinds.results, batch.take())
    },
  }
}

function tagsOf(frame: Uint8Array | undefined): number[] {
  const tags: number[] = []
  if (frame !== undefined) forEachCommand(frame, (tag) => void tags.push(tag))
  return tags
}

test('requests that come by themselves gather until the end of the turn', () => {
  const { connection, sent, planned } = connected(['turn', 'task'])
  const owner = { completed: () => undefined, failed: () => undefined }
  connection.submit(Uint8Array.of(1), owner, 0)
  connection.submit(Uint8Array.of(2), owner, 1)
  expect([planned.turn.length, planned.task.length, sent.length]).toEqual([1, 0, 0])
  planned.turn[0]?.()
  expect(tagsOf(sent[0])).toHaveLength(2)
})

test('requests that answers lead to leave together when the answers are through, not with the end of the turn', () => {
  const { connection, sent, planned, answer } = connected(['turn', 'task'])
  const again = { completed: () => connection.submit(Uint8Array.of(3), quiet, 0), failed: () => undefined }
  const quiet = { completed: () => undefined, failed: () => undefined }
  connection.submit(Uint8Array.of(1), again, 0)
  planned.turn.shift()?.()
  for (const tag of tagsOf(sent.shift())) answer(tag)
  connection.submit(Uint8Array.of(4), quiet, 1)
  expect([planned.turn.length, planned.task.length, sent.length]).toEqual([0, 1, 0])
  planned.task.shift()?.()
  expect(tagsOf(sent[0])).toHaveLength(2)
  connection.submit(Uint8Array.of(5), quiet, 2)
  expect([planned.turn.length, planned.task.length]).toEqual([1, 0])
})

test('where there is no such moment they leave with the end of the turn', () => {
  const { connection, sent, planned, answer } = connected(['turn'])
  const quiet = { completed: () => undefined, failed: () => undefined }
  const again = { completed: () => connection.submit(Uint8Array.of(3), quiet, 0), failed: () => undefined }
  connection.submit(Uint8Array.of(1), again, 0)
  planned.turn.shift()?.()
  for (const tag of tagsOf(sent.shift())) answer(tag)
  expect([planned.turn.length, sent.length]).toEqual([1, 0])
  planned.turn.shift()?.()
  expect(tagsOf(sent[0])).toHaveLength(1)
})
