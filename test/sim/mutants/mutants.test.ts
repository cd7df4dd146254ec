import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { properties } from '../../../src/testing/checkers/checker.ts'
import { mutants } from './all.ts'
import { patched } from './mutant.ts'
import type { Mutant } from './mutant.ts'

const root = join(import.meta.dirname, '../../..')

test.each(mutants)('$name: every patch fits the product exactly once and changes it', (mutant) => {
  for (const file of new Set(mutant.patches.map((patch) => patch.file))) {
    const text = readFileSync(join(root, file), 'utf8')
    expect(patched(file, text, mutant)).not.toBe(text)
  }
})

test('mutants have names of their own, a reason, and promises that checkers know', () => {
  expect(new Set(mutants.map((one) => one.name)).size).toBe(mutants.length)
  for (const { why, breaks } of mutants) {
    expect(why.length).toBeGreaterThan(20)
    expect(breaks.length).toBeGreaterThan(0)
    for (const property of breaks) expect(properties).toContain(property)
  }
})

test('a patch that fits nowhere, or twice, is refused', () => {
  const mutant = (find: string): Mutant => ({
    ...{ name: 'm', why: '', climate: 'rot', breaks: [] },
    patches: [{ file: 'f', find, replace: 'x' }],
  })
  expect(patched('f', 'a b', mutant('b'))).toBe('a x')
  expect(() => patched('f', 'a b', mutant('c'))).toThrow(/0 times in f/)
  expect(() => patched('f', 'b b', mutant('b'))).toThrow(/2 times in f/)
})
