import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NitroError } from '../../base/index.ts'
import { FakeStore } from './fake-store.ts'
import { runBoxed } from './box.ts'

test('what export writes, import reads: any bytes, any order of chunks', async () => {
  const record = fc.tuple(
    fc.uint8Array({ minLength: 1, maxLength: 12 }),
    fc.oneof(
      fc.uint8Array(),
      fc.string().map((text) => Buffer.from(text)),
    ),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(record, { maxLength: 20 }), async (records) => {
      const from = new FakeStore()
      const to = new FakeStore()
      for (const [key, value] of records) await from.put(key, value)
      const dump = await runBoxed(['export'], { store: from })
      const { code, err } = await runBoxed(['import'], { store: to, input: dump.outBytes })
      const pairs = async (store: FakeStore): Promise<unknown> =>
        (await store.range()).entries.map(({ key, value }) => [[...key], [...value]])
      expect(code).toBe(0)
      expect(await pairs(to)).toEqual(await pairs(from))
      expect(err).toBe(`imported ${(await from.range()).count} keys\n`)
    }),
    { numRuns: 50 },
  )
})

test('export keeps to its prefix', async () => {
  const store = new FakeStore()
  for (const key of ['a/1', 'b/1']) await store.put(key, 'x')
  expect((await runBoxed(['export', 'a/'], { store })).out).toBe('{"key":"a/1","value":"x"}\n')
})

test('import names the line that is wrong and writes nothing after it', async () => {
  const wrong: [string, string][] = [
    ['nonsense', 'line 2 is not JSON'],
    ['[]', 'line 2 is not a JSON object'],
    ['{"key":"b"}', 'line 2 needs either "value" or "value64"'],
    ['{"key":"b","key64":"Yg==","value":"x"}', 'line 2 needs either "key" or "key64"'],
    ['{"key64":"not base64!","value":"x"}', '"key64" is not base64'],
  ]
  for (const [line, message] of wrong) {
    const store = new FakeStore()
    const input = `{"key":"a","value":"1"}\n${line}\n{"key":"c","value":"3"}\n`
    const { code, out, err } = await runBoxed(['import', '-'], { store, input })
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(message)
    expect((await store.range()).entries.map((entry) => entry.keyText())).toEqual(['a'])
  }
})

test('import refuses input that is no text', async () => {
  const { code, err } = await runBoxed(['import'], { input: Uint8Array.from([123, 255, 10]) })
  expect(code).toBe(2)
  expect(err).toContain('not UTF-8')
})

test('import stops at the first write that fails and reports what was written', async () => {
  class Failing extends FakeStore {
    override async put(key: Uint8Array, value: Uint8Array): Promise<{ revision: number }> {
      if (key[0] === 98) throw new NitroError('Unavailable', 'no leader')
      return super.put(key, value)
    }
  }
  const input = '{"key":"a","value":"1"}\n{"key":"b","value":"2"}\n{"key":"c","value":"3"}\n'
  const { code, err } = await runBoxed(['import', '--concurrency', '1'], { store: new Failing(), input })
  expect(code).toBe(5)
  expect(err).toContain('imported 1 keys')
})

test('import of a file that is not there is a usage error', async () => {
  const { code, err } = await runBoxed(['import', '/nowhere/at/all.jsonl'])
  expect(code).toBe(2)
  expect(err).toContain('/nowhere/at/all.jsonl')
})
