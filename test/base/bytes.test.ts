import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ByteReader,
  ByteWriter,
  addHash,
  compareBytes,
  concatBytes,
  equalBytes,
  fromHex,
  fromLatin1,
  hash128,
  hash128Into,
  hash128View,
  hashBytes,
  hashText,
  hex,
  latin1,
  prefixEnd,
  subtractHash,
  utf8,
} from '../../base/index.ts'

const bytes = fc.uint8Array({ maxLength: 40 })

it('a write of the wrong type breaks that writer only: others share no bytes after it', () => {
  for (const wrong of [5, {}, null, undefined] as unknown as string[]) {
    for (const write of ['string', 'latin1'] as const)
      expect(() => new ByteWriter(8)[write](wrong)).toThrow(/room for NaN|uint of undefined|properties of/)
  }
  expect(() => new ByteWriter(8).raw({} as Uint8Array)).toThrow('room for NaN bytes')
  const [a, b] = [new ByteWriter(8), new ByteWriter(8)]
  a.string('aaaa')
  b.string('bbbb')
  expect(new ByteReader(a.view()).string()).toBe('aaaa')
})

describe('byte strings', () => {
  it('survive latin1 and hexadecimal', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect([...fromLatin1(latin1(value))]).toEqual([...value])
        expect(equalBytes(fromHex(hex(value)) as Uint8Array, value)).toBe(true)
      }),
    )
    const long = new Uint8Array(10_000).map((_, i) => i)
    expect(equalBytes(fromLatin1(latin1(long)), long)).toBe(true)
  })

  it('become latin1 from any part of them, which ends where they do', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(80), fc.nat(80), (bytes, from, length) => {
        const start = Math.min(from, bytes.length)
        const expected = Buffer.from(bytes.subarray(start, start + length)).toString('latin1')
        expect(latin1(bytes, start, start + length)).toBe(expected)
      }),
    )
  })

  it('compare as their latin1 strings do', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const [x, y] = [latin1(a), latin1(b)]
        expect(Math.sign(compareBytes(a, b))).toBe(x < y ? -1 : x > y ? 1 : 0)
      }),
    )
  })

  it('have a least key above a prefix exactly when one exists', () => {
    fc.assert(
      fc.property(bytes, bytes, (prefix, key) => {
        const p = latin1(prefix)
        const k = latin1(key)
        const end = prefixEnd(p)
        expect(k.startsWith(p)).toBe(k >= p && (end === undefined || k < end))
      }),
    )
    expect(prefixEnd('\xff\xff')).toBeUndefined()
  })

  it('join in order', () => {
    expect([...concatBytes([Uint8Array.of(1), Uint8Array.of(), Uint8Array.of(2, 3)])]).toEqual([1, 2, 3])
  })
})

describe('the binary writer and reader', () => {
  it('give back what was written', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.double(), fc.string({ unit: 'grapheme' }), bytes, (n, d, s, b) => {
        const writer = new ByteWriter(1)
        const size = Math.abs(n)
        writer.uint(size)
        writer.u64(size)
        writer.f64(d)
        writer.string(s)
        writer.blob(b)
        writer.u16(513)
        writer.latin1('\xff')
        const reader = new ByteReader(writer.take())
        expect(reader.uint()).toBe(size)
        expect(reader.u64()).toBe(size)
        expect(reader.f64()).toBe(d)
        expect(utf8(reader.string())).toEqual(utf8(s))
        expect(equalBytes(reader.blob(), b)).toBe(true)
        expect(reader.u16()).toBe(513)
        expect(reader.latin1()).toBe('\xff')
        reader.finish()
      }),
    )
  })

  it('refuse to read past the end, whatever the bytes', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        for (const read of [
          (r: ByteReader) => r.uint(),
          (r: ByteReader) => r.u64(),
          (r: ByteReader) => r.string(),
          (r: ByteReader) => r.blob(),
          (r: ByteReader) => r.latin1(),
        ]) {
          const reader = new ByteReader(value)
          try {
            read(reader)
          } catch (thrown) {
            expect(thrown).toMatchObject({ code: 'MalformedFrame' })
          }
          expect(reader.at).toBeLessThanOrEqual(value.length)
        }
      }),
    )
  })
})

describe('the fast hash', () => {
  it('is MurmurHash3_x86_128, by its known vectors', () => {
    expect(hashText(hash128(utf8('')))).toBe('00000000000000000000000000000000')
    const lanes = [...hash128(utf8('The quick brown fox jumps over the lazy dog'))].map((n) => n.toString(16))
    expect(lanes).toEqual(['2f1583c3', 'ecee2c67', '5d7bf66c', 'e5e91d2c'])
  })

  it('has the verification value of its author for all lengths up to 255 and as many seeds', () => {
    const key = Uint8Array.from({ length: 256 }, (_, i) => i)
    const hashes = new Uint8Array(16 * 256)
    for (let i = 0; i < 256; i++) hashes.set(hashBytes(hash128(key.subarray(0, i), 256 - i)), 16 * i)
    expect((hash128(hashes)[0] as number).toString(16)).toBe('b3ece62a')
  })

  it('does not depend on where the bytes lie', () => {
    const buffer = new Uint8Array(200).map((_, i) => i * 7)
    for (let start = 0; start < 20; start++) {
      const part = buffer.subarray(start, start + 101)
      const out = new Uint32Array(8)
      hash128Into(out, 0, buffer, start, start + 101)
      hash128View(out, 4, new DataView(part.buffer, part.byteOffset), 0, 101)
      expect([...out]).toEqual([...hash128(part.slice()), ...hash128(part.slice())])
    }
  })

  it('notices any changed byte and any changed length', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 70 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (v, at, flip) => {
          const other = v.slice()
          other[at % v.length]! ^= flip
          expect(hashText(hash128(v))).not.toBe(hashText(hash128(other)))
          expect(hashText(hash128(v))).not.toBe(hashText(hash128(v.subarray(1))))
        },
      ),
    )
  })

  it('adds up in any order and can be taken out again', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 6 }), bytes, (values, extra) => {
        const sum = new Uint32Array(4)
        for (const value of [...values, extra]) addHash(sum, hash128(value))
        subtractHash(sum, hash128(extra))
        const back = new Uint32Array(4)
        for (const value of values.toReversed()) addHash(back, hash128(value))
        expect(hashText(sum)).toBe(hashText(back))
        const lanes = new DataView(hashBytes(sum).buffer)
        expect(Array.from({ length: 4 }, (_, at) => lanes.getUint32(4 * at, true))).toEqual([...sum])
      }),
    )
  })
})
