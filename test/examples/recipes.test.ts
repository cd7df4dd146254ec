/** The recipes for locks and elections, run as a reader would run them: each as a process of its own, told apart by what it prints. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../sources.ts'

/** Runs an example to its end; resolves with the lines that it printed. Rejects when it fails. */
function run(name: string): Promise<string[]> {
  const args = ['--import', 'tsx', '--conditions=source', join(root, 'examples', `${name}.ts`)]
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: root, timeout: 110_000 }, (error, out, err) => {
      if (error === null) resolve(out.trimEnd().split('\n'))
      else reject(new Error(`${name}: ${error.message}\n${out}${err}`))
    })
  })
}

describe('the example', { timeout: 120_000 }, () => {
  test('cron-once runs each time once, by one instance, and by another when that has left', async () => {
    const lines = await run('cron-once')
    const leaves = lines.findIndex((line) => line.endsWith('leaves'))
    const runs = lines.flatMap((line) => /^instance (\d) ran (\S+)$/.exec(line)?.slice(1) ?? [])
    const times = runs.filter((_, at) => at % 2 === 1)
    expect(times.length).toBeGreaterThanOrEqual(6)
    expect(times).toEqual([...new Set(times)].toSorted())
    const runners = (some: readonly string[]): string[] => [
      ...new Set(some.flatMap((line) => /^instance (\d) ran/.exec(line)?.[1] ?? [])),
    ]
    const [before, after] = [runners(lines.slice(0, leaves)), runners(lines.slice(leaves))]
    expect([before.length, after.length]).toEqual([1, 1])
    expect(after).not.toEqual(before)
  })

  test('singleton-worker works in one instance at a time, until all have stopped', async () => {
    const lines = await run('singleton-worker')
    const works = lines.flatMap((line) => /^(\w) works$/.exec(line)?.[1] ?? [])
    expect(works.toSorted()).toEqual(['a', 'b', 'c'])
    expect(lines.filter((line) => line.includes('is the worker'))).toEqual(
      works.map((label, at) => `${label} is the worker, ${2 - at} wait; it stops`),
    )
  })

  test('leader-scheduler has one leader after the other, and observers see each, and none between them', async () => {
    const lines = await run('leader-scheduler')
    const leaders = lines.flatMap((line) => /^(host-\w):80 (?:\(task \d\) )?leads, token \d+$/.exec(line)?.[1] ?? [])
    expect([...new Set(leaders)].toSorted()).toEqual(['host-a', 'host-b', 'host-c'])
    // Who has led never leads again.
    expect(leaders.filter((leader, at) => leader !== leaders[at - 1])).toHaveLength(3)
    const tokens = lines.flatMap((line) => /token (\d+)$/.exec(line)?.[1] ?? []).map(Number)
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b))
    const first = lines.findIndex((line) => line.includes('leads, token'))
    expect(lines.slice(first).filter((line) => line === 'nobody leads').length).toBeLessThanOrEqual(1)
  })

  test('sharded-consumers has each partition consumed once, and shares them out again when one comes', async () => {
    const lines = await run('sharded-consumers')
    const owner = new Map<string, string>()
    for (const line of lines) {
      const [, consumer = '', verb, item = ''] = /^consumer (\d) (takes|gives) (\w+)/.exec(line) ?? []
      if (verb === 'takes') {
        expect(owner.get(item), line).toBeUndefined()
        owner.set(item, consumer)
      } else if (verb === 'gives') {
        expect(owner.get(item), line).toBe(consumer)
        owner.delete(item)
      }
    }
    expect(owner.size).toBe(0)
    const owned = lines.flatMap((line) => /^consumer \d owns (.*)$/.exec(line)?.[1]?.split(' ') ?? [])
    expect(owned.toSorted()).toEqual(['p0', 'p1', 'p2', 'p3', 'p4', 'p5'])
  })

  test('fastify-job answers from all instances and runs its job in exactly one, also after that was closed', async () => {
    const lines = await run('fastify-job')
    const runs = lines.filter((line) => line.endsWith(' runs the job'))
    const rests = lines.filter((line) => line.endsWith(' does not run the job'))
    expect([runs.length, rests.length]).toEqual([2, 3])
    expect(runs[1]).not.toBe(runs[0])
    expect(lines.at(-1)).toMatch(/^last run: \S+Z by [abc]$/)
  })
})
