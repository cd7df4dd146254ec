/** Users and permissions change while nodes crash and clients work: nobody gets in who may not, and all members agree. */
import { expect, test } from 'vitest'
import { isNitroError } from '../../base/index.ts'
import type { Client } from '../../src/client/index.ts'
import { cluster } from '../../src/testing/index.ts'
import type { Cluster } from '../../src/testing/index.ts'

async function outcome<T>(world: Cluster, promise: Promise<T>, limitMs = 30_000): Promise<T> {
  let done = false
  const settled = promise.finally(() => (done = true))
  settled.catch(() => undefined)
  await world.until(() => done, limitMs)
  expect(done).toBe(true)
  return settled
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'ok',
    (error: unknown) => (isNitroError(error) ? error.code : String(error)),
  )

async function formed(seed: number): Promise<{ world: Cluster; admin: Client }> {
  const world = cluster(3, { seed })
  world.startAll()
  expect(await world.until(() => world.converged(), 10_000)).toBe(true)
  const { auth } = await outcome(world, world.client('setup').connect())
  await outcome(world, auth.userAdd('root', { password: 'secret' }))
  await outcome(world, auth.userGrantRole('root', 'root'))
  for (const name of ['ada', 'mallory']) {
    await outcome(world, auth.roleAdd(name))
    await outcome(world, auth.userAdd(name, { password: name }))
    await outcome(world, auth.userGrantRole(name, name))
  }
  await outcome(world, auth.roleGrantPermission('ada', { access: 'readwrite', key: 'app/', rangeEnd: 'app0' }))
  await outcome(world, auth.enable())
  const admin = await outcome(world, world.client('admin').connect({ user: 'root', password: 'secret' }))
  return { world, admin }
}

test.each([1, 2, 3])(
  'nobody writes what it may not, while leaders crash and permissions change: seed %i',
  async (seed) => {
    const { world, admin } = await formed(seed)
    const ada = await outcome(world, world.client('ada').connect({ user: 'ada', password: 'ada' }))
    const mallory = await outcome(world, world.client('mallory').connect({ user: 'mallory', password: 'mallory' }))
    const nobody = await outcome(world, world.client('nobody').connect())
    const codes = { ada: new Set<string>(), mallory: new Set<string>(), nobody: new Set<string>() }
    const note = async (who: keyof typeof codes, work: Promise<unknown>): Promise<void> =>
      void codes[who].add(await codeOf(work))
    for (let round = 0; round < 12; round++) {
      const work: Promise<unknown>[] = [
        note('ada', ada.store.put('app/ada', `${round}`)),
        note('mallory', mallory.store.put('app/mallory', `${round}`)),
        note('mallory', mallory.store.get('app/ada')),
        note('nobody', nobody.store.put('app/nobody', `${round}`)),
        // Calls are made once: with a leader that dies, what became of them is not known.
        codeOf(admin.auth.userAdd(`user ${round}`, { noPassword: true })),
        codeOf(admin.auth.roleGrantPermission('mallory', { access: 'readwrite', key: `own/${round}` })),
      ]
      if (round % 4 === 1) {
        const leader = world.names.find((name) => world.node(name)?.status().role === 'leader')
        if (leader !== undefined) {
          world.crash(leader)
          await world.run(1_500)
          world.start(leader)
        }
      }
      for (const one of work) await outcome(world, one)
    }
    expect([...codes.mallory, ...codes.nobody].toSorted()).toEqual(['PermissionDenied', 'UserEmpty'])
    expect([...codes.ada]).toEqual(['ok'])
    const root = await outcome(world, admin.store.range({ prefix: 'app/' }))
    expect(root.entries.map((entry) => entry.keyText())).toEqual(['app/ada'])
    expect(await world.until(() => world.converged(), 20_000)).toBe(true)
    expect(new Set(world.names.map((name) => world.node(name)?.status().stateHash)).size).toBe(1)
    expect(world.violations.found).toEqual([])
  },
)

test('what the owners of nodes do goes on while permissions come in and out of force', async () => {
  const { world } = await formed(4)
  const work: Promise<unknown>[] = []
  for (let round = 0; round < 6; round++) {
    for (const name of world.names) {
      const node = world.node(name)
      if (node === undefined) throw new Error(`${name} is down`)
      for (let i = 0; i < 5; i++)
        work.push(node.store.put(`k/${name}/${i}`, `${round}`), node.store.get(`k/${name}/${i}`))
    }
    const { auth } = world.node(world.names[round % 3] as string) ?? {}
    work.push(
      round % 2 === 0
        ? (auth?.disable() ?? Promise.reject(new Error()))
        : (auth?.enable() ?? Promise.reject(new Error())),
    )
    await world.run(3)
  }
  for (const one of work) await outcome(world, one)
  expect(await world.until(() => world.converged(), 20_000)).toBe(true)
  expect(world.violations.found).toEqual([])
})
