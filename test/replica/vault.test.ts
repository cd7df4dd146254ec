/** The data directory: each row of the vault's table, on a disk in memory. */
import { beforeEach, describe, expect, test } from 'vitest'
import { NitroError, isNitroError, silentLogger, silentMetrics } from '../../base/index.ts'
import { EntryBuilder } from '../../execution/index.ts'
import type { GroupParts } from '../../src/replica/group-types.ts'
import { resolveOptions } from '../../src/replica/options.ts'
import type { ReplicaPorts } from '../../src/replica/ports.ts'
import { Vault } from '../../src/replica/vault.ts'
import { MemoryFiles, MemoryKvFactory, nodeCrypto, writeIdentity } from '../../src/storage/index.ts'
import { seededRandom } from '../net/schedulers.ts'
import { HandTime, founded, founders, putCommand } from './support.ts'

let files: MemoryFiles
let ports: ReplicaPorts
const options = resolveOptions({ name: 'n1', dataDir: 'data', address: 'n1:1', sizes: { logSegmentBytes: 4096 } })

beforeEach(() => {
  files = new MemoryFiles()
  const time = new HandTime()
  ports = {
    ...{ files, kv: new MemoryKvFactory(files), crypto: nodeCrypto, clock: time, scheduler: time },
    ...{ random: seededRandom(1), logger: silentLogger, metrics: silentMetrics },
  } as unknown as ReplicaPorts
})

const open = (): Promise<Vault> => Vault.open(options, ports)

/** A member of a cluster of three with `count` applied and flushed puts, closed again. */
async function member(count = 3): Promise<void> {
  const vault = await open()
  const list = founders(3).map((one, at) => (at === 0 ? { ...one, incarnation: vault.identity.incarnation } : one))
  await vault.saveIntent(list)
  const parts = await vault.form(list)
  const data = Array.from({ length: count }, (_, at) => entryOf(at + 2))
  await parts.log.write({ entries: data, hardState: { term: 1, vote: 2, commit: count + 1 } })
  await flush(parts)
  await close(vault, parts)
}

function entryOf(index: number) {
  const builder = new EntryBuilder()
  builder.add(putCommand(`k${index}`))
  return { index, term: 1, type: 'normal' as const, data: builder.finish(index, 0) }
}

async function flush({ machine, state, log }: GroupParts): Promise<void> {
  if (machine === undefined) throw new Error('no machine')
  const [from, last] = [machine.appliedIndex + 1, log.lastIndex()]
  const entries = from > last ? [] : log.entries(from, last + 1, Number.MAX_SAFE_INTEGER)
  if (typeof entries === 'string') throw new Error(entries)
  for (const { index, term, data } of entries) {
    machine.startEntry(index, term, data)
    while (machine.step(() => undefined));
    machine.finishEntry()
  }
  const sealed = machine.seal()
  if (sealed === undefined) return
  await state.write(sealed.changes)
  machine.flushed(sealed)
}

async function close(vault: Vault, parts: GroupParts): Promise<void> {
  await parts.state.close()
  await parts.log.close()
  await vault.close(false)
}

async function openMember(): Promise<{ vault: Vault; parts: GroupParts }> {
  const vault = await open()
  return { vault, parts: await vault.openMember() }
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (isNitroError(error) ? error.code : String(error)),
  )

/** Turns one byte in the middle of a file around. */
async function damage(path: string): Promise<void> {
  const file = await files.open(path)
  const bytes = (await files.readFile(path)) as Uint8Array
  const at = Math.floor(bytes.length / 2)
  await file.write(at, Uint8Array.of((bytes[at] as number) ^ 0xff))
  await file.sync()
  await file.close()
}

describe('a directory with nothing in it', () => {
  test('gets an identity of its own, once', async () => {
    const first = await open()
    expect(first.identity).toMatchObject({ name: 'n1', stage: 'new', raftId: undefined, clusterId: undefined })
    await first.close(true)
    const again = await open()
    expect(again.identity).toEqual(first.identity)
    await again.close(true)
  })

  test('belongs to its first name', async () => {
    await (await open()).close(true)
    expect(await codeOf(Vault.open({ ...options, name: 'n2' }, ports))).toBe('InvalidArgument')
  })

  test('lets one process in at a time', async () => {
    const vault = await open()
    expect(await codeOf(open())).toBe('DirectoryLocked')
    await vault.close(true)
  })
})

