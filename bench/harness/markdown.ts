/** Tables that can be read in a terminal and pasted into the docs. */

/** A Markdown table; the first column is text, the others are figures and aligned to the right. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) => Math.max(3, title.length, ...rows.map((row) => (row[at] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, at) => pad(cells[at] ?? '', width, at)).join(' | ')} |`
  const rule = widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n')
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width)
}

/** Nanoseconds in the unit that fits: `12.3 ns`, `4.56 µs`, `1.20 ms`. */
export function formatNs(ns: number): string {
  if (ns < 1000) return `${significant(ns)} ns`
  if (ns < 1e6) return `${significant(ns / 1000)} µs`
  if (ns < 1e9) return `${significant(ns / 1e6)} ms`
  return `${significant(ns / 1e9)} s`
}

/** A count with separators: `12,345`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}

/** Three significant digits, without exponent. */
export function significant(value: number): string {
  if (value >= 100) return String(Math.round(value))
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
