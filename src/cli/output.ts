/** Prints data in the form the user asked for: table, json, jsonl or value. Data goes to standard output only. */
import { bytesMember, displayBytes, escapeText } from './bytes-text.ts'
import type { CliContext } from './context.ts'
import { renderRecord, renderTable, type TableStyle } from './table.ts'

/** The forms data can be printed in. */
export const outputFormats = ['table', 'json', 'jsonl', 'value'] as const
/** One of {@link outputFormats}. */
export type OutputFormat = (typeof outputFormats)[number]

/** A printable field: bytes become text or base64, undefined is left out of JSON and shown as `-`. */
export type Field = string | number | boolean | undefined | Uint8Array | readonly string[]
/** One thing to print; names are those of the JSON members. */
export type Row = Readonly<Record<string, Field>>

/** A row as a JSON value. */
export function jsonOf(row: Row): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(row)) {
    if (field instanceof Uint8Array) Object.assign(out, bytesMember(name, field))
    else if (field !== undefined) out[name] = field
  }
  return out
}

/** A field as text for people. */
export function displayField(field: Field): string {
  if (field === undefined || field === '') return '-'
  if (field instanceof Uint8Array) return displayBytes(field)
  if (typeof field === 'boolean') return field ? 'yes' : 'no'
  return escapeText(typeof field === 'object' ? field.join(', ') : String(field))
}

/** Prints one thing; with `value`, only the field named `main`. */
export async function printRecord(context: CliContext, format: OutputFormat, row: Row, main: string): Promise<void> {
  if (format === 'table') {
    const pairs = Object.entries(row).map(([name, field]) => [title(name), displayField(field)] as const)
    await context.stdout.write(renderRecord(pairs, styleOf(context)))
  } else if (format === 'json') {
    await context.stdout.write(`${JSON.stringify(jsonOf(row), undefined, 2)}\n`)
  } else {
    await context.stdout.write(lineOf(format, row, main))
  }
}

/** Prints a list; with `value`, the field named `main` of each, one a line. */
export async function printRows(
  context: CliContext,
  format: OutputFormat,
  rows: readonly Row[],
  main: string,
): Promise<void> {
  if (format === 'table') await context.stdout.write(tableOf(context, rows))
  else if (format === 'json') await context.stdout.write(`${JSON.stringify(rows.map(jsonOf), undefined, 2)}\n`)
  else await context.stdout.write(Buffer.concat(rows.map((row) => lineOf(format, row, main))))
}

function tableOf(context: CliContext, rows: readonly Row[]): string {
  const names = Object.keys(rows[0] ?? {})
  const columns = names.map((name) => ({
    title: title(name).toUpperCase(),
    align: rows.some((row) => typeof row[name] === 'number') ? ('right' as const) : ('left' as const),
  }))
  const cells = rows.map((row) => names.map((name) => displayField(row[name])))
  return renderTable(columns, cells, styleOf(context))
}

/** One line of bytes: the row as JSON, or the bare field. */
function lineOf(format: 'jsonl' | 'value', row: Row, main: string): Buffer {
  if (format === 'jsonl') return Buffer.from(`${JSON.stringify(jsonOf(row))}\n`)
  const field = row[main]
  if (field instanceof Uint8Array) return Buffer.concat([field, newline])
  return Buffer.from(`${field === undefined ? '' : String(field)}\n`)
}

const newline = Buffer.from('\n')

/** `modRevision` as `mod revision`. */
function title(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

function styleOf(context: CliContext): TableStyle {
  return { colors: context.colors && context.stdout.isTerminal, width: context.stdout.columns }
}
