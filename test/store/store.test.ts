import { describe, expect, test } from 'vitest'
import { utf8 } from '../../base/index.ts'
import type { Engine } from '../../src/api/index.ts'
import { createPrograms, createStore, get, txn } from '../../src/store/index.ts'
import { CommandSession, QueryRetrier } from '../../src/wire/index.ts'
import { storeSuite } from '../compliance/store.ts'
import { seededRandom, VirtualTime } from '../net/schedulers.ts'
import { MachineHost } from '../support/machine-host.ts'

interface LocalEngine extends Engine {
  readonly time: { readonly clock: VirtualTime; readonly scheduler: VirtualTime }
  close(): void
}

function localEngine(): LocalEngine {
  const time = new VirtualTime()
  const channel = new MachineHost()
  const common = { channel, clock: time, scheduler: time, random: seededRandom(1) }
  const session = new CommandSession(common)
  const queries = new QueryRetrier(common)
  return {
    time: { clock: time, scheduler: time },
    command: (program, method, args, options) => session.command(program, method, args, options),
    query: (program, method, args, options) => queries.query(program, method, args, options),
    watch: () => {
      throw new Error('this engine has no watches')
    },
    close() {
      session.close()
      queries.close()
    },
  }
}

describe('the store over a machine', () => {
  storeSuite(async () => {
    const engine = localEngine()
    return { store: createStore(engine, engine.time), close: async () => engine.close() }
  })
})

describe('update', () => {
  const pending = (): Promise<string> => new Promise(() => undefined)

  test('ends at its deadline, though the function it was given never does', async () => {
    const engine = localEngine()
    const store = createStore(engine, engine.time)
    await store.put('k', 'before')
    const started = engine.time.clock.monotonicMs()
    const error = await engine.time.clock.until(
      store.update('k', pending, { timeoutMs: 200 }).catch((reason: unknown) => reason),
    )
    expect(error).toMatchObject({ code: 'Timeout', executed: 'no' })
    expect(engine.time.clock.monotonicMs() - started).toBeCloseTo(200)
    expect((await store.get('k'))?.text()).toBe('before')
  })

  test('writes nothing after its deadline, and has one even if none was given', async () => {
    const engine = localEngine()
    const store = createStore(engine, engine.time)
    const slow = (ms: number) => (): Promise<string> =>
      new Promise((resolve) => engine.time.clock.after(ms, () => resolve('late')))
    const { clock } = engine.time
    const ended = (work: Promise<unknown>) => clock.until(work.catch((reason: unknown) => reason))
    expect(await ended(store.update('k', slow(300), { timeoutMs: 200 }))).toMatchObject({ code: 'Timeout' })
    expect(await ended(store.update('k', slow(10_001)))).toMatchObject({ code: 'Timeout' })
    await clock.pass(1_000)
    expect(await store.get('k')).toBeUndefined()
    expect(await ended(store.update('k', slow(9_000)))).toMatchObject({ attempts: 1 })
  })

  test('ends with the reason of its signal while the function runs', async () => {
    const engine = localEngine()
    const controller = new AbortController()
    const work = createStore(engine, engine.time).update('k', pending, { signal: controller.signal })
    engine.time.clock.after(50, () => controller.abort(new Error('enough')))
    await expect(engine.time.clock.until(work)).rejects.toThrow('enough')
  })
})

describe('transactions', () => {
  test('that hold one another too often or too deeply are refused before they are written down', async () => {
    const engine = localEngine()
    const store = createStore(engine, engine.time)
    let wide = txn().then(get('a'))
    for (let i = 0; i < 60; i++) wide = txn().then(wide, wide) as unknown as typeof wide
    await expect(store.txn().then(wide).commit()).rejects.toMatchObject({ code: 'LimitExceeded' })
    let deep = txn().then(get('a'))
    for (let i = 0; i < 20_000; i++) deep = txn().then(deep) as unknown as typeof deep
    await expect(store.txn().then(deep).commit()).rejects.toMatchObject({ code: 'LimitExceeded' })
  })
})

describe('entries', () => {
  test('an entry does not keep the frame alive that its answer came in', async () => {
    const engine = localEngine()
    const frame = new Uint8Array(1 << 20)
    const framed: Engine = {
      command: engine.command,
      watch: engine.watch,
      async query(program, method, args, options) {
        const payload = await engine.query(program, method, args, options)
        frame.set(payload, 1000)
        return Buffer.from(frame.buffer, 1000, payload.length)
      },
    }
    const store = createStore(framed, engine.time)
    await store.put('a', 'some value')
    const entry = await store.get('a')
    expect(entry?.value.buffer.byteLength).toBeLessThan(1000)
    expect(entry?.value).toEqual(utf8('some value'))
  })
})

describe('programs', () => {
  test('methods and queries take and give canonical values', async () => {
    const programs = createPrograms(localEngine())
    expect(await programs.call('counter', 'add', { key: 'n', by: 2 })).toBe(2)
    expect(await programs.call('counter', 'add', { key: 'n', by: 3 })).toBe(5)
    expect(await programs.query('counter', 'read', 'n')).toBe(5)
    expect(await programs.query('counter', 'read', 'm')).toBeNull()
  })

  test('what a program throws reaches the caller with code and details', async () => {
    const programs = createPrograms(localEngine())
    await expect(programs.call('counter', 'add', { key: 'n', by: -1 })).rejects.toMatchObject({
      code: 'ProgramError',
      details: { program: 'counter', method: 'add', code: 'Negative', details: { by: -1 } },
    })
  })

  test('unknown programs and methods, and values without a canonical form, are refused', async () => {
    const programs = createPrograms(localEngine())
    await expect(programs.call('nobody', 'add', null)).rejects.toMatchObject({ code: 'UnknownProgram' })
    await expect(programs.call('counter', 'sub', null)).rejects.toMatchObject({ code: 'UnknownMethod' })
    await expect(programs.call('counter', 'add', NaN)).rejects.toMatchObject({ code: 'NotCanonical' })
    await expect(programs.call('日本', 'add', null)).rejects.toMatchObject({ code: 'InvalidArgument' })
  })
})
