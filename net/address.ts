/** Addresses as text: `host:port`, with IPv6 hosts in brackets. */
import { NitroError } from '../base/index.ts'

/** A parsed address. */
export interface Address {
  /** A name or an IP address, without brackets. */
  readonly host: string
  /** 0-65535. */
  readonly port: number
}

/** Parses `host:port` or `[v6]:port`. Throws `InvalidArgument`. */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 0xffff) {
    throw new NitroError('InvalidArgument', `"${text}" is not an address like 127.0.0.1:7401`, {
      details: { address: text },
    })
  }
  return { host: match[1] ?? match[2] ?? '', port }
}

/** The text of an address; the inverse of {@link parseAddress}. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Whether a host can only be reached from this machine: `localhost`, 127.0.0.0/8 or ::1. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
