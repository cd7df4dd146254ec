/** Why endpoints could not be reached, in few words: the client tells it at length, and three times the same is noise. */
import type { NitroError } from '../../base/index.ts'

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ENOTFOUND: 'unknown host',
  EAI_AGAIN: 'the name could not be looked up',
  ETIMEDOUT: 'no answer',
}

const refusedText = /(\S+): Unavailable, cannot reach \S+: connect ECONNREFUSED [^\s;]+/g

/** The message of an error, with the endpoints it names gathered by reason: `a:1, b:2: connection refused`. */
export function shortMessage(error: NitroError): string {
  const reasons = reasonsOf(error)
  if (reasons.size === 0) return error.message.replaceAll(refusedText, '$1: connection refused')
  const groups = new Map<string, string[]>()
  for (const [endpoint, reason] of reasons) groups.set(reason, [...(groups.get(reason) ?? []), endpoint])
  const parts = [...groups].map(([reason, endpoints]) => `${endpoints.join(', ')}: ${reason}`)
  return `no endpoint can be reached; ${parts.join('; ')}`
}

/** The reason alone, when the error names exactly one endpoint; else its message. */
export function onlyReason(error: NitroError): string {
  const [first, ...others] = reasonsOf(error).values()
  return first !== undefined && others.length === 0 ? first : error.message
}

/** The client lists `host:port: Code, message` for each endpoint. */
function reasonsOf(error: NitroError): ReadonlyMap<string, string> {
  const { endpoints } = error.details
  const reasons = new Map<string, string>()
  if (error.code !== 'Unavailable' || !Array.isArray(endpoints)) return reasons
  for (const line of endpoints as readonly unknown[]) {
    const [, endpoint, reason] = /^(\S+): (?:\w+, )?(.*)$/s.exec(String(line)) ?? []
    if (endpoint !== undefined && reason !== undefined) reasons.set(endpoint, inWords(reason))
  }
  return reasons
}

function inWords(reason: string): string {
  const systemCode = /\b(E[A-Z_]{4,})\b/.exec(reason)?.[1]
  return (systemCode === undefined ? undefined : words[systemCode]) ?? reason
}
