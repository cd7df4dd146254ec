import { expect, test } from 'vitest'
import { NitroError, silentLogger } from '../../base/index.ts'
import { okResult } from '../../execution/index.ts'
import type { Session, SessionHandlers } from '../../net/index.ts'
import type { AdminService } from '../../src/node/admin-service.ts'
import type { LocalAuth } from '../../src/node/auth/node-auth.ts'
import { ClientPort } from '../../src/node/client-port.ts'
import type { Replica } from '../../src/replica/index.ts'
import type { CommandOwner } from '../../src/wire/index.ts'
import {
  CommandBatchWriter,
  decodeLeaderHint,
  decodeReply,
  decodeStreamChunk,
  encodeCall,
  forEachCommand,
  frameKinds,
} from '../../src/wire/index.ts'
import { HandTime, settled } from '../replica/support.ts'

const kindNames = new Map<number, string>(Object.entries(frameKinds).map(([name, kind]) => [kind, name]))

/** A port over a session that only notes what is sent, a replica that keeps what is submitted, and scripted calls. */
function setUp(snapshot: () => AsyncIterable<Uint8Array> = async function* none() {}) {
  const time = new HandTime()
  const sent: { kind: string; payload: Uint8Array }[] = []
  const told: string[] = []
  const submitted: { owner: CommandOwner; tag: number; bytes: Uint8Array }[] = []
  let handlers: SessionHandlers | undefined
  const session = {
    remote: { name: 'client' },
    bufferedBytes: 0,
    takes: true,
    /** Messages sent when the last one was asked to leave. */
    left: 0,
    start: (given: SessionHandlers) => void (handlers = given),
    send(kind: number, payload: Uint8Array) {
      if (session.takes) sent.push({ kind: kindNames.get(kind) ?? '?', payload })
      return session.takes
    },
    sendCopy: (kind: number, payload: Uint8Array): boolean => session.send(kind, payload.slice()),
    flush: () => void (session.left = sent.length),
    pause: () => void told.push('pause'),
    resume: () => void told.push('resume'),
    close(error?: NitroError) {
      told.push(`close ${error?.code}`)
      handlers?.close(error)
    },
  }
  const admin = {
    leaderAddress: () => 'n1:1',
    call: (method: string) =>
      method === 'status' ? Promise.resolve({ ready: true }) : Promise.reject(new NitroError('UnknownMethod', method)),
    snapshot,
  }
  const replica = {
    submit: (bytes: Uint8Array, owner: CommandOwner, tag: number) => void submitted.push({ bytes, owner, tag }),
  }
  const port = new ClientPort(session as unknown as Session, {
    replica: replica as unknown as Replica,
    admin: admin as unknown as AdminService,
    auth: { enabled: false } as unknown as LocalAuth,
    scheduler: time,
    logger: silentLogger,
    closed: () => void told.push('closed'),
  })
  const hear = (kind: number, payload: Uint8Array): void => handlers?.message(kind, payload)
  return { time, sent, told, submitted, session, port, hear }
}

function commands(...tags: number[]): Uint8Array {
  const writer = new CommandBatchWriter()
  for (const tag of tags) writer.add(tag, Uint8Array.of(0, tag))
  return writer.take()
}

function tagsOf(payload: Uint8Array): number[] {
  const tags: number[] = []
  forEachCommand(payload, (tag) => tags.push(tag))
  return tags
}

test('a client first hears where the leader is', () => {
  const { sent } = setUp()
  expect(sent.map(({ kind }) => kind)).toEqual(['leaderHint'])
  expect(decodeLeaderHint(sent[0]?.payload as Uint8Array)).toEqual({ leader: 'n1:1', leaving: false })
})

test('commands of a frame are submitted in order; what is answered in a turn leaves in one frame', () => {
  const { time, sent, submitted, session, hear } = setUp()
  hear(frameKinds.commands, commands(3, 1, 2))
  expect(submitted.map(({ tag, bytes }) => [tag, ...bytes])).toEqual([
    [3, 0, 3],
    [1, 0, 1],
    [2, 0, 2],
  ])
  for (const { owner, tag } of submitted.slice(0, 2)) owner.completed(tag, okResult(Uint8Array.of(1)))
  submitted[2]?.owner.failed(2, new NitroError('NotLeader', 'no'))
  expect(sent.length).toBe(1)
  time.allTurns()
  expect(sent.slice(1).map(({ kind, payload }) => [kind, tagsOf(payload)])).toEqual([['results', [3, 1, 2]]])
  expect(session.left).toBe(2)
})

test('results of much size leave before the turn ends', () => {
  const { sent, submitted, hear } = setUp()
  hear(frameKinds.commands, commands(1, 2))
  submitted[0]?.owner.completed(1, new Uint8Array(1 << 20))
  expect(sent.map(({ kind }) => kind)).toEqual(['leaderHint', 'results'])
})

