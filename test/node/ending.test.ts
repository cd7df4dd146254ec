/** What those hear who asked a node something that then ends by itself. */
import { expect, test } from 'vitest'
import { isNitroError, silentLogger, silentMetrics } from '../../base/index.ts'
import type { Node } from '../../src/node/index.ts'
import { callOnce } from '../../src/replica/calls.ts'
import { MemoryFiles, nodeCrypto } from '../../src/storage/index.ts'
import { seededRandom } from '../net/schedulers.ts'
import { World } from './world.ts'

/** The ports of somebody who is no member. */
function outside(world: World, seed: number): Parameters<typeof callOnce>[0] {
  const { time } = world
  return {
    ...{ clock: time, scheduler: time, random: seededRandom(seed), crypto: nodeCrypto, logger: silentLogger },
    ...{ metrics: silentMetrics, transport: world.network.transport('d') },
  } as unknown as Parameters<typeof callOnce>[0]
}

test('the end of a node is not taken for the own end of who asked it', async () => {
  const world = new World()
  const nodes = await world.form('a', 'b', 'c')
  await nodes[1]?.close({ transfer: false })
  // It comes back without its directory and must not go on. Whoever asks it meanwhile is somebody else.
  world.disks.set('b', new MemoryFiles())
  const lost: Node = await world.open('b', { join: ['a:1', 'c:1'] })
  const ports = outside(world, 7)
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

test('a leader that is asked to take itself out answers before it ends', async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const world = new World()
    const nodes = await world.form('a', 'b', 'c')
    const leader = nodes.find((node) => node.status().role === 'leader') as Node
    const { name, address } = leader.status()
    const ports = outside(world, seed)
    const told: string[] = []
    void leader.stopped.then((reason) => told.push(`ended: ${reason?.code}`))
    const answer = callOnce(ports, new Uint8Array(16), address, 'removeMember', { name }, 5_000)
    answer.then(
      () => told.push('answered'),
      (error: unknown) => told.push(String(error)),
    )
    for (let i = 0; i < 200 && told.length < 2; i++) await world.pass(10)
    expect(told).toEqual(['answered', 'ended: Removed'])
    await Promise.all(nodes.map((node) => node.close({ transfer: false })))
    world.stop()
  }
})
