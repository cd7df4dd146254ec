/** The short form of `npm run laws`: every law, with few runs and a fixed seed. */
import { describe, expect, test } from 'vitest'
import { laws } from './laws/all.ts'
import { tryLaw } from './laws/law.ts'

const runs = 5
const seed = 20_260_101

describe.each([...new Set(laws.map(({ type }) => type))])('%s', (type) => {
  test.each(laws.filter((law) => law.type === type))('$id: $says', (law) => {
    expect(tryLaw(law, runs, seed).failure).toBeUndefined()
  })
})
