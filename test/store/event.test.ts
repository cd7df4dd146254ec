import { describe, expect, test } from 'vitest'
import { utf8 } from '../../base/index.ts'
import type { KvEntry } from '../../execution/codec.ts'
import { StoredEvent } from '../../src/store/event.ts'

/** A record whose bytes are views into a buffer of this size. */
function recordIn(sizeBytes: number): KvEntry {
  const buffer = new Uint8Array(sizeBytes)
  buffer.set(utf8('keyvalue'), 100)
  const counts = { createRevision: 3, modRevision: 7, version: 2, lease: 0 }
  return { key: buffer.subarray(100, 103), value: buffer.subarray(103, 108), ...counts }
}

describe('events', () => {
  test('an entry that is kept does not keep the many events that came with it', () => {
    const record = recordIn(1 << 20)
    const event = new StoredEvent({ kind: 'put', key: record.key, entry: record, previous: record })
    for (const entry of [event.entry, event.previous]) {
      expect(entry?.value.buffer.byteLength).toBeLessThan(100)
      expect(entry?.key.buffer.byteLength).toBeLessThan(100)
      expect(entry).toMatchObject({ createRevision: 3, modRevision: 7, version: 2 })
      expect([entry?.keyText(), entry?.text()]).toEqual(['key', 'value'])
    }
  })

  test('an entry of a small delivery is not copied, and is the same each time', () => {
    const record = recordIn(1_000)
    const event = new StoredEvent({ kind: 'put', key: record.key, entry: record, previous: undefined })
    expect(event.entry?.value).toBe(record.value)
    expect(event.entry).toBe(event.entry)
    expect(event.previous).toBeUndefined()
    expect(event.keyText()).toBe('key')
  })
})
