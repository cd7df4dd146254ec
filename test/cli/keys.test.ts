import { expect, test } from 'vitest'
import { FakeStore } from './fake-store.ts'
import { runBoxed } from './box.ts'

test('put takes the value from the argument and prints the revision', async () => {
  const store = new FakeStore()
  const { code, out, err } = await runBoxed(['put', 'a', 'hello', '-o', 'json'], { store })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(JSON.parse(out)).toEqual({ revision: 1 })
  expect((await store.get('a'))?.text()).toBe('hello')
})

test('put stores the exact bytes of standard input, with "-" and without', async () => {
  const bytes = Uint8Array.from([0, 255, 10, 13, 128, 0])
  for (const args of [
    ['put', 'a'],
    ['put', 'a', '-'],
  ]) {
    const store = new FakeStore()
    expect((await runBoxed(args, { store, input: bytes })).code).toBe(0)
    expect([...((await store.get('a'))?.value ?? [])]).toEqual([...bytes])
  }
})

test('get prints the raw value and nothing else', async () => {
  const store = new FakeStore()
  const bytes = Uint8Array.from([0, 255, 7])
  await store.put('a', bytes)
  const { code, outBytes, err } = await runBoxed(['get', 'a'], { store })
  expect({ code, err, out: [...outBytes] }).toEqual({ code: 0, err: '', out: [0, 255, 7] })
})

test('get ends the line on a terminal only', async () => {
  const store = new FakeStore()
  await store.put('a', 'x')
  expect((await runBoxed(['get', 'a'], { store, terminal: true })).out).toBe('x\n')
  expect((await runBoxed(['get', 'a'], { store })).out).toBe('x')
})

test('get of a missing key exits with 3 and prints no data', async () => {
  const { code, out, err } = await runBoxed(['get', 'nobody'])
  expect({ code, out }).toEqual({ code: 3, out: '' })
  expect(err).toBe('error: NotFound: there is no key "nobody"\n')
})

test('get marks bytes that are no text as base64 in JSON', async () => {
  const store = new FakeStore()
  await store.put('a', Uint8Array.from([255]))
  const { out } = await runBoxed(['get', 'a', '-o', 'jsonl'], { store })
  expect(out).toBe('{"key":"a","value64":"/w==","createRevision":1,"modRevision":1,"version":1,"lease":0}\n')
})

test('get shows control characters as escapes in a table', async () => {
  const store = new FakeStore()
  await store.put('a', 'x\u001b[2Jy\n')
  const { out } = await runBoxed(['get', 'a', '-o', 'table'], { store })
  expect(out).toContain('x\\u001b[2Jy\\n')
  expect(out).not.toContain('\u001b')
})

test('del counts what it deleted and is content with nothing', async () => {
  const store = new FakeStore()
  for (const key of ['a/1', 'a/2', 'b']) await store.put(key, 'x')
  expect((await runBoxed(['del', '--prefix', 'a/', '-o', 'value'], { store })).out).toBe('2\n')
  const again = await runBoxed(['del', 'a/1', '-o', 'value'], { store })
  expect({ code: again.code, out: again.out }).toEqual({ code: 0, out: '0\n' })
  expect((await runBoxed(['del', '--start', 'b', '--end', 'c', '-o', 'value'], { store })).out).toBe('1\n')
})

test('del deletes everything only when --all says so', async () => {
  for (const args of [
    ['del'],
    ['del', '--prefix', ''],
    ['del', 'a', '--all'],
    ['del', '--all', '--prefix', 'a'],
    ['del', 'a', '--start', 'b'],
  ]) {
    const store = new FakeStore()
    await store.put('a', 'x')
    expect((await runBoxed(args, { store })).code, args.join(' ')).toBe(2)
    expect((await store.range()).count).toBe(1)
  }
  const store = new FakeStore()
  await store.put('a', 'x')
  expect((await runBoxed(['del', '--all'], { store })).code).toBe(0)
  expect((await store.range()).count).toBe(0)
})

async function filled(count: number): Promise<FakeStore> {
  const store = new FakeStore()
  for (let at = 0; at < count; at++) await store.put(`k${String(at).padStart(4, '0')}`, `v${at}`)
  return store
}

test('range prints every key as json, jsonl and value', async () => {
  const store = await filled(600)
  const json = JSON.parse((await runBoxed(['range', '-o', 'json'], { store })).out) as { key: string }[]
  const jsonl = (await runBoxed(['range', '-o', 'jsonl'], { store })).out.trimEnd().split('\n')
  const values = (await runBoxed(['range', '-o', 'value'], { store })).out.trimEnd().split('\n')
  expect(json).toHaveLength(600)
  expect(jsonl.map((line) => (JSON.parse(line) as { key: string }).key)).toEqual(json.map(({ key }) => key))
  expect(values).toEqual(Array.from({ length: 600 }, (_, at) => `v${at}`))
})

test('range stops a table after a thousand rows and says so', async () => {
  const { out, err } = await runBoxed(['range'], { store: await filled(1001) })
  expect(out.trimEnd().split('\n')).toHaveLength(1001)
  expect(err).toContain('more than 1000 keys')
})

test('range honours limit, direction, bounds, keys only and count', async () => {
  const store = await filled(10)
  const keys = async (...args: string[]): Promise<string> =>
    (await runBoxed(['range', '--keys-only', '-o', 'value', ...args], { store })).out
  expect(await keys('--limit', '2')).toBe('k0000\nk0001\n')
  expect(await keys('--limit', '2', '--reverse')).toBe('k0009\nk0008\n')
  expect(await keys('--start', 'k0003', '--end', 'k0005')).toBe('k0003\nk0004\n')
  expect(await keys('k0007')).toBe('k0007\n')
  expect((await runBoxed(['range', '--count', '-o', 'value'], { store })).out).toBe('10\n')
  expect((await runBoxed(['range', 'k', '--start', 'a'], { store })).code).toBe(2)
  expect((await runBoxed(['range', 'k', '--prefix', 'k'], { store })).code).toBe(2)
  const [argument, option] = await Promise.all([keys('k', '--limit', '3'), keys('--prefix', 'k', '--limit', '3')])
  expect(option).toBe(argument)
})

test('range of nothing prints no data', async () => {
  const { code, out, err } = await runBoxed(['range'])
  expect({ code, out, err }).toEqual({ code: 0, out: '', err: 'No keys.\n' })
  expect((await runBoxed(['range', '-o', 'json'])).out).toBe('[]\n')
})
