import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NitroError, latin1, text, utf8 } from '../../base/index.ts'
import { EntryBuilder, decodeGetResult, decodeResult, encodeRangeArgs } from '../../execution/index.ts'
import { Box, call, codeOf, del, numbered, open, put } from './harness.ts'
import { activateAll } from '../support/activation.ts'
import type { Disk } from './harness.ts'

/** Keys, tombstones and sessions over three flushes. */
function stored(): Box {
  const box = new Box()
  box.apply([open(1), open(2), put('a', 'first', numbered(1, 1)), put('b', 'second', numbered(2, 1))])
  box.flush()
  box.apply([put('a', 'changed'), put('c', 'third', numbered(1, 2, 1))])
  box.flush()
  box.apply([del({ start: utf8('b') }), put('d', 'fourth')])
  box.machine.applyConfiguration(box.machine.appliedIndex + 1, 1, utf8('members'))
  box.flush()
  return box
}

const expectDamaged = (disk: Disk) => {
  expect(() => new Box({}, disk)).toThrow(expect.objectContaining({ code: 'StateDamaged' }))
}

describe('damage to stored records', () => {
  it('is found on load for every byte of every record', () => {
    const { disk } = stored()
    for (const [key, value] of disk) {
      for (let at = 0; at < value.length; at++) {
        const bad = value.slice()
        bad[at]! ^= 1 << (at % 8)
        expectDamaged(new Map(disk).set(key, bad))
      }
    }
  })

  it('is found on load when a record is cut, emptied or grown', () => {
    const { disk } = stored()
    for (const [key, value] of disk) {
      for (const length of [0, 1, 15, 16, 32, value.length - 1, value.length + 1]) {
        const other = new Uint8Array(length)
        other.set(value.subarray(0, length))
        expectDamaged(new Map(disk).set(key, other))
      }
    }
  })

  it('is found on load when any record is missing', () => {
    const { disk } = stored()
    expect(disk.size).toBeGreaterThan(5)
    for (const key of disk.keys()) {
      const without = new Map(disk)
      without.delete(key)
      expectDamaged(without)
    }
  })

  it('is found on load when a record lies under another key', () => {
    const { disk } = stored()
    for (const a of disk.keys()) {
      for (const b of disk.keys()) {
        if (a !== b) expectDamaged(new Map(disk).set(a, disk.get(b) as Uint8Array))
      }
    }
    expectDamaged(new Map(disk).set('x', Uint8Array.of(1)))
    expectDamaged(new Map(disk).set(`b${'\0'.repeat(7)}\x63`, disk.get('b\0\0\0\0\0\0\0\x01') as Uint8Array))
  })

  it('is found on load when a record is an older version of itself', () => {
    const before = stored()
    const old = new Map(before.disk)
    before.apply([put('a', 'again', numbered(1, 3, 2)), put('e', 'fifth', numbered(2, 2, 1))])
    before.flush()
    expect(old.size).toBe(before.disk.size - 1)
    for (const [key, value] of old) {
      if (latin1(before.disk.get(key) as Uint8Array) !== latin1(value))
        expectDamaged(new Map(before.disk).set(key, value))
    }
  })

  it('is found on read, and never shows as a wrong or missing value', () => {
    const keys = ['a', 'b', 'c', 'd']
    const { disk } = stored()
    const blocks = [...disk.keys()].filter((key) => key.startsWith('b'))
    fc.assert(
      fc.property(
        fc.constantFrom(...blocks),
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        fc.boolean(),
        (key, at, flip, gone) => {
          const box = new Box({ cacheBytes: 0 }, new Map(disk))
          const bad = (disk.get(key) as Uint8Array).slice()
          bad[at % bad.length]! ^= flip
          if (gone) box.disk.delete(key)
          else box.disk.set(key, bad)
          for (const name of keys) {
            const result = decodeResult(box.machine.query('kv', 'get', utf8(name)))
            if (!result.ok) {
              expect(result.error.code).toBe('StateDamaged')
              continue
            }
            const { record } = decodeGetResult(result.payload)
            const expected = { a: 'changed', c: 'third', d: 'fourth' }[name]
            expect(record === undefined ? undefined : text(record.value)).toBe(expected)
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  it('ends the machine: nothing is applied, sealed or answered after it was found', () => {
    const box = stored()
    box.restart()
    for (const key of box.disk.keys()) if (key.startsWith('b')) box.disk.delete(key)
    expect(codeOf(box.machine.query('kv', 'range', encodeRangeArgs({ start: utf8('a'), fromKey: true })))).toBe(
      'StateDamaged',
    )
    expect(box.machine.damage).toMatchObject({ code: 'StateDamaged' })
    expect(codeOf(box.machine.query('kv', 'get', utf8('nothing here')))).toBe('StateDamaged')
    expect(() => box.run(put('x', 'y'))).toThrow(expect.objectContaining({ code: 'StateDamaged' }))
    expect(() => box.machine.seal()).toThrow(expect.objectContaining({ code: 'StateDamaged' }))
  })

  it('met by a query in the middle of an entry stops the next command', () => {
    const box = stored()
    box.restart()
    for (const key of box.disk.keys()) if (key.startsWith('b')) box.disk.delete(key)
    const builder = new EntryBuilder()
    builder.add(put('x', 'y'))
    box.machine.startEntry(box.machine.appliedIndex + 1, 1, builder.finish(0, 0))
    box.machine.query('kv', 'get', utf8('a'))
    expect(() => box.machine.step(() => {})).toThrow(expect.objectContaining({ code: 'StateDamaged' }))
  })

  it('stops a program that reads it, even one that swallows the error', () => {
    const program = {
      name: 'reader',
      version: 1,
      methods: {
        read: (tx: { get(key: string): unknown; put(key: string, value: string): void }) => {
          try {
            tx.get('a')
          } catch {
            tx.put('z', 'not damaged, surely')
          }
          return null
        },
      },
    }
    const box = new Box({ programs: [program] }, stored().disk)
    activateAll(box.machine)
    for (const key of box.disk.keys()) if (key.startsWith('b')) box.disk.delete(key)
    expect(() => box.run(call('reader', 'read', Uint8Array.of(0)))).toThrow(
      expect.objectContaining({ code: 'StateDamaged' }),
    )
    expect(box.machine.keyCount).toBe(3)
  })

  it.each(['swallows', 'passes on'])('a disk that does not read stops a program that %s that', (what) => {
    const read = (tx: { get(key: string): unknown; put(key: string, value: string): void }): null => {
      try {
        tx.get('a')
      } catch (error) {
        if (what === 'passes on') throw error
        tx.put('z', 'not damaged, surely')
      }
      return null
    }
    const box = new Box({ programs: [{ name: 'reader', version: 1, methods: { read } }] }, stored().disk)
    activateAll(box.machine)
    box.disk.get = () => {
      throw new NitroError('DiskFailed', 'read: input/output error')
    }
    const result = box.machine.query('kv', 'range', encodeRangeArgs({ start: utf8('a'), fromKey: true }))
    expect([codeOf(result), box.machine.damage]).toEqual(['DiskFailed', undefined])
    box.run(put('x', 'a command that reads nothing'))
    expect(() => box.run(call('reader', 'read', Uint8Array.of(0)))).toThrow(
      expect.objectContaining({ code: 'DiskFailed' }),
    )
  })

  it('in a block that is being rewritten is not carried into a new block', () => {
    const box = new Box({ garbageBytes: 0, cacheBytes: 0, limits: { historyRevisions: 1 } })
    box.run(put('cold', 'x'.repeat(50)))
    box.flush()
    const first = box.disk.get('b\0\0\0\0\0\0\0\x01') as Uint8Array
    first[90]! ^= 1
    for (let i = 0; i < 5; i++) box.run(put('hot', 'y'.repeat(200)))
    const churn = () => {
      for (let i = 0; i < 5; i++) {
        box.run(put('hot', 'y'.repeat(200)))
        box.flush()
      }
    }
    expect(churn).toThrow(expect.objectContaining({ code: 'StateDamaged' }))
  })
})
