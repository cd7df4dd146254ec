/** What those hear who asked a node something that then ends by itself. */
import { expect, test } from 'vitest'
import { isNitroError, silentLogger, silentMetrics } from '../../base/index.ts'
import type { Node } from '../../src/node/index.ts'
import { callOnce } from '../../src/replica/calls.ts'
import { MemoryFiles, nodeCrypto } from '../../src/storage/index.ts'
import { seededRandom } from '../net/schedulers.ts'
import { World } from './world.ts'

test('the end of a node is not taken for the own end of who asked it', async () => {
  const world = new World()
  const nodes = await world.form('a', 'b', 'c')
  await nodes[1]?.close({ transfer: false })
  // It comes back without its directory and must not go on. Whoever asks it meanwhile is somebody else.
  world.disks.set('b', new MemoryFiles())
  const lost: Node = await world.open('b', { join: ['a:1', 'c:1'] })
  const { time } = world
  const ports = {
    ...{ clock: time, scheduler: time, random: seededRandom(7), crypto: nodeCrypto, logger: silentLogger },
    ...{ metrics: silentMetrics, transport: world.network.transport('d') },
  } as unknown as Parameters<typeof callOnce>[0]
  const heard = new Map<string, boolean>()
  let ended = false
  const stopped = lost.stopped.then((reason) => {
    ended = true
    return reason
  })
  const calls: Promise<unknown>[] = []
  while (!ended) {
    calls.push(
      callOnce(ports, new Uint8Array(16), 'b:1', 'join', {}, 1_000).catch((error: unknown) => {
        if (isNitroError(error)) heard.set(error.code, error.retryable)
      }),
    )
    await world.pass(1)
  }
  expect(await stopped).toMatchObject({ code: 'IdentityLost' })
  await Promise.all(calls)
  expect(heard.has('IdentityLost')).toBe(false)
  expect(heard.get('Closed')).toBe(true)
  await Promise.all(nodes.map((node) => node.close({ transfer: false })))
  world.stop()
})
