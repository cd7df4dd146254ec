/** Whether addresses are free to listen on, asked before anything is started. */
import { createServer } from 'node:net'
import { NitroError, messageOf } from '../../../base/index.ts'

/** Throws `AddressInUse` naming the first port that is taken. */
export async function assertPortsFree(host: string, ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const error = await tryListen(host, port)
    if (error === undefined) continue
    const why = error.code === 'EADDRINUSE' ? 'something already listens on it' : messageOf(error)
    throw new NitroError(
      'AddressInUse',
      `cannot listen on ${host}:${port}: ${why}; is another "nitrostate dev" running? Choose other ports with --port`,
      { cause: error },
    )
  }
}

function tryListen(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen({ host, port }, () => server.close(() => resolve(undefined)))
  })
}