describe('forming', () => {
  test('puts the founding list in force at index 1, with the cluster id it hashes to', async () => {
    await member(0)
    const { vault, parts } = await openMember()
    expect(vault.identity).toMatchObject({ stage: 'member', raftId: 1 })
    expect(parts.position.configuration.confState.voters).toEqual([1, 2, 3])
    expect(parts.position.configuration.clusterId).toEqual(vault.identity.clusterId)
    expect([parts.machine?.appliedIndex, parts.log.firstIndex(), parts.log.lastIndex()]).toEqual([1, 2, 1])
    expect(parts.log.hardState).toEqual({ term: 1, vote: 2, commit: 1 })
    await close(vault, parts)
  })

  test('that was cut short leaves nothing that counts', async () => {
    const vault = await open()
    const list = founders(3).map((one, at) => (at === 0 ? { ...one, incarnation: vault.identity.incarnation } : one))
    await vault.saveIntent(list)
    let parts = await vault.form(list)
    await close(vault, parts)
    await writeIdentity(files, 'data', { ...vault.identity, stage: 'intent', raftId: undefined, clusterId: undefined })
    const again = await open()
    expect(again.identity).toMatchObject({ stage: 'intent', bootstrap: list })
    parts = await again.form(list)
    expect(parts.machine?.appliedIndex).toBe(1)
    await close(again, parts)
  })

  test('an admitted member has nothing yet, and no vote, but knows whom to ask', async () => {
    const vault = await open()
    await vault.saveJoining()
    const admitted = await vault.admit(founded(3), 7)
    expect(admitted.machine?.appliedIndex).toBe(0)
    expect(admitted.position.configuration.confState.voters).toEqual([])
    await close(vault, admitted)
    const { vault: later, parts } = await openMember()
    expect([later.identity.raftId, parts.position.index]).toEqual([7, 0])
    expect(parts.position.configuration.members.length).toBe(3)
    expect(parts.position.configuration.confState.voters).toEqual([])
    await close(later, parts)
  })
})

describe('a member', () => {
  test('comes back with what it had', async () => {
    await member(5)
    const { vault, parts } = await openMember()
    expect(parts.machine?.keyCount).toBe(5)
    expect([parts.position.index, parts.log.lastIndex(), parts.log.hardState.vote]).toEqual([6, 6, 2])
    await close(vault, parts)
  })

  test.each(['log', 'state', 'membership'])('whose identity is gone beside its %s never comes back', async (left) => {
    await member()
    for (const name of ['identity', 'log', 'state', 'membership']) if (name !== left) await files.remove(`data/${name}`)
    expect(await codeOf(open())).toBe('IdentityLost')
  })

  test('whose identity is damaged never comes back', async () => {
    await member()
    await damage('data/identity')
    expect(await codeOf(open())).toBe('IdentityLost')
  })

  test('whose log is gone, or whose log or witness is damaged, never votes again', async () => {
    await member()
    const names = await files.list('data/log')
    expect(names.length).toBeGreaterThan(1)
    for (const name of names) await files.remove(`data/log/${name}`)
    const vault = await open()
    expect(await codeOf(vault.openMember())).toBe('LogDamaged')
    await vault.close(true)
  })

  test('whose whole log folder is gone never votes again', async () => {
    await member()
    await files.remove('data/log')
    const vault = await open()
    expect(await codeOf(vault.openMember())).toBe('LogDamaged')
    await vault.close(true)
  })

  test('whose state is gone rebuilds it from a log that was never cut', async () => {
    await member(4)
    await files.remove('data/state')
    const { vault, parts } = await openMember()
    expect(parts.position).toMatchObject({ index: 1, term: 1 })
    expect(parts.machine?.appliedIndex).toBe(1)
    await flush(parts)
    expect(parts.machine?.keyCount).toBe(4)
    await close(vault, parts)
  })

  test('whose state is gone and whose log was cut has to fetch it, from the members it knew', async () => {
    await member(4)
    const first = await openMember()
    await first.parts.log.compact(4)
    await close(first.vault, first.parts)
    await files.remove('data/state')
    const { vault, parts } = await openMember()
    expect(parts.machine).toBeUndefined()
    expect(parts.position).toMatchObject({ index: 4, term: 1 })
    expect(parts.position.configuration.members.map(({ name }) => name)).toEqual(['n1', 'n2', 'n3'])
    expect(parts.log.hardState.vote).toBe(2)
    await close(vault, parts)
  })

  test('whose state and member table are gone can ask nobody', async () => {
    await member(4)
    const first = await openMember()
    await first.parts.log.compact(4)
    await close(first.vault, first.parts)
    await files.remove('data/state')
    await damage('data/membership')
    const vault = await open()
    expect(await codeOf(vault.openMember())).toBe('LogDamaged')
    await vault.close(true)
  })

  test('whose member table alone is damaged does not mind', async () => {
    await member(4)
    await damage('data/membership')
    const { vault, parts } = await openMember()
    expect(parts.machine?.keyCount).toBe(4)
    await close(vault, parts)
  })

  test('whose last starts died while it opened the state fetches it, instead of dying again', async () => {
    await member(4)
    const dies = (point: string): void => {
      if (point === 'state:after-marker') throw new Error('no power')
    }
    for (let times = 0; times < 3; times++) {
      const vault = await Vault.open(options, { ...ports, hooks: dies })
      await expect(vault.openMember()).rejects.toThrow('no power')
      files.crash()
    }
    const { vault, parts } = await openMember()
    expect(parts.machine?.appliedIndex).toBe(1)
    await close(vault, parts)
  })

  test.each([
    ['its vote stays', 1, { term: 1, vote: 2, commit: 20 }],
    ['of a later term, in which it has not voted', 2, { term: 2, vote: 0, commit: 20 }],
  ])(
    'whose state is ahead of its log crashed within a snapshot: the log goes on after it, %s',
    async (_case, term, hardState) => {
      await member(4)
      const { vault, parts } = await openMember()
      for (let index = 6; index <= 20; index++) parts.machine?.skipEntry(index, term)
      await flush(parts)
      await close(vault, parts)
      const later = await openMember()
      expect(later.parts.position).toMatchObject({ index: 20, term })
      expect([later.parts.log.firstIndex(), later.parts.log.lastIndex(), later.parts.log.term(20)]).toEqual([
        21,
        20,
        term,
      ])
      expect(later.parts.log.hardState).toEqual(hardState)
      await close(later.vault, later.parts)
    },
  )

  test('keeps the newest member table it was given', async () => {
    await member(4)
    const first = await openMember()
    const copy = { index: 5, term: 1, configuration: founded(2) }
    first.vault.rememberMembership({ ...copy, configuration: founded(1) })
    first.vault.rememberMembership(copy)
    await first.parts.log.compact(4)
    await close(first.vault, first.parts)
    await files.remove('data/state')
    const { vault, parts } = await openMember()
    expect(parts.position.configuration.members.length).toBe(2)
    expect(parts.position.index).toBe(5)
    await close(vault, parts)
  })
})

