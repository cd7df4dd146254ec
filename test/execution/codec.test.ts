import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter, NitroError, checksum32, hex, latin1, utf8 } from '../../base/index.ts'
import {
  CommandHeader,
  EntryBuilder,
  checkCommand,
  decodeCommand,
  decodeCommandHeader,
  decodeRangeArgs,
  decodeResult,
  encodeCommand,
  encodeDeleteArgs,
  encodePutArgs,
  encodeRangeArgs,
  entryHeaderBytes,
  errorResult,
  limitsWith,
  maxCommandBytes,
  maxEntryBytes,
  maxEntryCommands,
  okResult,
  readEntryHeader,
} from '../../execution/index.ts'
import type { Command } from '../../execution/index.ts'
import { del, numbered, put, sessionId } from './harness.ts'

const encoded = (command: Command): Uint8Array => {
  const writer = new ByteWriter()
  encodeCommand(writer, command)
  return writer.take()
}
const codeThrown = (work: () => unknown): string => {
  try {
    work()
  } catch (thrown) {
    return (thrown as NitroError).code ?? String(thrown)
  }
  return 'nothing'
}

describe('commands', () => {
  const name = fc
    .uint8Array({ minLength: 1, maxLength: 20 })
    .map((b) => latin1(b))
    .filter((n) => n !== 'kv' && n !== 'session')
  const header = fc
    .tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.maxSafeInteger(), fc.nat())
    .map(([session, n, lag]) => ({
      session,
      seq: Math.abs(n) || 1,
      answeredUpTo: Math.max(0, (Math.abs(n) || 1) - 1 - lag),
    }))
  const args = fc.uint8Array({ maxLength: 300 })

  it('come back as they were encoded', () => {
    const byName = fc.tuple(name, name).map(([program, method]) => ({ program, method }))
    const builtin = fc.constantFrom(
      { program: 'kv', method: 'put' },
      { program: 'kv', method: 'delete' },
      { program: 'session', method: 'cancel' },
    )
    fc.assert(
      fc.property(fc.oneof(byName, builtin), fc.option(header, { nil: undefined }), args, (names, session, body) => {
        const command = { ...names, ...session, args: body }
        expect(decodeCommand(encoded(command))).toEqual(command)
      }),
    )
  })

  it('are the same bytes by the fast paths', () => {
    const h = numbered(3, 300, 2)
    expect(hex(put('key', 'value', h))).toBe(
      hex(encoded({ ...h, program: 'kv', method: 'put', args: encodePutArgs(utf8('key'), utf8('value')) })),
    )
    const range = { start: utf8('a'), end: utf8('b') }
    expect(hex(del(range))).toBe(hex(encoded({ program: 'kv', method: 'delete', args: encodeDeleteArgs(range) })))
  })

  it('are never read past their end, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const longer = new Uint8Array(bytes.length + 8).fill(1)
        longer.set(bytes)
        const out = new CommandHeader()
        try {
          decodeCommandHeader(longer, 0, bytes.length, out)
        } catch (thrown) {
          expect(['MalformedFrame', 'UnsupportedFormat']).toContain((thrown as NitroError).code)
          return
        }
        expect(out.argsAt).toBeLessThanOrEqual(bytes.length)
        expect(out.argsEnd).toBe(bytes.length)
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['too short', '0001', 'MalformedFrame'],
    ['an unknown flag', '040101', 'UnsupportedFormat'],
    ['a user past the end', '020501', 'MalformedFrame'],
    ['a user without a revision', '020161', 'MalformedFrame'],
    ['an unknown built-in', '000701', 'UnsupportedFormat'],
    ['what only the leader says', '000501', 'InvalidArgument'],
    ['an unknown method of a built-in', '000107', 'UnsupportedFormat'],
    ['method 0', '000100', 'UnsupportedFormat'],
    ['a session cut off', '0100000000', 'MalformedFrame'],
    ['a number among the answered', `01${'00'.repeat(16)}05050101`, 'MalformedFrame'],
    ['a padded number', `01${'00'.repeat(16)}8500000101`, 'MalformedFrame'],
    ['a name past the end', '0000050161', 'MalformedFrame'],
  ])('are refused with %s', (_, bytes, code) => {
    expect(
      codeThrown(() => checkCommand(Uint8Array.from(bytes.match(/../g) as string[], (b) => Number.parseInt(b, 16)))),
    ).toBe(code)
  })

  it('are refused before they reach the log when they are too large', () => {
    const command = put('k', 'v')
    const large = new Uint8Array(maxCommandBytes + 1)
    large.set(command)
    expect(codeThrown(() => checkCommand(large))).toBe('RequestTooLarge')
    expect(codeThrown(() => checkCommand(large.subarray(0, maxCommandBytes)))).toBe('nothing')
  })

  it('can not name a method that a built-in lacks', () => {
    expect(codeThrown(() => encoded({ program: 'kv', method: 'putt', args: utf8('') }))).toBe('UnknownMethod')
  })
})

