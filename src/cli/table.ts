/** Tables for terminals: columns as wide as what they hold, wide characters counted right. */
import picocolors from 'picocolors'
import stringWidth from 'string-width'

/** A column of a table. */
export interface Column {
  readonly title: string
  readonly align: 'left' | 'right'
}

/** How a table is drawn. */
export interface TableStyle {
  readonly colors: boolean
  /** Lines are cut to this many cells; undefined = never. */
  readonly width: number | undefined
}

const gap = '  '
/** Room for an IPv4 address and port: what names a row is never cut; a line that is still too long wraps. */
const narrowest = 21

/** The table as text, one line each row, a title line first; empty text for no rows. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style: TableStyle,
): string {
  if (rows.length === 0) return ''
  const paint = picocolors.createColors(style.colors)
  const widths = fit(
    columns.map((column, at) => widest(column.title, rows, at)),
    style.width,
  )
  const line = (cells: readonly string[]): string =>
    cells.map((cell, at) => pad(cell, widths[at] ?? 0, columns[at]?.align ?? 'left', at === cells.length - 1)).join(gap)
  const head = paint.dim(line(columns.map(({ title }) => title)))
  return [head, ...rows.map(line)].map((text) => `${text}\n`).join('')
}

/** Names and values below each other, as text. */
export function renderRecord(pairs: readonly (readonly [name: string, value: string])[], style: TableStyle): string {
  const paint = picocolors.createColors(style.colors)
  const width = Math.max(0, ...pairs.map(([name]) => stringWidth(name)))
  return pairs.map(([name, value]) => `${paint.dim(pad(name, width, 'left', false))}${gap}${value}\n`).join('')
}

function widest(title: string, rows: readonly (readonly string[])[], at: number): number {
  let width = stringWidth(title)
  for (const row of rows) width = Math.max(width, stringWidth(row[at] ?? ''))
  return width
}

/** Takes cells from the widest column until the line fits or all are narrow. */
function fit(widths: number[], total: number | undefined): readonly number[] {
  if (total === undefined) return widths
  let excess = widths.reduce((sum, width) => sum + width, gap.length * (widths.length - 1)) - total
  while (excess > 0) {
    const most = Math.max(...widths)
    if (most <= narrowest) break
    const second = Math.max(narrowest, ...widths.filter((width) => width < most))
    const cut = Math.min(excess, most - second)
    widths[widths.indexOf(most)] = most - cut
    excess -= cut
  }
  return widths
}

function pad(cell: string, width: number, align: 'left' | 'right', last: boolean): string {
  const shown = truncate(cell, width)
  const blank = ' '.repeat(Math.max(0, width - stringWidth(shown)))
  if (align === 'right') return blank + shown
  return last ? shown : shown + blank
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** At most `width` cells of text, with an ellipsis for what was cut. */
export function truncate(cell: string, width: number): string {
  if (cell.length <= width && /^[\x20-\x7e]*$/.test(cell)) return cell
  if (stringWidth(cell) <= width) return cell
  let out = ''
  let used = 1
  for (const { segment } of graphemes.segment(cell)) {
    used += stringWidth(segment)
    if (used > width) break
    out += segment
  }
  return `${out}…`
}
