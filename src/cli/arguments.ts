/** Readers of argument text for commander; what they refuse is a usage error. */
import { InvalidArgumentError } from 'commander'

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** `500`, `500ms`, `10s`, `1.5m`, `1h` in milliseconds; at least one. */
export function duration(value: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(value.trim())
  const unit = (match?.[2] ?? 'ms') as keyof typeof units
  const ms = match === null ? Number.NaN : Math.round(Number(match[1]) * units[unit])
  if (!(ms >= 1 && ms <= 2_147_483_647)) throw new InvalidArgumentError('Expected a time such as 500ms, 10s or 2m.')
  return ms
}

/** A reader of whole numbers in [min, max]. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): (value: string) => number {
  return (value) => {
    const number = /^\d+$/.test(value.trim()) ? Number(value) : Number.NaN
    if (!(number >= min && number <= max)) {
      throw new InvalidArgumentError(
        max === Number.MAX_SAFE_INTEGER
          ? `Expected a whole number from ${min}.`
          : `Expected a whole number from ${min} to ${max}.`,
      )
    }
    return number
  }
}

/** Splits `host:port,host:port`. */
export function endpointList(value: string): readonly string[] {
  const list = value.split(',').map((item) => item.trim())
  for (const item of list) endpoint(item)
  return list
}

/** One `host:port`. */
export function endpoint(value: string): string {
  const match = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):(\d{1,5})$/.exec(value)
  if (match === null || Number(match[1]) > 65_535 || Number(match[1]) === 0) {
    throw new InvalidArgumentError(
      value.includes('://') ? 'Expected host:port without a scheme.' : 'Expected host:port, such as 127.0.0.1:7401.',
    )
  }
  return value
}
