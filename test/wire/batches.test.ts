import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isNitroError } from '../../base/index.ts'
import { CommandBatchWriter, forEachCommand, forEachQuery, QueryBatchWriter } from '../../src/wire/index.ts'
import type { QueryRequest } from '../../src/wire/index.ts'

const tag = fc.maxSafeNat()
const bytes = fc.uint8Array({ maxLength: 300 })
const name = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 20,
})
const query = fc.record<QueryRequest>({
  tag,
  consistency: fc.constantFrom('linearizable', 'committed'),
  timeoutMs: fc.nat(),
  program: name,
  method: name,
  args: bytes,
})

function commandsOf(payload: Uint8Array): [number, Uint8Array][] {
  const out: [number, Uint8Array][] = []
  forEachCommand(payload, (tag, from, start, end) => out.push([tag, from.slice(start, end)]))
  return out
}

function queriesOf(payload: Uint8Array): QueryRequest[] {
  const out: QueryRequest[] = []
  forEachQuery(payload, (query) => out.push({ ...query, args: query.args.slice() }))
  return out
}

function onlyMalformed(decode: () => unknown): void {
  try {
    decode()
  } catch (error) {
    expect(isNitroError(error, 'MalformedFrame')).toBe(true)
  }
}

test('writers that hand their memory on hold what was added to each, and what was taken stays as it was', () => {
  const act = fc.record({ who: fc.nat(4), do: fc.constantFrom('add', 'add', 'add', 'clear', 'take'), tag, bytes })
  fc.assert(
    fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
      const writers = Array.from({ length: 5 }, () => new CommandBatchWriter())
      const held = writers.map((): [number, Uint8Array][] => [])
      const taken: { readonly payload: Uint8Array; readonly items: [number, Uint8Array][] }[] = []
      for (const one of acts) {
        const writer = writers[one.who] as CommandBatchWriter
        const items = held[one.who] as [number, Uint8Array][]
        if (one.do === 'add') {
          writer.add(one.tag, one.bytes)
          items.push([one.tag, one.bytes])
        } else {
          if (one.do === 'take') taken.push({ payload: writer.take(), items })
          else writer.clear()
          held[one.who] = []
        }
        for (const [at, other] of writers.entries()) {
          expect(other.count).toBe(held[at]?.length)
          if (other.count > 0) expect(commandsOf(other.view())).toEqual(held[at])
        }
      }
      for (const { payload, items } of taken) expect(commandsOf(payload)).toEqual(items)
    }),
  )
})

describe('batches', () => {
  test('commands come out as they went in, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(tag, bytes)), (items) => {
        const batch = new CommandBatchWriter()
        for (const [at, [tag, command]] of items.entries()) {
          if (at % 2 === 0) batch.add(tag, command)
          else batch.addParts(tag, command, 0, Math.min(at, command.length), command.subarray(at))
        }
        expect(batch.count).toBe(items.length)
        expect(commandsOf(batch.view())).toEqual(items)
        const payload = batch.take()
        expect(commandsOf(payload)).toEqual(items)
        expect([batch.count, batch.sizeBytes]).toEqual([0, 0])
      }),
    )
  })

  test('a taken payload does not change when the writer goes on', () => {
    const batch = new CommandBatchWriter()
    batch.add(1, Uint8Array.of(1, 2, 3))
    const first = batch.take()
    batch.add(2, Uint8Array.of(9, 9, 9, 9))
    expect(commandsOf(first)).toEqual([[1, Uint8Array.of(1, 2, 3)]])
    expect(commandsOf(batch.take())).toEqual([[2, Uint8Array.of(9, 9, 9, 9)]])
  })

  test('a cleared writer begins again in the same memory', () => {
    const batch = new CommandBatchWriter()
    batch.add(1, Uint8Array.of(1, 2, 3))
    const before = batch.view()
    batch.clear()
    expect([batch.count, batch.sizeBytes]).toEqual([0, 0])
    batch.add(2, Uint8Array.of(9))
    expect(commandsOf(batch.view())).toEqual([[2, Uint8Array.of(9)]])
    expect(batch.view().buffer).toBe(before.buffer)
  })

  test('queries come out as they went in, in order', () => {
    fc.assert(
      fc.property(fc.array(query), (queries) => {
        const batch = new QueryBatchWriter()
        for (const one of queries) batch.add(one.tag, one.consistency, one.timeoutMs, one.program, one.method, one.args)
        expect(queriesOf(batch.take())).toEqual(queries)
      }),
    )
  })

  test('any bytes are either a batch or a MalformedFrame', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (payload) => {
        onlyMalformed(() => commandsOf(payload))
        onlyMalformed(() => queriesOf(payload))
      }),
      { numRuns: 500 },
    )
  })

  test('a batch that was cut off is a MalformedFrame, unless the cut is between items', () => {
    const batch = new CommandBatchWriter()
    batch.add(300, new Uint8Array(10))
    batch.add(301, new Uint8Array(10))
    const payload = batch.take()
    for (let length = 1; length < payload.length; length++) {
      if (length === payload.length / 2) continue
      expect(() => commandsOf(payload.subarray(0, length))).toThrow(expect.objectContaining({ code: 'MalformedFrame' }))
    }
  })
})
