/** A JSON log line as one line of text: time, level, sentence, then the facts. */
import picocolors from 'picocolors'

const shades = { debug: 'gray', info: 'green', warn: 'yellow', error: 'red' } as const

/** Formats one JSON line; anything else is passed through. The result ends with a newline. */
export function prettyLine(line: string, colors: boolean): string {
  const record = parse(line)
  if (record === undefined) return line
  const paint = picocolors.createColors(colors)
  const { time, level, msg, ...fields } = record
  const label = String(level)
  const shade = Object.hasOwn(shades, label) ? shades[label as keyof typeof shades] : 'white'
  const facts = Object.entries(fields).map(([name, value]) => `${paint.dim(`${name}=`)}${fact(value)}`)
  return `${[paint.dim(clockTime(time)), paint[shade](label.padEnd(5)), String(msg ?? ''), ...facts].join(' ').trimEnd()}\n`
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** `12:34:56.789` of an ISO time. */
function clockTime(time: unknown): string {
  return typeof time === 'string' ? time.slice(11, 23) : String(time ?? '')
}

function fact(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
  if (isError(value)) return JSON.stringify(value.message)
  return JSON.stringify(value) ?? 'undefined'
}

function isError(value: unknown): value is { readonly message: string } {
  return typeof value === 'object' && value !== null && 'stack' in value && 'message' in value
}
