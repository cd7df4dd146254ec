/** The load over our own protocol, with the client library. */
import type { Entry, Op, PutResult, RangeResult, TxnOutcome, Watch } from '../../src/api/index.ts'
import type { Client } from '../../src/client/index.ts'
import { openClients } from '../cluster/nitrostate.ts'
import type { NitrostateTarget } from '../cluster/nitrostate.ts'
import { rangeKeys, txnPuts } from '../cluster/target.ts'
import type { Operation } from '../cluster/target.ts'
import { ExpectedEvents } from './events.ts'
import { keyDriver, leaseTtlSeconds, valueBytes, watchedKey } from './loads.ts'
import type { Driver, RaceLoad } from './loads.ts'

/** Clients of the load; they find the leader. Throws if the first answer is not the right one. */
export async function openNative(target: NitrostateTarget, load: RaceLoad): Promise<Driver> {
  if (load.work === 'keep-alive') return openKeepAlives(target, load)
  if (load.work === 'watch') return openWatches(target, load)
  const driver = keyDriver(await target.connect(load.connections), load.work, load)
  const answer = await driver.send(0)
  if (!isRight(load.work, answer)) throw new Error(`${target.name}: the answer to ${load.title} is not the right one`)
  return driver
}

function isRight(operation: Operation, answer: unknown): boolean {
  switch (operation) {
    case 'put':
      return (answer as PutResult).revision > 0
    case 'txn': {
      const { succeeded, results } = answer as TxnOutcome<readonly Op[], readonly Op[]>
      return succeeded && results.length === txnPuts
    }
    case 'get':
    case 'get committed':
      return (answer as Entry | undefined)?.value.length === valueBytes
    default: {
      const { entries } = answer as RangeResult
      return entries.length === rangeKeys && entries.every(({ value }) => value.length === valueBytes)
    }
  }
}

async function openKeepAlives({ addresses }: NitrostateTarget, { clients, connections }: RaceLoad): Promise<Driver> {
  const open = await openClients(addresses, connections)
  const at = (client: number): Client['leases'] => (open[client % connections] as Client).leases
  const granted = await Promise.all(
    Array.from({ length: clients }, (_, client) => at(client).grant({ ttl: leaseTtlSeconds * 1000 })),
  )
  const leases = granted.map(({ id }) => id)
  return {
    send: (client) => at(client).keepAlive(leases[client] as number),
    close: async () => {
      await Promise.all(leases.map((id, client) => at(client).revoke(id)))
      await Promise.all(open.map((client) => client.close()))
    },
  }
}

async function openWatches({ addresses }: NitrostateTarget, { clients, connections }: RaceLoad): Promise<Driver> {
  const open = await openClients(addresses, connections)
  const at = (client: number): Client['store'] => (open[client % connections] as Client).store
  const events = new ExpectedEvents()
  const keys = Array.from({ length: clients }, (_, client) => watchedKey(client))
  const watches = keys.map((key, client) => at(client).watch({ key }))
  watches.forEach((watch, client) => {
    read(watch, (value) => events.arrived(client, value)).catch((error: Error) => events.failed(client, error))
  })
  await Promise.all(watches.map(({ opened }) => opened))
  return {
    send: (client) => events.write(client, (value) => at(client).put(keys[client] as Uint8Array, value)),
    close: async () => {
      for (const watch of watches) watch.close()
      await Promise.all(open.map((client) => client.close()))
    },
  }
}

async function read(watch: Watch, take: (value: Uint8Array) => void): Promise<void> {
  for await (const { events } of watch) for (const { entry } of events) if (entry !== undefined) take(entry.value)
}
