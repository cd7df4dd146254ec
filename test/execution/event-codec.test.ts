import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteWriter, fromLatin1 } from '../../base/index.ts'
import { decodeEvents, writeEvent } from '../../execution/index.ts'
import type { EventView } from '../../execution/index.ts'

const count = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const bytes = fc.uint8Array({ maxLength: 20 })
const record = fc.record({ createRevision: count, version: count, lease: count, value: bytes })
const event = fc.record({
  kind: fc.constantFrom('put' as const, 'delete' as const, 'emit' as const),
  key: bytes.map((key) => String.fromCharCode(...key)),
  record,
  previous: fc.option(fc.tuple(record, count).map(([one, modRevision]) => ({ ...one, modRevision }))),
})
const revisions = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 1e9 }), fc.array(event, { minLength: 1, maxLength: 4 })), { maxLength: 5 })
  .map((list) => {
    let revision = 0
    return list.map(([step, events]) => ({ revision: (revision += step), events }))
  })

function viewOf(revision: number, one: typeof event extends fc.Arbitrary<infer E> ? E : never): EventView {
  const { kind, key, previous, record: now } = one
  const counts = { createRevision: now.createRevision, version: now.version, lease: now.lease }
  const value = (): Uint8Array => now.value
  return {
    revision,
    position: 0,
    lastOfRevision: true,
    kind,
    key,
    ...counts,
    value,
    previous: () => previous ?? undefined,
  }
}

describe('events on their way to watchers', () => {
  test('come out as they went in, with previous records only when asked for', () => {
    fc.assert(
      fc.property(revisions, fc.boolean(), (list, withPrevious) => {
        const writer = new ByteWriter()
        for (const { revision, events } of list) {
          events.forEach((one, i) => writeEvent(writer, viewOf(revision, one), i === 0, withPrevious))
        }
        const expected = list.map(({ revision, events }) => ({
          revision,
          events: events.map(({ kind, key, record: now, previous }) => ({
            kind,
            key: fromLatin1(key),
            entry: kind === 'delete' ? undefined : { key: fromLatin1(key), modRevision: revision, ...now },
            previous: withPrevious && previous !== null ? { key: fromLatin1(key), ...previous } : undefined,
          })),
        }))
        expect(decodeEvents(writer.view())).toEqual(expected)
      }),
    )
  })

  test('any other bytes are events or MalformedFrame, never something else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (payload) => {
        try {
          decodeEvents(payload)
        } catch (error) {
          expect(error).toMatchObject({ code: 'MalformedFrame' })
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('a first event without a revision, and a revision that does not rise, are malformed', () => {
    const one = viewOf(7, {
      kind: 'delete',
      key: 'k',
      record: { createRevision: 0, version: 0, lease: 0, value: new Uint8Array() },
      previous: null,
    })
    const begun = new ByteWriter()
    writeEvent(begun, one, false, false)
    expect(() => decodeEvents(begun.view())).toThrow('no revision')
    const again = new ByteWriter()
    writeEvent(again, one, true, false)
    writeEvent(again, one, true, false)
    expect(() => decodeEvents(again.view())).toThrow('do not rise')
  })
})
