/**
 * The house rules as a test, so that nobody has to remember them in a review.
 * Every message names a place and what to do there.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { errorCodes, metricTable } from '../base/index.ts'
import type { Source } from './sources.ts'
import {
  at,
  findings,
  linesOf,
  listFiles,
  markdown,
  proseAndCode,
  readSource,
  root,
  sizeOf,
  typescript,
} from './sources.ts'

const engines = ['base', 'consensus', 'crdt', 'execution', 'net']
const product = typescript().filter(({ path }) => [...engines, 'src'].some((folder) => path.startsWith(`${folder}/`)))
const self = 'test/tidy.test.ts'
const written = proseAndCode().filter(({ path }) => path !== self)

describe('size', () => {
  test('a file has one idea: at most 400 lines, 800 for tests', () => {
    const long = typescript().flatMap((source) => {
      const limit = source.path.startsWith('test/') ? 800 : 400
      const count = linesOf(source).length
      return count > limit ? [`${source.path}:${limit} has ${count} lines, look for the second idea in it`] : []
    })
    expect(long).toEqual([])
  })

  test('a line of code has at most 140 characters', () => {
    expect(findings(typescript(), /^.{141,}$/u, 'break this line')).toEqual([])
  })

  test('nothing but recorded results is larger than 200 KB', () => {
    const large = listFiles().filter((path) => sizeOf(path) > 200 * 1024)
    expect(large.map((path) => `${path}:1 is larger than 200 KB, generate it or keep it in test/golden`)).toEqual([])
  })
})

describe('words', () => {
  test('what is not done stands in docs/known-limitations.md, not in a note', () => {
    expect(findings(written, /\b(?:TODO|FIXME|XXX|HACK)\b/, 'do it now, or describe it as a limitation')).toEqual([])
  })

  test('nothing is told about machines or trackers the project was written on', () => {
    const advice = 'say it without naming a tracker, a registry or a path of one machine'
    expect(findings(written, /\bissue #?\d|\bPR #\d|\bpull request #\d/i, advice)).toEqual([])
    const notIgnoreFile = written.filter(({ path }) => path !== '.gitignore')
    expect(findings(notIgnoreFile, /(?:^|[^\w.$}-])\/(?:work|tmp|home|root)\//, advice)).toEqual([])
  })

  test('no file names the host that packages were fetched from', () => {
    const lock = readSource('package-lock.json')
    const advice = 'remove the host, the public registry is the default'
    expect(findings([...written, lock], /"resolved": "https?:|\bregistry\.[a-z]+\.|^registry\s*=/, advice)).toEqual([])
  })
})

describe('code', () => {
  test('types are not switched off', () => {
    const code = typescript().filter(({ path }) => path !== self)
    const hole = /^(?!\s*(?:\*|\/\/|\/\*)).*(?:(?::|\bas|[<,|&]) any\b(?!\s[a-z])|<any\b|\bany\[\]|\bany>)/
    expect(findings(code, hole, 'use unknown and narrow it')).toEqual([])
    expect(findings(code, /@ts-(?:ignore|nocheck|expect-error)|(?:ox|es)lint-disable/, 'satisfy the check')).toEqual([])
  })

  test('only the command line prints', () => {
    const silent = product.filter(({ path }) => !path.startsWith('src/cli/'))
    const prints = /^(?!\s*(?:\*|\/\/|\/\*)).*\bconsole\.\w+\(/
    expect(findings(silent, prints, 'return data, throw a NitroError or take a Logger')).toEqual([])
  })

  test('every exported symbol says what it does', () => {
    expect(product.flatMap(undocumented)).toEqual([])
  })
})

/** Exports with no doc comment right above them; an overload shares the comment of the first. */
function undocumented(source: Source): string[] {
  const lines = linesOf(source)
  const exported = /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|const|let|interface|type) (\w+)/
  const documented = new Set<string>()
  return lines.flatMap((line, i) => {
    const name = exported.exec(line)?.[1]
    if (name === undefined || documented.has(name)) return []
    documented.add(name)
    return isEndOfDocComment(lines, i - 1) ? [] : [`${at(source, i)} give ${name} a doc comment: /** what it does */`]
  })
}

function isEndOfDocComment(lines: readonly string[], end: number): boolean {
  if (!lines[end]?.trimEnd().endsWith('*/')) return false
  for (let i = end; i >= 0; i--) {
    const line = lines[i]?.trim() ?? ''
    if (line.startsWith('/**')) return true
    if (line.startsWith('/*') || (!line.startsWith('*') && i !== end)) return false
  }
  return false
}