test('a client that does not read its answers is not read from until half of them left', () => {
  const { time, told, session, submitted, hear } = setUp()
  hear(frameKinds.commands, commands(1, 2))
  session.bufferedBytes = 17 << 20
  submitted[0]?.owner.completed(1, new Uint8Array(1))
  time.allTurns()
  submitted[1]?.owner.completed(2, new Uint8Array(1))
  time.allTurns()
  time.pass(10)
  session.bufferedBytes = 9 << 20
  time.pass(10)
  expect(told).toEqual(['pause'])
  session.bufferedBytes = 1 << 20
  time.pass(10)
  expect([told, time.armed]).toEqual([['pause', 'resume'], 0])
})

test('a client that lets the whole queue fill is cut off', () => {
  const { time, told, session, submitted, hear } = setUp()
  hear(frameKinds.commands, commands(1))
  session.takes = false
  submitted[0]?.owner.completed(1, new Uint8Array(1))
  time.allTurns()
  expect(told).toEqual(['close Overloaded', 'closed'])
})

test.each([
  ['a kind of peers', frameKinds.raft, new Uint8Array(0)],
  ['a cut batch of commands', frameKinds.commands, commands(1, 2).subarray(0, -1)],
  ['a cut query', frameKinds.queries, Uint8Array.of(1, 0)],
  ['a call of random bytes', frameKinds.call, Uint8Array.of(0xc1, 0xc1, 7)],
])('%s ends the connection with a word, and nothing else', (_case, kind, payload) => {
  const { told, hear } = setUp()
  hear(kind, payload)
  expect(told).toEqual(['close MalformedFrame', 'closed'])
})

test('calls are answered by their number, errors as errors', async () => {
  const { sent, hear } = setUp()
  hear(frameKinds.call, encodeCall({ id: 8, method: 'status', params: {} }))
  hear(frameKinds.call, encodeCall({ id: 9, method: 'nonsense', params: {} }))
  await settled()
  const replies = sent.slice(1).map(({ payload }) => decodeReply(payload))
  expect(replies[0]).toMatchObject({ id: 8, ok: true, value: { ready: true } })
  expect(replies[1]).toMatchObject({ id: 9, ok: false, error: { code: 'UnknownMethod' } })
})

test('after the end nothing is sent, whoever still answers', async () => {
  const { time, sent, submitted, port, hear } = setUp()
  hear(frameKinds.commands, commands(1))
  hear(frameKinds.call, encodeCall({ id: 8, method: 'status', params: {} }))
  port.close()
  submitted[0]?.owner.completed(1, new Uint8Array(1))
  time.allTurns()
  await settled()
  port.tellLeader(true)
  expect(sent.length).toBe(1)
})

const chunksOf = (sent: readonly { kind: string; payload: Uint8Array }[]) =>
  sent.filter(({ kind }) => kind === 'stream').map(({ payload }) => decodeStreamChunk(payload))

test('a snapshot streams in numbered chunks, leaves room for answers, and ends with a mark', async () => {
  const { time, sent, session, hear } = setUp(async function* three() {
    for (const byte of [1, 2, 3]) yield Uint8Array.of(byte)
  })
  session.bufferedBytes = 5 << 20
  hear(frameKinds.call, encodeCall({ id: 4, method: 'snapshot', params: {} }))
  await settled()
  expect(chunksOf(sent)).toEqual([])
  session.bufferedBytes = 0
  time.pass(10)
  await settled()
  expect(chunksOf(sent).map(({ id, seq, data, end }) => [id, seq, data?.[0] ?? end])).toEqual([
    [4, 0, 1],
    [4, 1, 2],
    [4, 2, 3],
    [4, 3, true],
  ])
})

test('a stream that breaks ends with the error, and a fifth one is refused', async () => {
  let fail: (error: Error) => void = () => undefined
  const { sent, hear } = setUp(async function* broken() {
    yield Uint8Array.of(1)
    await new Promise((_resolve, reject) => (fail = reject))
  })
  for (const id of [1, 2, 3, 4, 5]) hear(frameKinds.call, encodeCall({ id, method: 'snapshot', params: {} }))
  await settled()
  expect(chunksOf(sent).find(({ id }) => id === 5)?.error?.code).toBe('Overloaded')
  // The refused one frees no place: it never had one.
  hear(frameKinds.call, encodeCall({ id: 6, method: 'snapshot', params: {} }))
  await settled()
  expect(chunksOf(sent).find(({ id }) => id === 6)?.error?.code).toBe('Overloaded')
  fail(new NitroError('StateDamaged', 'bad'))
  await settled()
  expect(chunksOf(sent).at(-1)).toMatchObject({ id: 4, end: true, error: { code: 'StateDamaged' } })
})

test('a stream to a client that is gone gives the state back', async () => {
  let closed = false
  const { time, session, port, hear } = setUp(async function* endless() {
    try {
      for (;;) yield Uint8Array.of(1)
    } finally {
      closed = true
    }
  })
  session.bufferedBytes = 5 << 20
  hear(frameKinds.call, encodeCall({ id: 4, method: 'snapshot', params: {} }))
  await settled()
  port.close()
  time.pass(10)
  await settled()
  expect(closed).toBe(true)
})
