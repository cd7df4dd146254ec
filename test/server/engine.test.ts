import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { tuneEngine } from '../../src/server/engine.ts'

function flagsFor(processors: number): string[] {
  const flags: string[] = []
  tuneEngine(processors, (flag) => void flags.push(flag))
  return flags
}

describe('what a server asks of V8', () => {
  test('is more inlining, and with few processors no helpers that collect young garbage', () => {
    expect(flagsFor(8)).toEqual(['--max-inlined-bytecode-size-cumulative=3000', '--max-inlined-bytecode-size=1000'])
    expect(flagsFor(4)).toEqual(flagsFor(8))
    expect(flagsFor(3)).toEqual([...flagsFor(8), '--no-parallel-scavenge'])
  })

  test('is known to the V8 that runs this', () => {
    expect(execFileSync(process.execPath, [...flagsFor(1), '-p', '1'], { encoding: 'utf8' })).toBe('1\n')
  })
})
