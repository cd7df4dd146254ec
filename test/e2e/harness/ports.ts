/** Ports nobody listens on. */
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

const given = new Set<number>()

/** As many ports of 127.0.0.1 as asked for, each given out once. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = await freePort()
    if (given.has(port)) continue
    given.add(port)
    ports.push(port)
  }
  return ports
}

/** The same, one after the other. */
export async function freePortsInRow(count: number): Promise<number[]> {
  for (;;) {
    const [first = 0] = await freePorts(1)
    const ports = Array.from({ length: count }, (_, at) => first + at)
    const free = await Promise.all(ports.slice(1).map(async (port) => !given.has(port) && (await isFree(port))))
    if (!free.every(Boolean)) continue
    for (const port of ports) given.add(port)
    return ports
  }
}

/**
 * One port of 127.0.0.1. A port that the system gave for the asking may be given to an outgoing connection a moment later, so
 * they are taken from below the range that those come from.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port }, () => {
      const bound = (server.address() as AddressInfo).port
      server.close(() => resolve(bound === port))
    })
  })
}
