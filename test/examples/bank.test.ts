/** The example program keeps what it promises, whatever it is asked. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeValue, encodeValue, utf8 } from '../../base/index.ts'
import type { Value } from '../../base/index.ts'
import { bank } from '../../examples/bank.ts'
import { Box, call, codeOf, payloadOf } from '../execution/harness.ts'

const account = fc.constantFrom('ada', 'grace', 'edsger')
const amount = fc.integer({ min: -1, max: 60 })
const command = fc.oneof(
  fc.record({ method: fc.constant('deposit'), to: account, amount }),
  fc.record({ method: fc.constant('transfer'), from: account, to: account, amount }),
  fc.record({ method: fc.constant('hold'), from: account, amount, ttlMs: fc.integer({ min: 1000, max: 5000 }) }),
  fc.record({ method: fc.constant('pay'), from: account, hold: fc.integer({ min: 0, max: 5 }), to: account }),
)
const step = fc.record({ command, ms: fc.integer({ min: 0, max: 1500 }) })

const ask = (box: Box, query: string, args: Value): number =>
  decodeValue(payloadOf(box.machine.query('bank', query, encodeValue(args)))) as number

describe('the bank', () => {
  it('loses no money, makes none, and lets nobody spend what is not there or held back', () => {
    let accepted = 0
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25, size: 'max' }), (steps) => {
        const box = new Box({ programs: [bank], checkPrograms: true })
        let now = 0
        let deposited = 0
        for (const { command, ms } of steps) {
          now += ms
          const { method, ...args } = command
          const [result] = box.apply([call('bank', method, encodeValue(args))], now)
          const code = codeOf(result as Uint8Array)
          expect(['ok', 'ProgramError']).toContain(code)
          if (code === 'ok') accepted++
          if (code === 'ok' && 'to' in command && 'amount' in command && method === 'deposit')
            deposited += command.amount
          expect(ask(box, 'total', null)).toBe(deposited)
          for (const name of ['ada', 'grace', 'edsger']) {
            const available = ask(box, 'available', name)
            expect(available).toBeGreaterThanOrEqual(0)
            expect(ask(box, 'balance', name)).toBeGreaterThanOrEqual(available)
          }
        }
        box.apply([], now + 10_000)
        for (const name of ['ada', 'grace', 'edsger'])
          expect(ask(box, 'available', name)).toBe(ask(box, 'balance', name))
        expect(box.machine.leaseCount).toBe(0)
      }),
      { numRuns: 100 },
    )
    expect(accepted).toBeGreaterThan(100)
  })

  it('gives held money back when its time is over, and pays it once', () => {
    const box = new Box({ programs: [bank] })
    const run = (now: number, method: string, args: Value): Uint8Array =>
      box.apply([call('bank', method, encodeValue(args))], now)[0] as Uint8Array
    run(0, 'deposit', { to: 'ada', amount: 100 })
    const first = decodeValue(payloadOf(run(0, 'hold', { from: 'ada', amount: 80, ttlMs: 5000 })))
    expect(codeOf(run(0, 'transfer', { from: 'ada', to: 'grace', amount: 30 }))).toBe('ProgramError')
    expect(codeOf(run(0, 'pay', { from: 'ada', hold: first, to: 'grace' }))).toBe('ok')
    expect(codeOf(run(0, 'pay', { from: 'ada', hold: first, to: 'grace' }))).toBe('ProgramError')
    run(0, 'hold', { from: 'grace', amount: 80, ttlMs: 5000 })
    expect(codeOf(run(4999, 'transfer', { from: 'grace', to: 'ada', amount: 1 }))).toBe('ProgramError')
    expect(codeOf(run(5000, 'transfer', { from: 'grace', to: 'ada', amount: 80 }))).toBe('ok')
  })

  it('tells those who watch of every transfer', () => {
    const box = new Box({ programs: [bank] })
    box.apply([call('bank', 'deposit', encodeValue({ to: 'ada', amount: 10 }))], 0)
    box.apply([call('bank', 'transfer', encodeValue({ from: 'ada', to: 'grace', amount: 4 }))], 0, 1234)
    const told: unknown[] = []
    box.machine.visitEvents(2, (event) => {
      if (event.kind === 'emit') told.push([event.key, JSON.parse(Buffer.from(event.value()).toString())])
      return true
    })
    expect(told).toEqual([['bank/event/transfer', { from: 'ada', to: 'grace', amount: 4, at: 1234 }]])
    expect(box.range({ start: utf8('bank/event') }).count).toBe(0)
  })
})
