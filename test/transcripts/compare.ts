/**
 * Comparing what happened with what a transcript says: everything but log lines counts.
 */

const logLine = /^\s*(DEBUG|INFO|WARN|ERROR|FATAL)\b/

/** The lines that count. Output of nothing but log lines is the same as "ok". */
export function significantLines(lines: readonly string[]): string[] {
  const kept = lines.filter((line) => !logLine.test(line)).map((line) => line.trimEnd())
  while (kept.length > 0 && kept.at(-1) === '') kept.pop()
  return kept.length === 1 && kept[0] === 'ok' ? [] : kept
}

/** The lines that differ, marked - (expected) and + (actual), with their neighbours; empty when all is equal. */
export function difference(expected: readonly string[], actual: readonly string[]): string[] {
  const table = longestCommon(expected, actual)
  const out: { mark: ' ' | '-' | '+'; line: string }[] = []
  let i = 0
  let j = 0
  while (i < expected.length || j < actual.length) {
    if (i < expected.length && j < actual.length && expected[i] === actual[j]) {
      out.push({ mark: ' ', line: expected[i] as string })
      i++
      j++
    } else if (i < expected.length && (j === actual.length || common(table, i + 1, j) >= common(table, i, j + 1))) {
      out.push({ mark: '-', line: expected[i++] as string })
    } else {
      out.push({ mark: '+', line: actual[j++] as string })
    }
  }
  if (out.every(({ mark }) => mark === ' ')) return []
  const near = (at: number): boolean => out.slice(Math.max(0, at - 2), at + 3).some(({ mark }) => mark !== ' ')
  return out.filter((_, at) => near(at)).map(({ mark, line }) => `${mark} ${line}`)
}

function common(table: readonly (readonly number[])[], i: number, j: number): number {
  return table[i]?.[j] ?? 0
}

function longestCommon(a: readonly string[], b: readonly string[]): number[][] {
  const table = Array.from({ length: a.length + 1 }, () => Array.from({ length: b.length + 1 }, () => 0))
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const row = table[i] as number[]
      row[j] =
        a[i] === b[j] ? common(table, i + 1, j + 1) + 1 : Math.max(common(table, i + 1, j), common(table, i, j + 1))
    }
  }
  return table
}
