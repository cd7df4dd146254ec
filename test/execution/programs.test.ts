import { describe, expect, it } from 'vitest'
import { decodeValue, encodeValue, text, utf8 } from '../../base/index.ts'
import type { Value } from '../../base/index.ts'
import { ProgramError, manifestOf, programErrorDetails } from '../../execution/index.ts'
import type { Method, Program, ReadView, Transaction } from '../../execution/index.ts'
import { Box, call, codeOf, errorOf, numbered, open, payloadOf, put } from './harness.ts'

const boxWith = (methods: Record<string, Method>, queries: Program['queries'] = {}, limits = {}): Box =>
  new Box({ programs: [{ name: 'user', version: 1, methods, queries }], limits })
const run = (box: Box, method: string, args: Value = null): Uint8Array =>
  box.run(call('user', method, encodeValue(args)))
const valueOf = (result: Uint8Array): Value => decodeValue(payloadOf(result))
const failureOf = (result: Uint8Array) => programErrorDetails(errorOf(result))

describe('programs of users', () => {
  it('read and write in one transaction that takes one revision', () => {
    const box = boxWith({
      move: (tx, args) => {
        const { from, to } = args as { from: string; to: string }
        const value = tx.get(from)
        if (value === undefined) throw new ProgramError('Missing', { from })
        tx.delete(from)
        tx.put(to, value)
        return { revision: tx.revision, index: tx.index, logTime: tx.logTime, wallTime: tx.wallTime }
      },
    })
    box.run(put('a', 'x'))
    const [result] = box.apply([call('user', 'move', encodeValue({ from: 'a', to: 'b' }))], 70, 80)
    expect(valueOf(result as Uint8Array)).toEqual({ revision: 2, index: 3, logTime: 70, wallTime: 80 })
    expect(box.get('a')).toBeUndefined()
    expect(box.getRecord('b')).toMatchObject({ createRevision: 2, modRevision: 2, version: 1 })
    expect(failureOf(run(box, 'move', { from: 'a', to: 'b' }))).toEqual({
      program: 'user',
      method: 'move',
      code: 'Missing',
      details: { from: 'a' },
    })
  })

  it('may throw anything at all, even what fights being looked at', () => {
    const trap = (): never => {
      throw new Error('trapped')
    }
    const box = boxWith({
      fight: () => {
        throw new Proxy({}, { getPrototypeOf: trap, get: trap, has: trap })
      },
    })
    expect(failureOf(run(box, 'fight')).code).toBe('Error')
    expect(codeOf(box.run(put('a', 'still here')))).toBe('ok')
  })

  it('get plain byte strings, whatever the disk and the log hand out', () => {
    const kinds: string[] = []
    const box = boxWith({
      look: (tx, args) => {
        const { bytes } = args as { bytes: Uint8Array }
        const read = tx.get('a') as Uint8Array
        const found = tx.range({ start: 'a', limit: 1 })[0]?.value as Uint8Array
        kinds.push(...[bytes, read, found].map((one) => one.constructor.name))
        return String(read)
      },
    })
    box.run(put('a', 'abc'))
    box.flush()
    box.restart()
    box.entriesAsBuffers = true
    expect(valueOf(run(box, 'look', { bytes: utf8('x') }))).toBe('97,98,99')
    expect(kinds).toEqual(['Uint8Array', 'Uint8Array', 'Uint8Array'])
  })

  it('must say how many records they want in whole numbers', () => {
    const box = boxWith({ look: (tx, limit) => tx.range({ start: 'a', limit: limit as number }).length })
    box.run(put('a', '1'))
    box.run(put('b', '1'))
    expect([0, 1, 2, 9].map((limit) => valueOf(run(box, 'look', limit)))).toEqual([0, 1, 2, 2])
    for (const wrong of [-1, 1.5]) expect(failureOf(run(box, 'look', wrong)).code).toBe('InvalidArgument')
    const nan = boxWith({ look: (tx) => tx.range({ start: 'a', limit: Number.NaN }).length })
    expect(failureOf(run(nan, 'look')).code).toBe('InvalidArgument')
  })

  it('see their own changes before they take effect', () => {
    const seen: Value[] = []
    const box = boxWith({
      look: (tx) => {
        const names = (records: readonly { key: Uint8Array }[]) => records.map(({ key }) => text(key))
        tx.put('b', 'new')
        tx.delete('c')
        seen.push(names(tx.range({ start: 'a', end: 'z' })), names(tx.range({ start: 'a', limit: 2, reverse: true })))
        seen.push(tx.getRecord('b')?.version ?? null, tx.get('c') === undefined, tx.delete('c'))
        tx.put('c', 'back')
        seen.push(tx.getRecord('c')?.version ?? null, tx.getRecord('a')?.modRevision ?? null)
      },
    })
    box.apply([put('a', '1'), put('c', '3'), put('d', '4')])
    expect(codeOf(run(box, 'look'))).toBe('ok')
    expect(seen).toEqual([['a', 'b', 'd'], ['d', 'b'], 1, true, false, 2, 1])
    expect(box.machine.revision).toBe(4)
    expect(box.getRecord('c')).toMatchObject({ version: 2, createRevision: 2, modRevision: 4 })
  })

  it.each<[string, string, Method]>([
    ['a ProgramError', 'Mine', (tx) => (tx.put('k', 'v'), fail(new ProgramError('Mine', [1])))],
    ['an Error, whose message is not told', 'Error', (tx) => (tx.put('k', 'v'), fail(new Error('secret')))],
    ['a thrown string', 'Error', (tx) => (tx.put('k', 'v'), fail('secret'))],
    ['a promise', 'Thenable', ((tx: Transaction) => (tx.put('k', 'v'), Promise.reject(new Error('x')))) as never],
    ['an object with then', 'Thenable', ((tx: Transaction) => (tx.put('k', 'v'), { then: () => 1 })) as never],
    ['a value without a canonical form', 'NotCanonical', (tx) => (tx.put('k', 'v'), Number.NaN)],
    [
      'details without a canonical form',
      'NotCanonical',
      (tx) => (tx.put('k', 'v'), fail(new ProgramError('X', Number.NaN))),
    ],
    ['a bad key', 'KeyTooLarge', (tx) => (tx.put('k', 'v'), tx.put('', 'v'))],
    ['a bad value', 'InvalidArgument', (tx) => (tx.put('k', 'v'), tx.put('l', 5 as never))],
  ])('leave nothing behind after %s', (_, code, method) => {
    const box = boxWith({ method })
    const other = boxWith({ method: () => fail(new ProgramError('Other')) })
    const result = run(box, 'method')
    expect(errorOf(result)).toMatchObject({ code: 'ProgramError', executed: 'yes' })
    expect(failureOf(result).code).toBe(code)
    expect(text(result)).not.toContain('secret')
    expect(box.machine).toMatchObject({ revision: 0, keyCount: 0, overlayBytes: 0 })
    run(other, 'method')
    expect(box.hash()).toBe(other.hash())
  })

  it('take no revision when they change nothing', () => {
    const box = boxWith({
      read: (tx) => tx.get('k') ?? null,
      deleteNothing: (tx) => tx.delete('nothing'),
      thereAndBack: (tx) => (tx.put('new', 'v'), tx.delete('new')),
    })
    box.run(put('k', 'v'))
    expect(['read', 'deleteNothing', 'thereAndBack'].map((method) => valueOf(run(box, method)))).toEqual([
      utf8('v'),
      false,
      true,
    ])
    expect(box.machine.revision).toBe(1)
  })

  it('can not use a transaction after it has ended', () => {
    let kept: Transaction | undefined
    const box = boxWith({ keep: (tx) => void (kept = tx) })
    run(box, 'keep')
    expect(() => kept?.put('late', 'v')).toThrow(/ended/)
    expect(() => kept?.get('late')).toThrow(/ended/)
    expect(box.machine.keyCount).toBe(0)
  })

  it('can not change the state through bytes they were given or gave', () => {
    const given = Uint8Array.of(1)
    const box = boxWith({
      write: (tx) => tx.put('k', given),
      scribble: (tx) => {
        tx.get('k')?.fill(9)
        for (const record of tx.range({ start: '' })) record.value.fill(9)
      },
    })
    run(box, 'write')
    given.fill(7)
    run(box, 'scribble')
    box.flush()
    expect([...(box.getRecord('k')?.value ?? [])]).toEqual([1])
  })

  it('are kept to the limits of a transaction and a result', () => {
    const box = boxWith(
      {
        keys: (tx) => [1, 2, 3].forEach((n) => tx.put(`k${n}`, 'v')),
        bytes: (tx) => tx.put('k', new Uint8Array(60)),
        result: () => new Uint8Array(300),
        details: () => fail(new ProgramError('Long', new Uint8Array(300))),
      },
      {},
      { transactionKeys: 2, transactionBytes: 50, resultBytes: 200 },
    )
    expect(failureOf(run(box, 'keys')).code).toBe('LimitExceeded')
    expect(failureOf(run(box, 'bytes')).code).toBe('RequestTooLarge')
    expect(codeOf(run(box, 'result'))).toBe('RequestTooLarge')
    expect(failureOf(run(box, 'details'))).toMatchObject({ code: 'RequestTooLarge', details: null })
    expect(box.machine.keyCount).toBe(0)
  })

  it('are answered once in a session, also when they fail', () => {
    let runs = 0
    const box = boxWith({ count: () => (runs++, fail(new ProgramError('No'))) })
    box.run(open(1))
    const command = call('user', 'count', encodeValue(null), numbered(1, 1))
    expect(box.run(command)).toEqual(box.run(command))
    expect(runs).toBe(1)
  })

  it('are told apart from what does not exist', () => {
    const box = boxWith({ known: () => 1 })
    expect(codeOf(run(box, 'toString'))).toBe('UnknownMethod')
    expect(codeOf(box.run(call('nobody', 'known', encodeValue(null))))).toBe('UnknownProgram')
    expect(codeOf(box.machine.query('nobody', 'known', encodeValue(null)))).toBe('UnknownProgram')
    expect(codeOf(box.machine.query('user', 'known', encodeValue(null)))).toBe('UnknownMethod')
    expect(codeOf(box.machine.query('kv', 'put', encodeValue(null)))).toBe('UnknownMethod')
    expect(failureOf(box.run(call('user', 'known', Uint8Array.of(99)))).code).toBe('NotCanonical')
  })

  it('answer queries that can change nothing', () => {
    const box = boxWith(
      { none: () => null },
      {
        read: (view: ReadView, args) => [text(view.get(args as string) ?? utf8('?')), view.revision, view.index],
        write: (view) => (view as Transaction).put('k', 'changed'),
      },
    )
    box.run(put('k', 'v'))
    const hash = box.hash()
    expect(valueOf(box.machine.query('user', 'read', encodeValue('k')))).toEqual(['v', 1, 2])
    box.machine.query('user', 'write', encodeValue(null))
    expect(box.get('k')).toBe('v')
    expect(box.hash()).toBe(hash)
  })

  it.each([
    ['a built-in name', [{ name: 'kv', version: 1, methods: {} }]],
    ['no name', [{ name: '', version: 1, methods: {} }]],
    ['a name with a space', [{ name: 'a b', version: 1, methods: {} }]],
    ['version 0', [{ name: 'p', version: 0, methods: {} }]],
    ['the same version twice', [1, 1].map((version) => ({ name: 'p', version, methods: {} }))],
  ])('can not be registered with %s', (_, programs) => {
    expect(() => new Box({ programs })).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
  })
})

describe('the manifest', () => {
  const a: Program = { name: 'a', version: 1, methods: { x: () => 1, y: () => 1 } }
  const b: Program = { name: 'b', version: 2, methods: {} }

  it('does not depend on the order of programs', () => {
    expect(manifestOf([a, b])).toEqual(manifestOf([b, a]))
    expect(manifestOf([b, a]).programs).toMatchObject([
      { name: 'a', version: 1 },
      { name: 'b', version: 2 },
    ])
  })

  it('differs with versions, methods and limits', () => {
    const hashes = [
      manifestOf([a]),
      manifestOf([{ ...a, version: 2 }]),
      manifestOf([{ ...a, methods: { x: () => 1 } }]),
      manifestOf([a], { valueBytes: 5 }),
      manifestOf([a, b]),
    ].map((manifest) => JSON.stringify(manifest))
    expect(new Set(hashes).size).toBe(hashes.length)
  })
})

function fail(thrown: unknown): never {
  throw thrown
}
