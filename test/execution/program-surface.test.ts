/** What a transaction of a program can do beyond reading and writing keys, and how methods are kept deterministic. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NitroError, decodeValue, encodeValue, latin1, text } from '../../base/index.ts'
import type { Value } from '../../base/index.ts'
import {
  ProgramError,
  decodeLeaseListResult,
  defineProgram,
  encodeLeaseGrantArgs,
  programErrorDetails,
} from '../../execution/index.ts'
import type { LeaseInfo, Method, MethodGuard, Program, Transaction } from '../../execution/index.ts'
import { SeededRandom } from '../../execution/seeded-random.ts'
import { Box, call, codeOf, errorOf, payloadOf, put } from './harness.ts'
import type { Options } from './harness.ts'

const boxWith = (methods: Record<string, Method>, options: Options = {}): Box =>
  new Box({ ...options, programs: [{ name: 'user', version: 1, methods }] })
const run = (box: Box, method: string, args: Value = null, logTime = box.machine.logTime): Uint8Array =>
  box.apply([call('user', method, encodeValue(args))], logTime)[0] as Uint8Array
const valueOf = (result: Uint8Array): Value => decodeValue(payloadOf(result))
const failureOf = (result: Uint8Array): string => programErrorDetails(errorOf(result)).code
const grant = (id: number, ttlMs: number) => call('lease', 'grant', encodeLeaseGrantArgs(id, ttlMs))
const leasesOf = (box: Box): readonly number[] =>
  decodeLeaseListResult(payloadOf(box.machine.query('lease', 'list', new Uint8Array())))
const show = (info: LeaseInfo | undefined): Value =>
  info === undefined ? null : [info.id, info.ttlMs, info.remainingMs]

describe('leases in a transaction', () => {
  it('are granted with the keys attached to them, and end as others do', () => {
    const box = boxWith({
      start: (tx) => {
        const chosen = tx.leases.grant(5000)
        const given = tx.leases.grant(6000, 9)
        tx.put('a', 'v', { lease: chosen })
        tx.put('b', 'v', { lease: given })
        return [chosen, given, show(tx.leases.get(chosen)), tx.getRecord('a')?.lease ?? 0]
      },
    })
    expect(valueOf(run(box, 'start', null, 100))).toEqual([1, 9, [1, 5000, 5000], 1])
    expect(box.machine.revision).toBe(1)
    box.apply([], 5100)
    expect([box.get('a'), box.get('b')]).toEqual([undefined, 'v'])
    box.apply([], 6100)
    expect(box.get('b')).toBeUndefined()
  })

  it('are revoked with their keys in the revision of the transaction', () => {
    const both = boxWith({
      attach: (tx) => ['a', 'b', 'c'].forEach((key) => tx.put(key, 'v', { lease: 1 })),
      end: (tx) => {
        tx.put('mine', 'v', { lease: 1 })
        tx.put('b', 'free')
        tx.leases.revoke(1)
        tx.put('c', 'new')
        return [tx.leases.get(1) === undefined, tx.get('a') === undefined, tx.get('mine') === undefined]
      },
    })
    both.run(grant(1, 5000))
    run(both, 'attach')
    expect(valueOf(run(both, 'end'))).toEqual([true, true, true])
    expect(both.machine.revision).toBe(2)
    expect(['a', 'b', 'c', 'mine'].map((key) => both.get(key))).toEqual([undefined, 'free', 'new', undefined])
    expect(leasesOf(both)).toEqual([])
  })

  it('are kept alive', () => {
    const box = boxWith({ renew: (tx) => (tx.leases.keepAlive(1), show(tx.leases.get(1))) })
    box.apply([grant(1, 5000)], 0)
    expect(valueOf(run(box, 'renew', null, 4000))).toEqual([1, 5000, 5000])
    expect(box.machine.nextDeadline).toBe(9000)
    expect(box.machine.revision).toBe(0)
  })

  it('that are over are not there, swept or not, and their ids can be granted anew', () => {
    const box = boxWith(
      {
        look: (tx) => [show(tx.leases.get(1)), show(tx.leases.get(2))],
        attach: (tx) => tx.put('k', 'v', { lease: 2 }),
        again: (tx) => (tx.leases.grant(7000, 2), tx.put('fresh', 'v', { lease: 2 }), tx.get('old') === undefined),
      },
      { limits: { leaseExpiriesPerEntry: 1 } },
    )
    box.apply([grant(1, 5000), grant(2, 5000)], 0)
    const old = boxWith({ attach: (tx) => tx.put('k', 'v', { lease: 2 }) })
    expect(failureOf(run(old, 'attach'))).toBe('LeaseNotFound')
    expect(codeOf(run(box, 'attach', null, 0))).toBe('ok')
    expect(valueOf(run(box, 'look', null, 5000))).toEqual([null, null])
    expect(box.machine.leaseCount).toBe(1)
    expect(box.get('k')).toBe('v')
    expect(valueOf(run(box, 'again', null, 0))).toBe(true)
    expect([box.get('k'), box.get('fresh')]).toEqual([undefined, 'v'])
    expect(leasesOf(box)).toEqual([2])
  })

  it.each<[string, string, (tx: Transaction) => unknown]>([
    ['LeaseNotFound', 'an unknown lease is revoked', (tx) => tx.leases.revoke(5)],
    ['LeaseNotFound', 'an unknown lease is kept alive', (tx) => tx.leases.keepAlive(5)],
    ['LeaseNotFound', 'a key is attached to an unknown lease', (tx) => tx.put('k', 'v', { lease: 5 })],
    ['LeaseNotFound', 'a lease was revoked before', (tx) => (tx.leases.revoke(1), tx.put('k', 'v', { lease: 1 }))],
    ['LeaseExists', 'an id is taken', (tx) => tx.leases.grant(5000, 1)],
    ['LeaseExists', 'an id was taken before', (tx) => (tx.leases.grant(5000, 3), tx.leases.grant(5000, 3))],
    ['InvalidArgument', 'an id is none', (tx) => tx.leases.grant(5000, -1)],
    ['InvalidArgument', 'a time is none', (tx) => tx.leases.grant(0)],
    ['LimitExceeded', 'there are too many', (tx) => (tx.leases.grant(5000), tx.leases.grant(5000))],
    [
      'LimitExceeded',
      'one has too many keys',
      (tx) => ['a', 'b', 'c'].forEach((key) => tx.put(key, 'v', { lease: 1 })),
    ],
  ])('leave nothing behind after %s: %s', (code, _, method) => {
    const box = boxWith(
      { method: (tx) => (tx.put('x', 'v'), tx.leases.keepAlive(1), void method(tx)) },
      { limits: { leases: 2, leaseKeys: 2 } },
    )
    box.apply([grant(1, 5000)], 0)
    expect(failureOf(run(box, 'method', null, 10))).toBe(code)
    expect([box.machine.revision, leasesOf(box), box.machine.nextDeadline]).toEqual([0, [1], 5000])
  })

  it('do what single commands do, one after the other', () => {
    const action = fc.record({
      what: fc.constantFrom('grant', 'revoke', 'keepAlive', 'put', 'free'),
      id: fc.integer({ min: 0, max: 3 }),
      key: fc.constantFrom('a', 'b', 'c'),
    })
    const apply = (tx: Transaction, { what, id, key }: { what: string; id: number; key: string }): void => {
      try {
        if (what === 'grant') tx.leases.grant(5000, id)
        else if (what === 'revoke') tx.leases.revoke(id)
        else if (what === 'keepAlive') tx.leases.keepAlive(id)
        else tx.put(key, what, what === 'put' && id !== 0 ? { lease: id } : {})
      } catch (error) {
        if (!(error instanceof NitroError)) throw error
      }
    }
    fc.assert(
      fc.property(fc.array(action, { maxLength: 15 }), (actions) => {
        const methods: Record<string, Method> = {
          all: (tx) => actions.forEach((one) => apply(tx, one)),
          one: (tx, args) => apply(tx, actions[args as number] as (typeof actions)[0]),
        }
        const together = boxWith(methods)
        const apart = boxWith(methods)
        expect(codeOf(run(together, 'all', null, 10))).toBe('ok')
        actions.forEach((_, i) => expect(codeOf(run(apart, 'one', i, 10))).toBe('ok'))
        const look = (box: Box) => ({
          leases: leasesOf(box),
          next: box.machine.nextDeadline,
          keys: ['a', 'b', 'c'].map((key) => [box.get(key), box.getRecord(key)?.lease]),
        })
        expect(look(together)).toEqual(look(apart))
      }),
      { numRuns: 300 },
    )
  })
})

describe('events of a transaction', () => {
  const seen = (box: Box): unknown[] => {
    const events: unknown[] = []
    box.machine.visitEvents(1, (event) => {
      events.push([event.revision, event.position, event.kind, event.key, latin1(event.value())])
      return true
    })
    return events
  }

  it('follow its changes, in order, in the same revision, and are no keys', () => {
    const box = boxWith({
      tell: (tx) => {
        tx.emit('told', 'one')
        tx.put('k', 'v')
        tx.emit('told', 'two')
        return tx.get('told') === undefined
      },
    })
    expect(valueOf(run(box, 'tell'))).toBe(true)
    const expected = [
      [1, 0, 'put', 'k', 'v'],
      [1, 1, 'emit', 'told', 'one'],
      [1, 2, 'emit', 'told', 'two'],
    ]
    expect(seen(box)).toEqual(expected)
    box.flush()
    box.restart()
    expect(seen(box)).toEqual(expected)
    expect(box.machine.keyCount).toBe(1)
  })

  it('take a revision when nothing else happened, and vanish with a failure', () => {
    const box = boxWith({ tell: (tx) => tx.emit('told', 'one'), fail: (tx) => (tx.emit('told', 'x'), fail()) })
    run(box, 'fail')
    expect(box.machine.revision).toBe(0)
    run(box, 'tell')
    expect(box.machine.revision).toBe(1)
  })

  it('count among the changes of a transaction', () => {
    const box = boxWith(
      { many: (tx) => [1, 2, 3].forEach(() => tx.emit('k', 'v')), long: (tx) => tx.emit('k', 'x'.repeat(90)) },
      { limits: { transactionKeys: 2, transactionBytes: 60 } },
    )
    expect(failureOf(run(box, 'many'))).toBe('LimitExceeded')
    expect(failureOf(run(box, 'long'))).toBe('RequestTooLarge')
  })
})

describe('randomness in a transaction', () => {
  const methods: Record<string, Method> = {
    draw: (tx) => [tx.random(), tx.random(), tx.randomBytes(5)],
  }

  it('is the same on every node, and another for each command', () => {
    const boxes = [boxWith(methods), boxWith(methods)]
    const draws = boxes.map((box) => {
      const command = call('user', 'draw', encodeValue(null))
      const first = box.apply([command, command, put('a', 'v'), command])
      box.flush()
      box.restart()
      return [...first, ...box.apply([command])].filter((_, i) => i !== 2).map(valueOf)
    })
    expect(draws[0]).toEqual(draws[1])
    expect(new Set(draws[0]?.map((draw) => JSON.stringify(draw))).size).toBe(4)
  })

  it('depends on all that has happened before', () => {
    const [one, two] = ['x', 'y'].map((value) => {
      const box = boxWith(methods)
      box.run(put('k', value))
      return valueOf(run(box, 'draw'))
    })
    expect(one).not.toEqual(two)
  })

  it('is spread evenly', () => {
    const random = new SeededRandom(1, 2, Uint32Array.of(1, 2, 3, 4))
    const counts = Array.from({ length: 16 }, () => 0)
    for (let i = 0; i < 16_000; i++) (counts[Math.floor(random.float() * 16)] as number)++
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150)
    const bits = random.bytes(8000).reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)
    expect(Math.abs(bits - 32_000)).toBeLessThan(700)
  })

  it('is bounded in length, and gone with the transaction', () => {
    let kept: Transaction | undefined
    const box = boxWith({ long: (tx) => tx.randomBytes(65_537), keep: (tx) => void (kept = tx) })
    expect(failureOf(run(box, 'long'))).toBe('InvalidArgument')
    run(box, 'keep')
    expect(() => kept?.random()).toThrow(/ended/)
    expect(() => kept?.leases.get(1)).toThrow(/ended/)
    expect(() => kept?.emit('k', 'v')).toThrow(/ended/)
  })
})

describe('with every command run twice', () => {
  let calls = 0
  const remembered: string[] = []
  it.each<[string, string, Method]>([
    ['a result', 'result', () => calls++],
    ['a value', 'changes', (tx) => tx.put('k', String(calls++))],
    ['a key', 'changes', (tx) => (remembered.push('x'), tx.put(`k${remembered.length}`, 'v'))],
    ['an event', 'changes', (tx) => tx.emit('k', String(calls++))],
    ['a lease', 'changes', (tx) => void tx.leases.grant(2000 + calls++)],
    ['an error', 'result', () => fail(new ProgramError('No', calls++))],
    ['the order of fields', 'result', (_, args) => Object.keys(args as object)],
    ['the order of nested fields', 'result', (_, args) => Object.keys((args as { list: Value[] }).list[0] as object)],
  ])('%s that differs is found', (_, what, method) => {
    const box = boxWith({ method }, { checkPrograms: true })
    const result = run(box, 'method', { a: 1, b: 2, list: [{ c: 1, d: 2 }] })
    expect(errorOf(result)).toMatchObject({
      code: 'NonDeterministic',
      executed: 'yes',
      message: `user.method is not deterministic: the ${what} of a second run`,
      details: { program: 'user', method: 'method', what: `the ${what} of a second run` },
    })
    expect([box.machine.revision, box.machine.leaseCount]).toEqual([0, 0])
  })

  it('a method that keeps the rules does the same as without', () => {
    const methods: Record<string, Method> = {
      work: (tx, args) => {
        for (const [key, value] of Object.entries(args as Record<string, string>)) {
          tx.put(key, value, { lease: tx.leases.grant(5000) })
          tx.emit(`told/${key}`, value)
        }
        for (const record of tx.range({ start: '' })) record.value.fill(0)
        return [tx.random(), text(tx.get('a') ?? new Uint8Array())]
      },
    }
    const checked = boxWith(methods, { checkPrograms: true })
    const plain = boxWith(methods)
    const single = { a: '3' }
    expect(codeOf(run(checked, 'work', single))).toBe('ok')
    expect(payloadOf(run(plain, 'work', single)).length).toBeGreaterThan(0)
    expect(checked.hash()).toBe(plain.hash())
  })
})

describe('the guard around methods', () => {
  /** Notes when it is entered and left, and says that a method used what it was told to say. */
  class Recorder implements MethodGuard {
    inside = 0
    rounds = 0
    used: string | undefined
    enter(): void {
      this.inside++
      this.rounds++
    }
    leave(): string | undefined {
      this.inside--
      return this.used
    }
  }

  it('is there for methods, whatever they do, and for nothing else', () => {
    const guard = new Recorder()
    const seen: number[] = []
    const box = new Box({
      guard,
      programs: [
        defineProgram({
          name: 'user',
          version: 1,
          methods: { good: () => void seen.push(guard.inside), bad: () => (seen.push(guard.inside), fail()) },
          queries: { ask: () => void seen.push(guard.inside) },
        }),
      ],
    })
    run(box, 'good')
    run(box, 'bad')
    run(box, 'missing')
    box.machine.query('user', 'ask', encodeValue(null))
    expect(seen).toEqual([1, 1, 0])
    expect([guard.inside, guard.rounds]).toEqual([0, 2])
  })

  it('has the last word: a method that caught its error is undone, too', () => {
    const guard = new Recorder()
    guard.used = 'Date.now'
    const box = boxWith({ method: (tx) => (tx.put('k', 'v'), 'fine') }, { guard })
    expect(errorOf(run(box, 'method'))).toMatchObject({ code: 'NonDeterministic', details: { what: 'Date.now' } })
    expect(box.machine.keyCount).toBe(0)
  })
})

describe('a defined program', () => {
  it.each([
    ['a name of the interface', { name: 'call', version: 1, methods: {} }],
    ['a name that would make it a promise', { name: 'then', version: 1, methods: {} }],
    ['a built-in name', { name: 'lease', version: 1, methods: {} }],
    ['a query named as a method', { name: 'p', version: 1, methods: { same: () => 1 }, queries: { same: () => 1 } }],
    ['version 0', { name: 'p', version: 0, methods: {} }],
  ])('is refused with %s', (_, program) => {
    expect(() => defineProgram(program as Program)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
  })

  it('can not be changed after it was made', () => {
    const program = defineProgram({ name: 'p', version: 1, methods: {} })
    expect(Object.isFrozen(program)).toBe(true)
  })
})

function fail(thrown: unknown = new Error('failed')): never {
  throw thrown
}
