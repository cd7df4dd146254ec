/** Which version of a program runs: switched by the log, kept with the state, and never run by a machine that lacks it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeValue, encodeValue } from '../../base/index.ts'
import { decodeProgramSet, manifestOf, nextActivation } from '../../execution/index.ts'
import type { Program, ProgramSet } from '../../execution/index.ts'
import { afterActivation, lacking } from '../../execution/program-set.ts'
import { encodeOffer } from '../../src/replica/offers.ts'
import { activateCommand } from '../support/activation.ts'
import { Box, call, codeOf, payloadOf, put } from './harness.ts'

/** Says its version. */
const bank = (version: number): Program => ({
  name: 'bank',
  version,
  methods: {
    who: (tx) => {
      tx.put('who', String(version))
      return version
    },
  },
  queries: { which: () => version },
})
const setOf = (programs: readonly Program[], flags: readonly number[] = []): ProgramSet => {
  const { programs: versions } = manifestOf(programs, {}, [])
  return { programs: versions, flags }
}
const who = call('bank', 'who', encodeValue(null))
const answer = (result: Uint8Array): unknown => decodeValue(payloadOf(result))
/** A box in which the first of its versions is in force. */
const boxOf = (...programs: Program[]): Box => {
  const [first] = programs as [Program]
  const box = new Box({ programs, activate: false })
  box.run(activateCommand(setOf([first])))
  return box
}

describe('an activation', () => {
  test('switches commands and queries at its place in the entry, also back to back with calls', () => {
    const box = boxOf(bank(1), bank(2))
    expect(answer(box.run(who))).toBe(1)
    const results = box.apply([who, activateCommand(setOf([bank(2)])), who])
    expect([results[0], results[2]].map((one) => answer(one as Uint8Array))).toEqual([1, 2])
    expect(answer(box.machine.query('bank', 'which', encodeValue(null)))).toBe(2)
    expect(box.get('who')).toBe('2')
  })

  test('is needed: what is only registered is unknown, on every machine alike', () => {
    const [with1, without] = [new Box({ programs: [bank(1)], activate: false }), new Box()]
    for (const box of [with1, without]) expect(codeOf(box.run(who))).toBe('UnknownProgram')
    expect(with1.hash()).toBe(without.hash())
    expect([with1, without].map(({ machine }) => machine.activation.awaits('bank'))).toEqual([true, false])
  })

  test('never goes back: an older one changes nothing', () => {
    const box = boxOf(bank(1), bank(2))
    for (const version of [2, 1, 2]) box.run(activateCommand(setOf([bank(version)])))
    expect(answer(box.run(who))).toBe(2)
  })

  test('is part of the hash and of the stored state', () => {
    const [old, switched] = [boxOf(bank(1), bank(2)), boxOf(bank(1), bank(2))]
    const empty = activateCommand({ programs: [], flags: [] })
    expect(old.hash()).toBe(switched.hash())
    old.run(empty)
    switched.run(activateCommand(setOf([bank(2)])))
    expect(old.machine.activation.active).not.toEqual(switched.machine.activation.active)
    expect(old.hash()).not.toBe(switched.hash())
    const hash = switched.hash()
    switched.flush()
    switched.restart()
    expect(switched.hash()).toBe(hash)
    expect(answer(switched.run(who))).toBe(2)
  })

  test('turns flags on, which stay on', () => {
    const box = new Box({ flags: [1, 3], activate: false })
    expect(box.machine.activation.flagOn(3)).toBe(false)
    box.run(activateCommand({ programs: [], flags: [3] }))
    box.flush()
    box.restart()
    expect([1, 3].map((flag) => box.machine.activation.flagOn(flag))).toEqual([false, true])
  })

  test.each([
    ['version', setOf([bank(2)]), 'bank 2'],
    ['version with other methods', setOf([{ ...bank(1), version: 2, methods: {} }]), 'bank 2'],
    ['program', setOf([{ name: 'shop', version: 1, methods: {} }]), 'shop 1'],
    ['flag', { programs: [], flags: [7] }, 'flag 7'],
  ])('of a %s that a machine lacks stops it before anything of the entry is applied', (_, changes, missing) => {
    const box = boxOf(bank(1))
    const before = box.hash()
    expect(() => box.apply([put('a', '1'), activateCommand(changes)])).toThrow(
      expect.objectContaining({ code: 'UnsupportedVersion', details: { missing } }),
    )
    expect(box.machine.revision).toBe(0)
    expect(box.hash()).toBe(before)
  })

  test('that a stored state holds stops a machine without it from loading', () => {
    const box = boxOf(bank(2))
    box.flush()
    expect(() => new Box({ programs: [bank(1), bank(3)], activate: false }, box.disk)).toThrow(
      expect.objectContaining({ code: 'UnsupportedVersion', details: { missing: 'bank 2' } }),
    )
  })

  test('with bytes that are none is answered so, and changes nothing', () => {
    const box = boxOf(bank(1), bank(2))
    const bytes = encodeOffer(setOf([bank(2)]))
    for (let length = 0; length < bytes.length; length++) {
      expect(codeOf(box.run(call('system', 'activate', bytes.subarray(0, length))))).toBe('MalformedFrame')
    }
    expect(answer(box.run(who))).toBe(1)
  })
})

describe('what is activated next', () => {
  const sets = fc
    .record({
      programs: fc.uniqueArray(
        fc.record({ name: fc.constantFrom('a', 'b'), version: fc.integer({ min: 1, max: 4 }) }),
        {
          selector: ({ name, version }) => `${name} ${version}`,
        },
      ),
      flags: fc.uniqueArray(fc.integer({ min: 1, max: 4 })),
    })
    .map(({ programs, flags }) =>
      setOf(
        programs.map((one) => ({ ...one, methods: {} })),
        flags.sort((a, b) => a - b),
      ),
    )

  test('is what every member can run, above what is in force, and leaves nothing that could be', () => {
    fc.assert(
      fc.property(fc.array(sets, { minLength: 1, maxLength: 4 }), (offers) => {
        let active: ProgramSet = { programs: [], flags: [] }
        for (let changes = nextActivation(active, offers); changes !== undefined;) {
          for (const offer of offers) expect(lacking(changes, offer)).toEqual([])
          const after = afterActivation(active, changes)
          expect(after).not.toEqual(active)
          active = after
          changes = nextActivation(active, offers)
        }
        for (const name of ['a', 'b']) {
          const common = [1, 2, 3, 4].filter((version) =>
            offers.every(({ programs }) => programs.some((one) => one.name === name && one.version === version)),
          )
          const inForce = active.programs.filter((one) => one.name === name).map(({ version }) => version)
          expect(inForce).toEqual(common.slice(-1))
        }
        expect(active.flags).toEqual([1, 2, 3, 4].filter((flag) => offers.every(({ flags }) => flags.includes(flag))))
        expect(decodeProgramSet(encodeOffer(active))).toEqual(active)
      }),
    )
  })

  test('does not take one version with other methods for the same', () => {
    const other = setOf([{ ...bank(2), methods: {} }])
    expect(nextActivation(setOf([bank(1)]), [setOf([bank(2)]), other])).toBeUndefined()
    expect(nextActivation(setOf([bank(1)]), [setOf([bank(2)]), setOf([bank(2)])])).toEqual(setOf([bank(2)]))
  })
})
