/** Reads single values of settings; each may be text (flag, environment) or already typed (configuration file). */
import { NitroError } from '../../base/index.ts'

/** A value and where it was given, for messages. */
export interface Given {
  readonly value: unknown
  readonly origin: string
}

function refuse(given: Given, wanted: string): NitroError {
  return new NitroError('InvalidArgument', `${given.origin}: expected ${wanted}, not ${JSON.stringify(given.value)}`)
}

/** A non-empty text. Throws `InvalidArgument`. */
export function readText(given: Given | undefined): string | undefined {
  if (given === undefined) return undefined
  if (typeof given.value !== 'string' || given.value.trim() === '') throw refuse(given, 'a text')
  return given.value.trim()
}

/** A truth value: true, false, 1, 0, yes, no. Throws `InvalidArgument`. */
export function readBoolean(given: Given | undefined): boolean | undefined {
  if (given === undefined) return undefined
  if (typeof given.value === 'boolean') return given.value
  const word = String(given.value).toLowerCase()
  if (['1', 'true', 'yes', 'on'].includes(word)) return true
  if (['0', 'false', 'no', 'off'].includes(word)) return false
  throw refuse(given, 'true or false')
}

/** A whole number of milliseconds in [min, max]. Throws `InvalidArgument`. */
export function readMilliseconds(given: Given | undefined, min: number, max: number): number | undefined {
  if (given === undefined) return undefined
  const { value } = given
  const number = typeof value === 'string' && /^\d+$/.test(value.trim()) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number) || number < min || number > max) {
    throw refuse(given, `a whole number of milliseconds from ${min} to ${max}`)
  }
  return number
}

/** A list: comma-separated text or an array of texts; never empty. Throws `InvalidArgument`. */
export function readList(given: Given | undefined): readonly string[] | undefined {
  if (given === undefined) return undefined
  const parts = typeof given.value === 'string' ? given.value.split(',') : given.value
  if (!Array.isArray(parts)) throw refuse(given, 'a list')
  const list: string[] = []
  for (const part of parts as readonly unknown[]) {
    if (typeof part !== 'string' || part.trim() === '') throw refuse(given, 'a list without empty items')
    list.push(part.trim())
  }
  if (list.length === 0) throw refuse(given, 'a list with at least one item')
  return list
}

/** Names with addresses: `n1=host:port,n2=...` or an object. Throws `InvalidArgument`. */
export function readPeers(given: Given | undefined): Readonly<Record<string, string>> | undefined {
  if (given === undefined) return undefined
  const pairs =
    typeof given.value === 'object' && given.value !== null && !Array.isArray(given.value)
      ? Object.entries(given.value)
      : (readList(given) ?? []).map((item) => splitPeer(given, item))
  if (pairs.length === 0) throw refuse(given, 'at least one peer')
  const peers: Record<string, string> = {}
  const names = new Map<string, string>()
  for (const [name, address] of pairs) {
    if (typeof address !== 'string') throw refuse(given, 'name=host:port pairs')
    parseAddress(address, given.origin)
    if (Object.hasOwn(peers, name)) throw new NitroError('InvalidArgument', `${given.origin}: "${name}" stands twice`)
    const other = names.get(address)
    if (other !== undefined) {
      throw new NitroError(
        'InvalidArgument',
        `${given.origin}: "${other}" and "${name}" have the same address ${address}`,
      )
    }
    names.set(address, name)
    peers[name] = address
  }
  return peers
}

function splitPeer(given: Given, item: string): [name: string, address: string] {
  const at = item.indexOf('=')
  if (at <= 0) throw refuse(given, 'name=host:port pairs separated by commas')
  return [item.slice(0, at).trim(), item.slice(at + 1).trim()]
}

/** Splits `host:port`, `[v6]:port`. Throws `InvalidArgument`. */
export function parseAddress(address: string, origin: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(address)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    const why = address.includes('://') ? ' (without a scheme)' : ''
    throw new NitroError('InvalidArgument', `${origin}: expected host:port${why}, not "${address}"`)
  }
  return { host: match[1] ?? match[2] ?? '', port }
}
