import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hex } from '../../base/index.ts'
import { encodeSessionArgs } from '../../execution/index.ts'
import {
  Box,
  call,
  cancel,
  close,
  codeOf,
  errorOf,
  numbered,
  open,
  put,
  revisionOf,
  saidYes,
  sessionId,
} from './harness.ts'

describe('sessions', () => {
  it('answer a repeated command with the same bytes and execute it once', () => {
    const box = new Box()
    const [, first] = box.apply([open(1), put('k', 'v', numbered(1, 1))])
    const again = box.run(put('k', 'v', numbered(1, 1)))
    expect(hex(again)).toBe(hex(first as Uint8Array))
    expect(box.machine.revision).toBe(1)
    expect(box.getRecord('k')).toMatchObject({ version: 1 })
  })

  it('answer a repetition within the same entry', () => {
    const box = new Box()
    const results = box.apply([open(1), put('k', 'v', numbered(1, 1)), put('k', 'v', numbered(1, 1))])
    expect(results.slice(1).map(revisionOf)).toEqual([1, 1])
  })

  it('execute commands in whatever order they arrive, each once', () => {
    const box = new Box()
    box.run(open(1))
    const seqs = [5, 4, 1, 3, 5, 2, 4, 1]
    const revisions = seqs.map((seq) => revisionOf(box.run(put(`k${seq}`, 'v', numbered(1, seq)))))
    expect(revisions).toEqual([1, 2, 3, 4, 1, 5, 2, 3])
  })

  it('repeat an error as they repeat a success', () => {
    const box = new Box()
    box.run(open(1))
    const first = box.run(put('', 'v', numbered(1, 1)))
    expect(codeOf(first)).toBe('KeyTooLarge')
    expect(hex(box.run(put('valid now', 'v', numbered(1, 1))))).toBe(hex(first))
    expect(box.machine.keyCount).toBe(0)
  })

  it('refuse a command of an unknown session without saying that it did not run', () => {
    const box = new Box()
    expect(errorOf(box.run(put('k', 'v', numbered(1, 1))))).toMatchObject({ code: 'SessionEvicted', executed: 'maybe' })
    expect(box.machine.keyCount).toBe(0)
  })

  it('forget what was acknowledged, and say so', () => {
    const box = new Box()
    box.apply([open(1), put('a', '1', numbered(1, 1)), put('b', '2', numbered(1, 2)), put('c', '3', numbered(1, 3, 2))])
    expect(codeOf(box.run(put('a', '1', numbered(1, 1))))).toBe('Superseded')
    expect(codeOf(box.run(put('b', '2', numbered(1, 2))))).toBe('Superseded')
    expect(revisionOf(box.run(put('c', '3', numbered(1, 3, 1))))).toBe(3)
  })

  it('never execute a number that was acknowledged without having arrived', () => {
    const box = new Box()
    box.apply([open(1), put('b', '2', numbered(1, 9, 8))])
    expect(codeOf(box.run(put('late', '1', numbered(1, 4))))).toBe('Superseded')
    expect(box.get('late')).toBeUndefined()
  })

  it('refuse a number beyond the window and leave it usable for later', () => {
    const box = new Box({ limits: { sessionWindow: 4 } })
    box.run(open(1))
    expect(codeOf(box.run(put('a', '1', numbered(1, 4))))).toBe('ok')
    expect(errorOf(box.run(put('b', '1', numbered(1, 5))))).toMatchObject({ code: 'LimitExceeded', executed: 'no' })
    expect(codeOf(box.run(put('b', '1', numbered(1, 5, 1))))).toBe('ok')
  })

  it('refuse more when the kept answers are too long', () => {
    const box = new Box({ limits: { sessionAnswerBytes: 4 } })
    box.run(open(1))
    const codes = [1, 2, 3].map((seq) => codeOf(box.run(put('a', '1', numbered(1, seq)))))
    expect(codes).toEqual(['ok', 'ok', 'LimitExceeded'])
    expect(codeOf(box.run(put('a', '1', numbered(1, 3, 2))))).toBe('ok')
  })

  it('evict the least recently used one, by order in the log', () => {
    const box = new Box({ limits: { sessions: 3 } })
    box.apply([open(1), open(2), open(3), put('a', '1', numbered(1, 1)), open(4)])
    expect(box.machine.sessionCount).toBe(3)
    expect(codeOf(box.run(put('a', '1', numbered(1, 2))))).toBe('ok')
    expect(codeOf(box.run(put('a', '1', numbered(2, 1))))).toBe('SessionEvicted')
  })

  it('are told apart by their whole ids', () => {
    const box = new Box()
    const ids = [0, 1, 2].map((last) => sessionId(1).with(15, last))
    box.apply(ids.slice(0, 2).map((id) => call('session', 'open', encodeSessionArgs(id))))
    const results = box.apply([0, 1, 2, 0, 1].map((i) => put('k', 'v', { session: ids[i]!, seq: 1, answeredUpTo: 0 })))
    expect(results.map(codeOf)).toEqual(['ok', 'ok', 'SessionEvicted', 'ok', 'ok'])
    expect([0, 1, 3, 4].map((i) => revisionOf(results[i] as Uint8Array))).toEqual([1, 2, 1, 2])
  })

  it('open and close idempotently', () => {
    const box = new Box()
    const results = box.apply([open(1), open(1), put('k', 'v', numbered(1, 1)), open(1), close(1), close(1), close(2)])
    expect([0, 1, 3, 4, 5, 6].map((i) => saidYes(results[i] as Uint8Array))).toEqual([
      true,
      false,
      false,
      true,
      false,
      false,
    ])
    expect(codeOf(box.run(put('k', 'v', numbered(1, 2))))).toBe('SessionEvicted')
  })

  it('consume a cancelled number, so that its command finds itself answered', () => {
    const box = new Box()
    box.run(open(1))
    expect(saidYes(box.run(cancel(1, 3)))).toBe(true)
    expect(saidYes(box.run(cancel(1, 3)))).toBe(true)
    expect(errorOf(box.run(put('k', 'v', numbered(1, 3))))).toMatchObject({ code: 'Cancelled', executed: 'no' })
    expect(box.machine.keyCount).toBe(0)
  })

  it('say that a cancel came too late', () => {
    const box = new Box({ limits: { sessionWindow: 8 } })
    box.apply([open(1), put('k', 'v', numbered(1, 2)), put('k', 'w', numbered(1, 4, 3))])
    expect(saidYes(box.run(cancel(1, 4)))).toBe(false)
    expect(saidYes(box.run(cancel(1, 2)))).toBe(false)
    expect(codeOf(box.run(cancel(1, 0)))).toBe('InvalidArgument')
    expect(codeOf(box.run(cancel(1, 100)))).toBe('LimitExceeded')
    expect(codeOf(box.run(cancel(2, 1)))).toBe('SessionEvicted')
  })

  it('can be closed by a numbered command of their own', () => {
    const box = new Box()
    box.run(open(1))
    const command = call('session', 'close', encodeSessionArgs(sessionId(1)), numbered(1, 1))
    expect(saidYes(box.run(command))).toBe(true)
    expect(codeOf(box.run(command))).toBe('SessionEvicted')
    expect(box.machine.sessionCount).toBe(0)
  })
})

