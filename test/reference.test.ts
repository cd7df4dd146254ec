/** Reference pages that describe behaviour, compared with what the code does. */
import { describe, expect, test } from 'vitest'
import { defaultLimits, knownFlags } from '../execution/index.ts'
import { runBoxed } from './cli/box.ts'
import { readSource } from './sources.ts'

describe('docs/reference/limits.md', () => {
  test('has one row for each limit of the machine, with its default', () => {
    const rows = [...readSource('docs/reference/limits.md').text.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)]
    expect(Object.fromEntries(rows.map(([, name, value]) => [name, Number(value)]))).toEqual(defaultLimits)
  })
})

describe('docs/reference/flags.md', () => {
  test('has one row for each flag that the machine knows, in order', () => {
    const rows = [...readSource('docs/reference/flags.md').text.matchAll(/^\| (\d+) \| (.*) \|$/gm)]
    expect(rows.map(([, number, summary]) => ({ number: Number(number), summary }))).toEqual(knownFlags)
  })
})

describe('docs/reference/cli.md', () => {
  const shared = ['--endpoints', '--user', '--output', '--timeout', '--help', '--version']
  const [intro = '', ...sections] = readSource('docs/reference/cli.md').text.split(/^##+ /m)
  const described = new Map(sections.map((section) => [section.slice(0, section.indexOf('\n')), section]))

  /** What follows `Usage: nitrostate` in the help of a command, its own flags and its subcommands. */
  async function help(path: string): Promise<{ usage: string; flags: string[]; commands: string[] }> {
    const { out } = await runBoxed([...path.split(' ').filter((word) => word !== ''), '--help'])
    const lists =
      out.split(/^(?:Examples:|\S.*step by step:)$/m)[0]?.replaceAll(/^(?:Arguments:)\n(?: .*\n)*/gm, '') ?? ''
    const flags = [...lists.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag = '']) => flag)
    const commands = [...lists.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name = '']) => name)
    return {
      usage: /^Usage: (.*)$/m.exec(out)?.[1] ?? '',
      flags: flags.filter((flag) => !shared.includes(flag)).toSorted(),
      commands: commands.filter((name) => name !== 'help'),
    }
  }

  test('describes every command there is, and no other', async () => {
    const paths: string[] = []
    for (const name of (await help('')).commands) {
      const { commands } = await help(name)
      paths.push(name, ...commands.map((command) => `${name} ${command}`))
    }
    expect(intro).toContain('# Command line')
    expect([...described.keys()].filter((path) => path !== 'Shared flags').toSorted()).toEqual(paths.toSorted())
  })

  test('gives the usage and the flags of each command as its help does', async () => {
    for (const [path, section] of described) {
      const written = [...section.matchAll(/^\| `(?:-\w, )?(--[\w-]+)/gm)].map(([, flag = '']) => flag).toSorted()
      if (path === 'Shared flags') {
        expect(written).toEqual(['--endpoints', '--output', '--timeout', '--user'])
        continue
      }
      const { usage, flags, commands } = await help(path)
      expect({ path, flags: written }).toEqual({ path, flags })
      if (commands.length === 0) expect(section).toContain(`\n${usage.replace(' [options]', '')}\n`)
    }
  })
})
