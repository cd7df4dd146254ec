import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadDaemon } from '../../src/server/index.ts'

const { loadPrograms } = await loadDaemon()

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nitrostate-programs-'))
})

afterAll(() => rm(directory, { recursive: true }))

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, text)
  return path
}

test('programs of all files are loaded in order', async () => {
  const one = await file('one.mjs', "export default [{ name: 'a', version: 1, methods: { m() {} } }]")
  const two = await file('two.mjs', "export default [{ name: 'b', version: 2, methods: {}, queries: { q() {} } }]")
  expect((await loadPrograms([one, two])).map(({ name, version }) => [name, version])).toEqual([
    ['a', 1],
    ['b', 2],
  ])
})

test('a file that is no list of programs is refused by name and position', async () => {
  const good = "{ name: 'a', version: 1, methods: {} }"
  const wrong: [string, string, string][] = [
    ['missing', '', 'default export'],
    ['object', `export default ${good}`, 'array of programs'],
    ['version', `export default [${good}, { name: 'b', version: 0, methods: {} }]`, 'item 1'],
    ['method', "export default [{ name: 'b', version: 1, methods: { m: 1 } }]", 'item 0'],
    ['throws', "throw new Error('boom at load')", 'boom at load'],
  ]
  for (const [name, text, message] of wrong) {
    const path = await file(`${name}.mjs`, text)
    const refusal = loadPrograms([path])
    await expect(refusal, name).rejects.toMatchObject({ code: 'InvalidArgument' })
    await expect(refusal, name).rejects.toThrow(message)
    await expect(refusal, name).rejects.toThrow(path)
  }
  await expect(loadPrograms([join(directory, 'nowhere.mjs')])).rejects.toThrow('cannot load')
})

test('a version defined twice is refused with both files', async () => {
  const one = await file('x.mjs', "export default [{ name: 'same', version: 1, methods: {} }]")
  const two = await file('y.mjs', "export default [{ name: 'same', version: 1, methods: {} }]")
  await expect(loadPrograms([one, two])).rejects.toThrow(`"same 1" is defined in both ${one} and ${two}`)
})
