/** What methods of programs can't reach while they run, with the real guard of a process. */
import crypto from 'node:crypto'
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { encodeValue, isNitroError } from '../../base/index.ts'
import { defineProgram } from '../../execution/index.ts'
import type { Method } from '../../execution/index.ts'
import { openNode } from '../../src/node/index.ts'
import { methodGuard, strictMethodGuard } from '../../src/node/method-guard.ts'
import { Box, call, codeOf, errorOf } from '../execution/harness.ts'
import { World } from './world.ts'

const run = (method: Method, guard = methodGuard): Uint8Array => {
  const box = new Box({ guard, programs: [{ name: 'user', version: 1, methods: { method } }] })
  return box.run(call('user', 'method', encodeValue(null)))
}

const RealDate = Date

describe('a method can not use', () => {
  test.each<[string, () => unknown]>([
    ['Date', () => new Date()],
    ['Date', () => Date()],
    ['Date.now', () => Date.now()],
    ['Date.now', () => RealDate.now()],
    ['Math.random', () => Math.random()],
    ['performance.now', () => performance.now()],
    ['setTimeout', () => setTimeout(() => undefined, 0)],
    ['setInterval', () => setInterval(() => undefined, 1)],
    ['setImmediate', () => setImmediate(() => undefined)],
    ['queueMicrotask', () => queueMicrotask(() => undefined)],
    ['process.nextTick', () => process.nextTick(() => undefined)],
    ['process.hrtime', () => process.hrtime()],
    ['process.hrtime.bigint', () => process.hrtime.bigint()],
    ['crypto.getRandomValues', () => globalThis.crypto.getRandomValues(new Uint8Array(1))],
    ['crypto.randomUUID', () => globalThis.crypto.randomUUID()],
    ['crypto.randomBytes', () => crypto.randomBytes(1)],
    ['crypto.randomInt', () => crypto.randomInt(5)],
    ['fetch', () => fetch('http://127.0.0.1:1/')],
    ['fs.readFileSync', () => fs.readFileSync('/dev/null')],
    ['fs.existsSync', () => fs.existsSync('/dev/null')],
    ['process.cwd', () => process.cwd()],
  ])('%s: %s', (what, use) => {
    const guard = /^fs|cwd/.test(what) ? strictMethodGuard : methodGuard
    const result = run((tx) => {
      tx.put('k', 'v')
      use()
    }, guard)
    expect(errorOf(result)).toMatchObject({
      code: 'NonDeterministic',
      executed: 'yes',
      details: { program: 'user', method: 'method', what },
    })
  })

  test('any of that and hide it by catching the error', () => {
    const result = run(() => {
      try {
        return Date.now()
      } catch {
        return 0
      }
    })
    expect(errorOf(result)).toMatchObject({ code: 'NonDeterministic', details: { what: 'Date.now' } })
  })
})

test('the programs of a node are guarded unless it brings a guard of its own', async () => {
  const world = new World()
  const { time } = world
  const program = defineProgram({ name: 'user', version: 1, methods: { clock: () => Date.now() } })
  const guard = { enter: () => undefined, leave: () => undefined }
  const codes: unknown[] = []
  for (const ports of [{}, { guard }]) {
    const node = await openNode({ programs: [program], ports: { clock: time, scheduler: time, ...ports } })
    codes.push(await node.programs.user.clock().then(Number.isInteger, (error) => isNitroError(error) && error.code))
    await node.close()
  }
  world.stop()
  expect(codes).toEqual(['NonDeterministic', true])
})

describe('a method can', () => {
  test('make dates from what it was given', () => {
    const seen: unknown[] = []
    const result = run((tx) => {
      const date = new Date(tx.wallTime + 86_400_000)
      seen.push(date.toISOString(), date instanceof Date, Date.UTC(1970, 0, 2), Date.parse('1970-01-02T00:00:00Z'))
    })
    expect(codeOf(result)).toBe('ok')
    expect(seen).toEqual(['1970-01-02T00:00:00.000Z', true, 86_400_000, 86_400_000])
  })
})

describe('everybody else', () => {
  test('finds everything as it was, also after a method that threw', () => {
    const holders = (): unknown[] => [
      ...[Date, Date.now, Math.random, setTimeout, setImmediate, queueMicrotask, fetch],
      ...[performance.now, process.nextTick, process.hrtime, crypto.randomBytes, fs.readFileSync],
    ]
    const before = holders()
    run(() => {
      throw new Error('failed')
    })
    run(() => Date.now())
    run(() => fs.existsSync('/'), strictMethodGuard)
    expect(holders()).toEqual(before)
    expect(holders().every((one, i) => one === before[i])).toBe(true)
    expect(Number.isFinite(Date.now()) && new Date() instanceof RealDate && process.hrtime.bigint() > 0n).toBe(true)
  })

  test('can use what a method carried out of itself', () => {
    const carried: { random?: () => number; Clock?: DateConstructor; hrtime?: () => bigint } = {}
    run(() => {
      carried.random = Math.random
      carried.Clock = Date
      carried.hrtime = process.hrtime.bigint
    })
    expect(carried.random?.()).toBeLessThan(1)
    expect(carried.Clock?.now()).toBeGreaterThan(0)
    expect(carried.Clock === undefined ? undefined : new carried.Clock()).toBeInstanceOf(Date)
    expect(carried.hrtime?.()).toBeGreaterThan(0n)
    expect(isNitroError(carried)).toBe(false)
  })
})
