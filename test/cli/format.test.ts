import fc from 'fast-check'
import stringWidth from 'string-width'
import { expect, test } from 'vitest'
import {
  bytesMember,
  displayBytes,
  duration,
  endpointList,
  escapeText,
  progressLine,
  renderTable,
  shortTime,
  truncate,
} from '../../src/cli/index.ts'

const plain = { colors: false, width: undefined }

test('a table aligns text left and numbers right, and pads no line end', () => {
  const columns = [
    { title: 'NAME', align: 'left' },
    { title: 'TERM', align: 'right' },
    { title: 'NOTE', align: 'left' },
  ] as const
  const rows = [
    ['n1', '7', 'x'],
    ['node-2', '12', ''],
  ]
  expect(renderTable(columns, rows, plain)).toBe('NAME    TERM  NOTE\nn1         7  x\nnode-2    12  \n')
})

test('a table counts wide characters as two cells', () => {
  const columns = [
    { title: 'K', align: 'left' },
    { title: 'V', align: 'left' },
  ] as const
  expect(
    renderTable(
      columns,
      [
        ['日本', 'a'],
        ['xy', 'b'],
      ],
      plain,
    ),
  ).toBe('K     V\n日本  a\nxy    b\n')
})

test('an address is shown whole, however narrow the terminal', () => {
  const columns = ['ENDPOINT', 'NOTE'].map((title) => ({ title, align: 'left' as const }))
  const text = renderTable(columns, [['127.0.0.1:7401', 'x'.repeat(200)]], { colors: false, width: 40 })
  expect(text).toContain('127.0.0.1:7401  xxx')
  expect(text).toContain('…')
})

test('no line of a table is wider than the terminal, unless every column is at its least', () => {
  const cell = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'grapheme', maxLength: 60 }))
  fc.assert(
    fc.property(
      fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 3 * 21 + 4, max: 140 }),
      (rows, width) => {
        const columns = ['A', 'B', 'C'].map((title) => ({ title, align: 'left' as const }))
        const shown = rows.map((row) => row.map(escapeText))
        for (const line of renderTable(columns, shown, { colors: false, width }).split('\n')) {
          expect(stringWidth(line)).toBeLessThanOrEqual(width)
        }
      },
    ),
  )
})

test('truncation never exceeds the width and marks what it cut', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 20 }), (text, width) => {
      const shown = truncate(text, width)
      expect(stringWidth(shown)).toBeLessThanOrEqual(Math.max(width, 1))
      if (shown !== text) expect(shown.endsWith('…')).toBe(true)
    }),
  )
})

test('escaped text holds no character that steers a terminal', () => {
  expect(escapeText('a\nb\tc\u001b[31m\u0085\u202e')).toBe('a\\nb\\tc\\u001b[31m\\u0085\\u202e')
  expect(displayBytes(Uint8Array.from([255, 1]))).toBe('0xff01')
})

test('bytes in JSON are read back the same', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const { key, key64 } = bytesMember('key', bytes)
      const back = key === undefined ? Buffer.from(key64 ?? '', 'base64') : Buffer.from(key)
      expect([...back]).toEqual([...bytes])
    }),
  )
})

test('durations are read with their units', () => {
  expect(['500', '500ms', '10s', '1.5m', '1h'].map(duration)).toEqual([500, 500, 10_000, 90_000, 3_600_000])
  for (const wrong of ['', 's', '0', '-1s', '1d', '1e3', '99999h'])
    expect(() => duration(wrong), wrong).toThrow('Expected a time')
})

test('endpoints are host:port without a scheme', () => {
  expect(endpointList('a:1, [::1]:2')).toEqual(['a:1', '[::1]:2'])
  for (const wrong of ['', 'a', 'a:0', 'a:70000', 'http://a:1', 'a:1,', '::1:2'])
    expect(() => endpointList(wrong), wrong).toThrow('Expected')
})

test('an uptime is shown in its largest unit', () => {
  expect([999, 59_999, 60_000, 3_600_000, 90_000_000].map(shortTime)).toEqual(['0s', '59s', '1m', '1h', '1d'])
})

test('a progress line shows part, count and rate', () => {
  expect(progressLine('importing', 50, 100, 1000)).toBe(
    `importing ${'█'.repeat(12)}${'░'.repeat(12)}  50%  50/100  50/s`,
  )
  expect(progressLine('importing', 50, undefined, 500)).toBe('importing 50  100/s')
})
