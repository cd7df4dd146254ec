import { describe, expect, test } from 'vitest'
import { utf8 } from '../../base/index.ts'
import type { Engine } from '../../src/api/index.ts'
import { createPrograms, createStore } from '../../src/store/index.ts'
import { CommandSession, QueryRetrier } from '../../src/wire/index.ts'
import { storeSuite } from '../compliance/store.ts'
import { seededRandom, VirtualTime } from '../net/schedulers.ts'
import { MachineHost } from '../support/machine-host.ts'

interface LocalEngine extends Engine {
  close(): void
}

function localEngine(): LocalEngine {
  const time = new VirtualTime()
  const channel = new MachineHost()
  const common = { channel, clock: time, scheduler: time, random: seededRandom(1) }
  const session = new CommandSession(common)
  const queries = new QueryRetrier(common)
  return {
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
    return { store: createStore(engine), close: async () => engine.close() }
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
    const store = createStore(framed)
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