describe('entries', () => {
  it('hold time stamps and the commands as they were', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }),
        fc.maxSafeInteger(),
        (commands, time) => {
          const builder = new EntryBuilder()
          for (const command of commands) builder.add(command)
          const bytes = builder.finish(Math.abs(time), 7)
          expect(bytes.length).toBe(builder.sizeBytes)
          const bodyLength = bytes.length - entryHeaderBytes
          expect(readEntryHeader(bytes)).toEqual({
            count: commands.length,
            logTime: Math.abs(time),
            wallTime: 7,
            bodyLength,
          })
        },
      ),
    )
  })

  it('notice every changed byte and every lost one', () => {
    const builder = new EntryBuilder()
    builder.add(put('key', 'value'))
    const bytes = builder.finish(5, 6)
    for (let at = 0; at < bytes.length; at++) {
      const bad = bytes.slice()
      bad[at]! ^= 0x10
      expect(codeThrown(() => readEntryHeader(bad))).toBe('DataCorrupt')
      expect(codeThrown(() => readEntryHeader(bytes.subarray(0, at)))).toBe('DataCorrupt')
    }
    expect(checksum32(bytes)).not.toBe(0)
  })

  it('of this process are taken without their checksum, but not without their framing', () => {
    const builder = new EntryBuilder()
    builder.add(put('key', 'value'))
    const bytes = builder.finish(5, 6)
    bytes[28]! ^= 1
    expect(readEntryHeader(bytes, true)).toMatchObject({ count: 1, logTime: 5 })
    expect(codeThrown(() => readEntryHeader(bytes))).toBe('DataCorrupt')
    expect(codeThrown(() => readEntryHeader(bytes.subarray(0, bytes.length - 1), true))).toBe('DataCorrupt')
    bytes[4]! ^= 3
    expect(codeThrown(() => readEntryHeader(bytes, true))).toBe('DataCorrupt')
  })

  it('take commands up to both limits, and a first one of any size', () => {
    const builder = new EntryBuilder()
    builder.add(new Uint8Array(maxCommandBytes))
    expect(builder.fits(new Uint8Array(0))).toBe(false)
    builder.clear()
    for (let i = 0; i < maxEntryCommands; i++) builder.add(new Uint8Array(3))
    expect(builder.fits(new Uint8Array(3))).toBe(false)
    builder.clear()
    builder.add(new Uint8Array(100))
    expect(builder.fits(new Uint8Array(maxEntryBytes - 100 - 8))).toBe(true)
    expect(builder.fits(new Uint8Array(maxEntryBytes - 100 - 7))).toBe(false)
    expect(builder.count).toBe(1)
  })

  it('are reusable after clear', () => {
    const builder = new EntryBuilder()
    builder.add(put('a', 'b'))
    const first = builder.finish(1, 1)
    builder.clear()
    builder.add(put('a', 'b'))
    expect(hex(builder.finish(1, 1))).toBe(hex(first))
  })
})

describe('results', () => {
  it('carry code, executed and details of an error, but no message', () => {
    const error = new NitroError('LimitExceeded', 'said to people', {
      executed: 'maybe',
      details: { name: 'x', limit: 5 },
    })
    const decoded = decodeResult(errorResult(error))
    expect(decoded).toMatchObject({
      ok: false,
      error: { code: 'LimitExceeded', executed: 'maybe', retryable: false, details: { name: 'x', limit: 5 } },
    })
    expect(latin1(errorResult(error))).not.toContain('people')
    expect(decodeResult(okResult(utf8('x')))).toEqual({ ok: true, payload: utf8('x') })
  })

  it('survive a code of a later version', () => {
    const bytes = errorResult({ code: 'FromTheFuture', executed: 'no', details: {} } as unknown as NitroError)
    expect(decodeResult(bytes)).toMatchObject({
      error: { code: 'UnsupportedFormat', details: { code: 'FromTheFuture' } },
    })
  })

  it('are refused when they are none', () => {
    expect(codeThrown(() => decodeResult(Uint8Array.of(9)))).toBe('MalformedFrame')
    expect(codeThrown(() => decodeResult(Uint8Array.of(1, 1, 0x41, 0)))).toBe('MalformedFrame')
    expect(codeThrown(() => decodeResult(Uint8Array.of(1, 1, 0x41, 10, 0)))).toBe('MalformedFrame')
    expect(codeThrown(() => decodeResult(new Uint8Array()))).toBe('MalformedFrame')
  })
})

describe('kv arguments', () => {
  it('say what a range is', () => {
    const start = utf8('a')
    const plain = { limit: 0, reverse: false, keysOnly: false, countOnly: false }
    expect(decodeRangeArgs(encodeRangeArgs({ start }))).toEqual({ start, ...plain })
    expect(decodeRangeArgs(encodeRangeArgs({ start, fromKey: true, reverse: true }))).toEqual({
      ...plain,
      start,
      fromKey: true,
      reverse: true,
    })
    const end = utf8('b')
    const all = { start, end, limit: 300, reverse: true, keysOnly: true, countOnly: true }
    expect(decodeRangeArgs(encodeRangeArgs(all))).toEqual(all)
    expect(codeThrown(() => encodeRangeArgs({ start, end, fromKey: true }))).toBe('InvalidArgument')
  })
})

describe('limits', () => {
  it('are overridden one by one, by names that exist', () => {
    expect(limitsWith({ sessions: 5 })).toMatchObject({ sessions: 5, sessionWindow: 1024 })
    for (const bad of [{ sessions: 0 }, { keyBytes: 1.5 }, { keyBytes: 70_000 }, { unknown: 5 }]) {
      expect(codeThrown(() => limitsWith(bad))).toBe('InvalidArgument')
    }
    expect(sessionId(1).length).toBe(16)
  })
})