describe('reference pages', () => {
  test('docs/reference/errors.md has one row for each error code', () => {
    const rows = Object.entries(errorCodes).map(
      ([code, { retryable, executed, summary }]) =>
        `| \`${code}\` | ${retryable ? 'yes' : 'no'} | ${executed} | ${summary} |`,
    )
    expect(rowDifferences('docs/reference/errors.md', rows, 'base/errors.ts')).toEqual([])
  })

  test('docs/reference/metrics.md has one row for each metric', () => {
    const rows = Object.entries(metricTable).map(([name, [kind, help]]) => `| \`${name}\` | ${kind} | ${help} |`)
    expect(rowDifferences('docs/reference/metrics.md', rows, 'base/ports/metrics.ts')).toEqual([])
  })

  test('docs/reference/cli.md names every flag, and no flag that does not exist', () => {
    const flagText = /['"`](?:-\w, )?(--[a-z][a-z0-9-]*)/g
    const declaring = product.filter(({ path }) => path.startsWith('src/cli/') || path === 'src/server/settings.ts')
    const page = readSource('docs/reference/cli.md')
    const known = new Set(['--help', '--version', '--'])
    const missing = declaring.flatMap((source) =>
      linesOf(source).flatMap((line, i) =>
        [...line.matchAll(flagText)].flatMap(([, flag = '']) => {
          known.add(flag)
          return new RegExp(`${flag}(?![a-z0-9-])`).test(page.text)
            ? []
            : [`${at(source, i)} describe ${flag} in ${page.path}`]
        }),
      ),
    )
    expect(missing).toEqual([])
    const unknown = linesOf(page).flatMap((line, i) =>
      [...line.matchAll(/(?<![\w-])--[a-z][a-z0-9-]*/g)].flatMap(([flag]) =>
        known.has(flag) ? [] : [`${at(page, i)} no command declares ${flag}, remove it`],
      ),
    )
    expect(unknown).toEqual([])
  })
})

/** What is wrong with a page whose table rows that begin with code must be exactly `rows`, in any order. */
function rowDifferences(path: string, rows: readonly string[], table: string): string[] {
  const page = readSource(path)
  const present = linesOf(page).map((line) => line.replace(/\s+/g, ' ').trim())
  const missing = rows.filter((row) => !present.includes(row)).map((row) => `${path}:1 add this row: ${row}`)
  const foreign = present.flatMap((line, i) =>
    line.startsWith('| `') && !rows.includes(line) ? [`${at(page, i)} ${table} has no such row: ${line}`] : [],
  )
  return [...missing, ...foreign]
}

describe('pages', () => {
  test('a page has one title', () => {
    const wrong = markdown().flatMap((page) => {
      const titles = outsideFences(page).flatMap(([line, i]) => (line.startsWith('# ') ? [i] : []))
      if (titles.length === 1 && titles[0] === 0) return []
      return [`${at(page, titles[1] ?? 0)} start with one line "# Title" and have no second one`]
    })
    expect(wrong).toEqual([])
  })

  test('links between pages lead somewhere', () => {
    const broken = markdown().flatMap((page) =>
      outsideFences(page).flatMap(([line, i]) =>
        [...line.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].flatMap(([, target = '']) =>
          existsSync(join(root, page.path, '..', target))
            ? []
            : [`${at(page, i)} ${target} does not exist, fix the link`],
        ),
      ),
    )
    expect(broken).toEqual([])
  })

  test('the changelog lists what is unreleased first, then versions with dates', () => {
    const page = readSource('CHANGELOG.md')
    const kinds = /^### (?:Added|Changed|Deprecated|Removed|Fixed|Security)$/
    const headings = linesOf(page).flatMap((line, i) => (/^##+ /.test(line) ? [[line, i] as const] : []))
    expect(headings[0]?.[0]).toBe('## Unreleased')
    const wrong = headings
      .slice(1)
      .filter(([line]) => !/^## \d+\.\d+\.\d+ - \d{4}-\d\d-\d\d$/.test(line) && !kinds.test(line))
    expect(wrong.map(([line, i]) => `${at(page, i)} write "## 1.2.3 - 2026-01-31" or a known kind: ${line}`)).toEqual(
      [],
    )
  })

  test('a decision record has a status, a context, a decision and consequences', () => {
    const records = markdown().filter(({ path }) => /^docs\/adr\/\d{4}-/.test(path))
    expect(records.length).toBeGreaterThan(0)
    const wrong = records.flatMap((page, i) => {
      const number = page.path.slice('docs/adr/'.length).slice(0, 4)
      const parts = ['## Context', '## Decision', '## Consequences'].filter(
        (part) => !page.text.includes(`\n${part}\n`),
      )
      const expected = String(i + 1).padStart(4, '0')
      return [
        ...parts.map((part) => `${page.path}:1 add a section "${part}"`),
        ...(number === expected ? [] : [`${page.path}:1 the next free number is ${expected}`]),
        ...(/\nStatus: (?:accepted|superseded by \d{4})\n/.test(page.text)
          ? []
          : [`${page.path}:2 add "Status: accepted"`]),
      ]
    })
    expect(wrong).toEqual([])
  })
})

/** Lines with their 0-based number, without those in fenced code. */
function outsideFences(page: Source): (readonly [line: string, index: number])[] {
  let fenced = false
  return linesOf(page).flatMap((line, i) => {
    if (line.trimStart().startsWith('```')) fenced = !fenced
    return fenced ? [] : [[line, i] as const]
  })
}

describe('folders and packages', () => {
  test('each top folder introduces itself and lists what is public', () => {
    const missing = [...engines, 'src'].flatMap((folder) => {
      const files = listFiles(folder)
      const hasCode = files.some((path) => path.endsWith('.ts'))
      return [
        ...(files.includes(`${folder}/README.md`) ? [] : [`${folder}/README.md:1 say what the folder is, in a page`]),
        ...(!hasCode || files.includes(`${folder}/index.ts`) ? [] : [`${folder}/index.ts:1 list what is public`]),
      ]
    })
    const long = markdown().filter((page) => /^\w+\/README\.md$/.test(page.path) && linesOf(page).length > 100)
    expect([...missing, ...long.map(({ path }) => `${path}:100 is too long for an introduction, use docs/`)]).toEqual(
      [],
    )
  })

  test('every dependency is pinned to one version', () => {
    const source = readSource('package.json')
    const loose = /^\s+"(?:@[\w-]+\/)?[\w.-]+": "(?:[\^~*<>=]|latest|file:|git|https?:|\d+(?:\.\d+)?")/
    const own = linesOf(source).findIndex((line) => line.includes('"dependencies"'))
    const wrong = linesOf(source).flatMap((line, i) =>
      i > own && loose.test(line) ? [`${at(source, i)} pin it: ${line.trim()}`] : [],
    )
    expect(wrong).toEqual([])
  })
})
