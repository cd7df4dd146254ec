/** The two transports as fixtures of the compliance suites. */
import { systemScheduler } from '../../base/index.ts'
import { type Listener, MemoryNetwork, type Transport, wsTransport } from '../../net/index.ts'
import { bufferLimit, frameLimit, type TransportFixture } from '../compliance/transport.ts'
import { seededRandom, VirtualTime } from './schedulers.ts'

const limits = { maxFrameBytes: frameLimit, maxBufferedBytes: bufferLimit }

/** Two hosts of a memory network under virtual time. */
export async function memoryFixture(): Promise<TransportFixture> {
  const time = new VirtualTime()
  const network = new MemoryNetwork({ scheduler: time, clock: time, random: seededRandom(1), limits })
  return {
    server: network.transport('a'),
    client: network.transport('b'),
    scheduler: time,
    address: 'a:0',
    nowhere: 'a:1',
    until: (promise) => time.until(promise),
    close: async () => {},
  }
}

/** WebSockets over the loopback interface. */
export async function wsFixture(): Promise<TransportFixture> {
  const listeners: Listener[] = []
  const inner = wsTransport({ scheduler: systemScheduler, ...limits })
  const server: Transport = {
    dial: inner.dial,
    listen: async (address, accept) => {
      const listener = await inner.listen(address, accept)
      listeners.push(listener)
      return listener
    },
  }
  const unused = await inner.listen('127.0.0.1:0', () => {})
  await unused.close()
  return {
    server,
    client: wsTransport({ scheduler: systemScheduler, ...limits }),
    scheduler: systemScheduler,
    address: '127.0.0.1:0',
    nowhere: unused.address,
    until: (promise) => promise,
    close: async () => {
      for (const listener of listeners) await listener.close()
    },
  }
}
