import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compareBytes,
  decodeValue,
  encodeValue,
  equalValues,
  fromHex,
  hex,
  isNitroError,
  maxValueBytes,
  maxValueDepth,
  utf8,
} from '../../base/index.ts'
import type { Value } from '../../base/index.ts'

const wellFormed = fc.string({ unit: 'grapheme' }).filter((s) => !/\p{Surrogate}/u.test(s))
const canonical: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.integer({ min: -300, max: 300 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
    fc.bigInt(),
    wellFormed,
    fc.uint8Array({ maxLength: 20 }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(fc.oneof(wellFormed, fc.constant('__proto__')), tie('value'), { maxKeys: 5 }).map((d) => ({ ...d })),
  ),
})).value

const refused = (bytes: Uint8Array | string) => {
  const given = typeof bytes === 'string' ? (fromHex(bytes.replaceAll(' ', '')) as Uint8Array) : bytes
  try {
    decodeValue(given)
  } catch (thrown) {
    return isNitroError(thrown, 'NotCanonical')
  }
  return false
}

describe('canonical values', () => {
  it('come back as they went in', () => {
    fc.assert(
      fc.property(canonical, (value) => {
        expect(decodeValue(encodeValue(value))).toEqual(value)
      }),
    )
  })

  it('have one encoding: whatever decodes encodes to the same bytes', () => {
    const mutated = fc.tuple(canonical, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([value, at, flip]) => {
      const bytes = encodeValue(value)
      bytes[at % bytes.length]! ^= flip
      return bytes
    })
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 12 })), (bytes) => {
        let value: Value
        try {
          value = decodeValue(bytes)
        } catch (thrown) {
          expect(isNitroError(thrown, 'NotCanonical')).toBe(true)
          return
        }
        expect(hex(encodeValue(value))).toBe(hex(bytes))
      }),
      { numRuns: 2000 },
    )
  })

  it('do not depend on the order in which a map was built', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(wellFormed, canonical), { maxLength: 8 }), (pairs) => {
        const unique = [...new Map(pairs)]
        const forth = Object.fromEntries(unique)
        const back = Object.fromEntries(unique.toReversed())
        expect(equalValues(forth, back)).toBe(true)
      }),
    )
  })

  it('order map keys by UTF-8 bytes, not by UTF-16 units', () => {
    const value = { '\u{10000}': 1, '\uffff': 2 }
    const bytes = encodeValue(value)
    expect(compareBytes(utf8('\uffff'), utf8('\u{10000}'))).toBeLessThan(0)
    expect(hex(bytes)).toBe('0b0203efbfbf030204f09080800301')
    expect(decodeValue(bytes)).toEqual(value)
  })

  it('keep numbers and bigints apart, and write -0 as 0', () => {
    expect(equalValues(5, 5n)).toBe(false)
    expect(equalValues(-0, 0)).toBe(true)
    expect(decodeValue(encodeValue(-(2 ** 53) + 1))).toBe(-(2 ** 53) + 1)
    expect(decodeValue(encodeValue(2 ** 53))).toBe(2 ** 53)
  })

  it('keep a __proto__ key a plain field', () => {
    const value = decodeValue(encodeValue(JSON.parse('{"__proto__": {"polluted": true}}') as Value))
    expect(Object.hasOwn(value as object, '__proto__')).toBe(true)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  it.each<[string, unknown]>([
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a lone surrogate', 'a\ud800'],
    ['a lone surrogate in a key', { '\udc00': 1 }],
    ['undefined', undefined],
    ['an undefined field', { a: undefined }],
    ['a hole in an array', Array.from({ length: 2 })],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a Map', new Map()],
    ['a Date', new Date(0)],
    ['other typed arrays', new Uint16Array(1)],
  ])('refuse %s', (_, value) => {
    expect(() => encodeValue(value as Value)).toThrow(expect.objectContaining({ code: 'NotCanonical' }))
  })

  it('refuse to be nested deeper than the limit, both ways', () => {
    let value: Value = 1
    for (let i = 0; i < maxValueDepth; i++) value = [value]
    expect(equalValues(decodeValue(encodeValue(value)), value)).toBe(true)
    expect(() => encodeValue([value])).toThrow(/nested/)
    expect(refused(new Uint8Array([...Array.from({ length: maxValueDepth + 1 }, () => [10, 1]).flat(), 0]))).toBe(true)
    const cycle: Value[] = []
    cycle.push(cycle)
    expect(() => encodeValue(cycle)).toThrow(/nested/)
  })

  it('refuse to be longer than the limit', () => {
    expect(() => encodeValue(new Uint8Array(maxValueBytes + 1))).toThrow(/longer/)
    expect(() => encodeValue('x'.repeat(maxValueBytes + 1))).toThrow(/longer/)
    expect(() => encodeValue([new Uint8Array(maxValueBytes / 2), new Uint8Array(maxValueBytes / 2)])).toThrow(/longer/)
  })

  it.each([
    ['nothing', ''],
    ['an unknown tag', '0c'],
    ['bytes left over', '0000'],
    ['a padded integer', '038000'],
    ['an integer beyond 2^53', '03ffffffffffffff7f'],
    ['a negative below -2^53', '04ffffffffffffff0f'],
    ['a padded bigint', '05020001'],
    ['-0', '070000000000000080'],
    ['NaN', '07000000000000f87f'],
    ['infinity', '07000000000000f07f'],
    ['an integer as a double', '07000000000000f03f'],
    ['an encoded surrogate', '0803eda080'],
    ['overlong UTF-8', '0802c080'],
    ['keys out of order', '0b02 0162 00 0161 00'],
    ['a key twice', '0b02 0161 00 0161 00'],
    ['more items than bytes', '0affffff7f'],
    ['a map cut off', '0b01 0161'],
  ])('are not %s', (_, bytes) => {
    expect(refused(bytes)).toBe(true)
  })

  it('share no memory with the bytes they came from', () => {
    const bytes = encodeValue(Uint8Array.of(1, 2, 3))
    const value = decodeValue(bytes) as Uint8Array
    bytes.fill(9)
    expect([...value]).toEqual([1, 2, 3])
  })
})
