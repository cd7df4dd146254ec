import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NitroError } from '../../base/index.ts'
import { readWatchAsks, readWatchTells, WatchAskWriter, WatchTellWriter } from '../../src/wire/index.ts'
import type { WatchAsks, WatchTells } from '../../src/wire/index.ts'

const count = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const bytes = fc.uint8Array({ maxLength: 12 })
const range = fc.oneof(
  fc.record({ start: bytes }),
  fc.record({ start: bytes, end: bytes }),
  fc.record({ start: bytes, fromKey: fc.constant(true) }),
)
const request = fc.record({
  ...{ range, fromRevision: count, creditBytes: count },
  ...{ puts: fc.boolean(), deletes: fc.boolean(), emits: fc.boolean(), previous: fc.boolean() },
})
const asks = fc.array(
  fc.oneof(
    fc.tuple(fc.constant('open' as const), count, request),
    fc.tuple(fc.constant('close' as const), count),
    fc.tuple(fc.constant('credit' as const), count, count),
    fc.tuple(fc.constant('progress' as const), count),
  ),
)
const ids = fc.array(count, { maxLength: 5 })
const tells = fc.array(
  fc.oneof(
    fc.tuple(fc.constant('opened' as const), count, count),
    fc.tuple(fc.constant('events' as const), ids, fc.boolean(), count, bytes),
    fc.tuple(fc.constant('progress' as const), count, count),
    fc.tuple(fc.constant('progressAll' as const), count, ids),
    fc.tuple(fc.constant('ended' as const), count),
  ),
)
const compacted = new NitroError('Compacted', 'gone', { details: { compactRevision: 12 } })

/** Takes every call down as it came. */
function listening<T extends object>(names: readonly (keyof T)[]): { readonly heard: unknown[][]; readonly to: T } {
  const heard: unknown[][] = []
  const to = Object.fromEntries(names.map((name) => [name, (...args: unknown[]) => heard.push([name, ...args])]))
  return { heard, to: to as T }
}
const asking = (): { heard: unknown[][]; to: WatchAsks } =>
  listening<WatchAsks>(['open', 'close', 'credit', 'progress'])
const telling = (): { heard: unknown[][]; to: WatchTells } =>
  listening<WatchTells>(['opened', 'events', 'progress', 'progressAll', 'ended'])

describe('frames of watches', () => {
  test('what a client asks comes out as it went in, in order', () => {
    fc.assert(
      fc.property(asks, (list) => {
        const writer = new WatchAskWriter()
        for (const [kind, id, what] of list) {
          if (kind === 'open') writer.open(id, what)
          else if (kind === 'credit') writer.credit(id, what)
          else writer[kind](id)
        }
        const { heard, to } = asking()
        readWatchAsks(writer.take(), to)
        expect(heard).toEqual(list)
        expect(writer.empty).toBe(true)
      }),
    )
  })

  test('what a node tells comes out as it went in, in order', () => {
    fc.assert(
      fc.property(tells, (list) => {
        const writer = new WatchTellWriter()
        for (const one of list) {
          if (one[0] === 'events') writer.events(one[1], one[2], one[3], one[4])
          else if (one[0] === 'progressAll') writer.progressAll(one[1], one[2])
          else if (one[0] === 'ended') writer.ended(one[1], compacted)
          else writer[one[0]](one[1], one[2])
        }
        const { heard, to } = telling()
        readWatchTells(writer.take(), to)
        const ended = expect.objectContaining({ code: 'Compacted', details: { compactRevision: 12 } })
        expect(heard).toEqual(list.map((one) => (one[0] === 'ended' ? [...one, ended] : one)))
        expect(writer.sizeBytes).toBe(0)
      }),
    )
  })

  test('any other bytes are MalformedFrame, never something else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (payload) => {
        for (const read of [() => readWatchAsks(payload, asking().to), () => readWatchTells(payload, telling().to)]) {
          try {
            read()
          } catch (error) {
            expect(error).toMatchObject({ code: 'MalformedFrame' })
          }
        }
      }),
      { numRuns: 3_000 },
    )
  })

  test('a false count of watches makes no room for itself', () => {
    const writer = new WatchTellWriter()
    writer.progressAll(1, [1, 2, 3])
    const payload = writer.take().slice()
    payload[2] = 100
    expect(() => readWatchTells(payload, telling().to)).toThrow('100 watches')
  })
})
