import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { version } from '../../src/node/index.ts'

test('the version in the code is the one of the package', () => {
  const { version: published } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  expect(version).toBe(published)
})