type Step =
  | { readonly kind: 'put'; readonly session: number; readonly seq: number; readonly lag: number }
  | { readonly kind: 'open' | 'close'; readonly session: number }
  | { readonly kind: 'cancel'; readonly session: number; readonly seq: number }
  | { readonly kind: 'flush' | 'restart' }

const session = fc.integer({ min: 1, max: 5 })
const seq = fc.integer({ min: 1, max: 40 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('put' as const), session, seq, lag: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('open' as const, 'close' as const), session }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), session, seq }) },
  { weight: 2, arbitrary: fc.constantFrom('flush' as const, 'restart' as const).map((kind) => ({ kind })) },
)

function commandOf(step: Step): Uint8Array | undefined {
  if (step.kind === 'open') return open(step.session)
  if (step.kind === 'close') return close(step.session)
  if (step.kind === 'cancel') return cancel(step.session, step.seq)
  if (step.kind !== 'put') return undefined
  return put(`k${step.session}`, 'v', numbered(step.session, step.seq, Math.max(0, step.seq - 1 - step.lag)))
}

describe('sessions over restarts', () => {
  it('give every answer that a node without restarts gives, and the same hash', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const options = { limits: { sessions: 3, sessionWindow: 16 } }
        const steady = new Box(options)
        const restarting = new Box(options)
        const hashedOnce = new Box(options)
        for (const step of steps) {
          const command = commandOf(step)
          if (command === undefined) {
            restarting.flush()
            if (step.kind === 'restart') restarting.restart()
          } else {
            expect(restarting.run(command)).toEqual(steady.run(command))
            hashedOnce.run(command)
          }
          expect(restarting.hash()).toBe(steady.hash())
        }
        expect(hashedOnce.hash()).toBe(steady.hash())
      }),
      { numRuns: 200 },
    )
  })

  it('execute no number twice, whatever the order, repetition and acknowledgement', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(seq, fc.nat(20), fc.boolean()), { maxLength: 80, size: 'max' }), (commands) => {
        const box = new Box()
        box.run(open(1))
        const revisions = new Map<number, number>()
        for (const [number, lag, restart] of commands) {
          const before = box.machine.revision
          const result = box.run(put(`k${number}`, 'v', numbered(1, number, Math.max(0, number - 1 - lag))))
          if (box.machine.revision > before) {
            expect(revisions.has(number)).toBe(false)
            revisions.set(number, revisionOf(result))
          } else if (codeOf(result) === 'ok') {
            expect(revisionOf(result)).toBe(revisions.get(number))
          } else {
            expect(codeOf(result)).toBe('Superseded')
          }
          if (!restart) continue
          box.flush()
          box.restart()
        }
      }),
      { numRuns: 200 },
    )
  })
})