describe('options', () => {
  const good = { name: 'n1', dataDir: 'data', address: 'n1:1' }
  const peers = { n1: 'a:1', n2: 'b:1' }

  test.each([
    ['name', { name: '' }],
    ['name', { name: '-n1' }],
    ['name', { name: 'n'.repeat(64) }],
    ['name', { name: 'n/1' }],
    ['join', { peers, join: ['c:1'] }],
    ['peers', { peers: { n1: 'a:1', 'n 2': 'b:1' } }],
    ['peers', { peers: { n2: 'b:1' } }],
    ['peers', { name: 'constructor', peers }],
    ['peers', { peers: { n1: 'a:1', n2: 'a:1' } }],
    ['tickMs', { timing: { tickMs: 0 } }],
    ['tickMs', { timing: { tickMs: Number.NaN } }],
    ['electionTicks', { timing: { electionTicks: 2 } }],
    ['electionTicks', { timing: { electionTicks: 3.5 } }],
    ['pendingMax', { sizes: { pendingMax: 0 } }],
    ['flushBytes', { sizes: { flushBytes: Number.NaN } }],
    ['logSegmentBytes', { sizes: { logSegmentBytes: 1000 } }],
    ['logSegmentBytes', { sizes: { logSegmentBytes: 512 } }],
  ])('a wrong %s is refused by name: %j', (option, part) => {
    try {
      resolveOptions({ ...good, ...part })
      expect.unreachable()
    } catch (error) {
      if (!isNitroError(error)) throw error
      expect([error.code, error.details['option']]).toEqual(['InvalidArgument', option])
    }
  })

  test('an address that is none is refused', () => {
    expect(() => resolveOptions({ ...good, peers: { n1: 'a' } })).toThrow(NitroError)
    expect(() => resolveOptions({ ...good, join: ['a:99999'] })).toThrow(NitroError)
  })

  test('alone it is its own peer; a joining node has none', () => {
    expect(resolveOptions(good)).toMatchObject({ peers: { n1: 'n1:1' }, join: [], target: 'voter' })
    expect(resolveOptions({ ...good, join: ['a:1'], learner: true })).toMatchObject({ peers: {}, target: 'learner' })
  })
})
