/** Exchanging the state of a running member: what core, machine and waiting changes learn of it. */
import { describe, expect, test } from 'vitest'
import { NitroError, silentLogger, silentMetrics } from '../../base/index.ts'
import { encodeConfChange } from '../../consensus/index.ts'
import type { AnyConfChange, ConfChangeV2, Entry, Message } from '../../consensus/index.ts'
import type { Machine } from '../../execution/index.ts'
import type { Applier } from '../../src/replica/applier.ts'
import type { Configuration } from '../../src/replica/configuration.ts'
import { encodeMemberChange, memberByName } from '../../src/replica/configuration.ts'
import type { Flusher } from '../../src/replica/flusher.ts'
import type { Group } from '../../src/replica/group.ts'
import type { Links } from '../../src/replica/links.ts'
import { Members } from '../../src/replica/members.ts'
import type { ReplicaPorts } from '../../src/replica/ports.ts'
import type { BarrierWaiter } from '../../src/replica/reads.ts'
import type { Snapshots } from '../../src/replica/snapshots.ts'
import { StateExchange } from '../../src/replica/state-exchange.ts'
import { HandTime, founded, member, settled } from './support.ts'

const machineAt = (appliedIndex: number): Machine => ({ appliedIndex }) as Machine

/** An exchange over parts that only note what happens to them. */
function setUp() {
  const told: string[] = []
  const ends: (() => void)[] = []
  const applier = {
    machine: machineAt(120) as Machine | undefined,
    atBoundary: true,
    abandonEntry: () => void told.push('abandon'),
    exchange(machine: Machine | undefined) {
      applier.machine = machine
      told.push(`machine ${machine?.appliedIndex ?? 'none'}`)
    },
  }
  const flusher = {
    durable: { index: 100 },
    pause: () => {
      told.push('pause')
      return Promise.resolve()
    },
    replace: ({ appliedIndex }: Machine) => void told.push(`flush ${appliedIndex}`),
  }
  const snapshots = { fetch: (minIndex: number) => void told.push(`fetch ${minIndex}`), take: () => received(200) }
  const time = new HandTime()
  const ports = { logger: silentLogger, metrics: silentMetrics, scheduler: time }
  const received = (index: number, message?: Message) => ({
    machine: machineAt(index),
    message,
    replacement: {
      commit: () => {
        told.push(`commit ${index}`)
        return new Promise<void>((resolve) => ends.push(resolve))
      },
    },
  })
  const exchange = new StateExchange({
    ports: ports as unknown as ReplicaPorts,
    applier: applier as unknown as Applier,
    flusher: flusher as unknown as Flusher,
    snapshots: snapshots as unknown as Snapshots,
    exchanged: ({ appliedIndex }, repaired) =>
      void told.push(`now ${appliedIndex} ${repaired ? 'repaired' : 'jumped'}`),
  })
  const install = (index: number, message?: Message) => exchange.install(received(index, message) as never)
  return { told, ends, applier, exchange, install, time }
}

describe('an exchange', () => {
  test('asks for a state with everything applied, not only flushed: the core hands nothing out twice', async () => {
    const { told, exchange } = setUp()
    await exchange.repair(new Error('damaged'))
    expect(told).toEqual(['abandon', 'machine none', 'pause', 'fetch 120'])
  })

  test('stops applying and flushing, switches durably, and only then goes on', async () => {
    const { told, ends, install } = setUp()
    const done = install(150)
    await settled()
    expect(told).toEqual(['machine none', 'pause', 'commit 150'])
    ends[0]?.()
    await done
    expect(told.slice(3)).toEqual(['flush 150', 'machine 150', 'now 150 repaired'])
  })

  test('waits for the end of the entry that is being applied', async () => {
    const { told, applier, install, time } = setUp()
    applier.atBoundary = false
    void install(150)
    await settled()
    time.turn()
    await settled()
    expect(told).toEqual([])
    applier.atBoundary = true
    time.turn()
    await settled()
    expect(told.at(-1)).toBe('commit 150')
  })

  test('begins when the one before it is over, so that no flush of one state gets into the other', async () => {
    const { told, ends, install } = setUp()
    const [first, second] = [install(150), install(200, {} as Message)]
    await settled()
    expect(told.at(-1)).toBe('commit 150')
    ends[0]?.()
    await first
    await settled()
    ends[1]?.()
    await second
    expect(told.slice(3)).toEqual([
      ...['flush 150', 'machine 150', 'now 150 repaired'],
      ...['machine none', 'pause', 'commit 200', 'flush 200', 'machine 200', 'now 200 jumped'],
    ])
  })

  test('a repair is no longer wanted when a snapshot took the place of the damaged state meanwhile', async () => {
    const { told, ends, exchange, install } = setUp()
    const installed = install(200, {} as Message)
    await settled()
    const repaired = exchange.repair(new Error('damaged'))
    ends[0]?.()
    await Promise.all([installed, repaired])
    expect(told.some((line) => line.startsWith('fetch'))).toBe(false)
    expect(told.at(-1)).toBe('now 200 jumped')
  })
})

/** Members over a core that only notes which changes it is told to put in force. */
function membersOf(configuration: Configuration) {
  const told: string[] = []
  const barriers: BarrierWaiter[] = []
  let voters = configuration.confState.voters
  const core = {
    isLeader: true,
    proposed: [] as AnyConfChange[],
    proposeConfChange(cc: ConfChangeV2) {
      core.proposed.push(cc)
      return { index: 130, term: 2, refused: '' }
    },
    applyConfChange(cc: ConfChangeV2) {
      for (const { type, nodeId } of cc.changes) {
        told.push(`${type} ${nodeId}`)
        if (type === 'removeNode') voters = voters.filter((id) => id !== nodeId)
        if (type === 'addNode') voters = [...voters, nodeId]
      }
      return { ...configuration.confState, voters }
    },
    status: () => ({ progress: new Map() }),
    transferLeadership: (to: number) => void told.push(`transfer to ${to}`),
  }
  const changes: (() => void)[] = []
  const timers: (() => void)[] = []
  const group = {
    leaderId: 1,
    configuration,
    isLeader: true,
    halted: false,
    selfName: 'n1',
    parts: { raftId: 1, log: { lastIndex: () => 120 } },
    driver: { core, wake: () => undefined },
    reads: { add: (waiter: BarrierWaiter) => barriers.push(waiter) },
    applier: { machine: undefined },
    nameOf: (id: number) => `n${id}`,
    configured: (index: number) => void told.push(`configured ${index}`),
    nextChange: () => new Promise<void>((resolve) => changes.push(resolve)),
    changed: () => {
      for (const resolve of changes.splice(0)) resolve()
    },
  }
  const links = { connected: () => true }
  const scheduler = {
    after(_delayMs: number, run: () => void) {
      timers.push(run)
      return { cancel: () => undefined }
    },
  }
  const ports = { clock: { monotonicMs: () => 0 }, scheduler } as unknown as ReplicaPorts
  const members = new Members(group as unknown as Group, ports, links as unknown as Links, {
    tickMs: 50,
    electionTicks: 10,
  })
  return { told, core, group, members, barriers, timers }
}

function change(index: number, changes: ConfChangeV2['changes'], ...upsert: ReturnType<typeof member>[]): Entry {
  const cc: ConfChangeV2 = { version: 2, transition: 'auto', changes, context: encodeMemberChange({ upsert }) }
  return { index, term: 2, type: 'confChangeV2', data: encodeConfChange(cc) }
}
const machine = { applyConfiguration: () => undefined } as unknown as Machine
const removeThree = (index: number): Entry => change(index, [{ type: 'removeNode', nodeId: 3 }])
const addFour = (index: number): Entry => change(index, [{ type: 'addNode', nodeId: 4 }], member(4))

describe('after a repair', () => {
  /** What a peer's state says at 150: n3 left at 130, n4 came at 140. */
  const repaired = (base: Configuration): Configuration => ({
    ...base,
    members: [member(1), member(2), member(4)],
    nextId: 5,
    confState: { ...base.confState, voters: [1, 2, 4] },
  })

  test('the core is told of each change that the new state contains when its entry comes by', () => {
    const { told, core, group, members } = membersOf(founded(3))
    members.jumpedTo(150, true)
    group.configuration = repaired(group.configuration)
    members.passed(removeThree(130))
    members.passed(addFour(140))
    expect(told).toEqual(['removeNode 3', 'addNode 4'])
    expect(
      core.applyConfChange({ version: 2, transition: 'auto', changes: [], context: new Uint8Array(0) }).voters,
    ).toEqual([1, 2, 4])
    expect(group.configuration.members.map(({ id }) => id)).toEqual([1, 2, 4])
  })

  test('a change that was void where it was applied is void here', () => {
    const { told, group, members } = membersOf(founded(3))
    members.jumpedTo(150, true)
    group.configuration = repaired(group.configuration)
    members.passed(change(125, [{ type: 'addNode', nodeId: 9 }], member(9, { name: 'n2' })))
    expect(told).toEqual([])
  })

  test('further changes are judged by the new table', () => {
    const { told, group, members } = membersOf(founded(3))
    members.jumpedTo(150, true)
    group.configuration = repaired(group.configuration)
    members.passed(removeThree(130))
    members.passed(addFour(140))
    members.applyEntry(machine, change(151, [{ type: 'updateNode', nodeId: 2 }], member(2, { address: 'moved:1' })))
    expect(memberByName(group.configuration, 'n2')?.address).toBe('moved:1')
    expect(told.slice(2)).toEqual(['updateNode 2', 'configured 151'])
  })

  test('a snapshot of the leader tells the core by itself', () => {
    const { told, members } = membersOf(founded(3))
    members.jumpedTo(150, false)
    members.passed(removeThree(130))
    expect(told).toEqual([])
  })
})

describe('a change that waits', () => {
  const add = (members: Members): Promise<string> =>
    members
      .change(() => ({
        version: 2,
        transition: 'auto',
        changes: [{ type: 'addNode', nodeId: 4 }],
        context: new Uint8Array(0),
      }))
      .then(
        () => 'done',
        (error: { code: string; executed: string }) => `${error.code} ${error.executed}`,
      )

  /** A change that has passed its barrier. */
  const proposed = async ({
    members,
    barriers,
  }: ReturnType<typeof membersOf>): Promise<{ outcome: Promise<string> }> => {
    const outcome = add(members)
    barriers.pop()?.run()
    await Promise.resolve()
    return { outcome }
  }

  test('is done when its entry is applied, and was nothing when another leader wrote there', async () => {
    const all = membersOf(founded(3))
    const first = await proposed(all)
    all.members.applied(129, 2)
    all.members.applied(130, 2)
    expect(await first.outcome).toBe('done')
    const second = await proposed(all)
    expect(await (await proposed(all)).outcome).toBe('MembershipChangePending no')
    all.members.applied(130, 3)
    expect(await second.outcome).toBe('ProposalDropped no')
  })

  test('is unknown when a snapshot covers its entry, and then bars no later change', async () => {
    const all = membersOf(founded(3))
    const lost = await proposed(all)
    all.members.jumpedTo(129, false)
    all.members.jumpedTo(130, false)
    expect(await lost.outcome).toBe('Unavailable maybe')
    const next = await proposed(all)
    all.members.applied(130, 2)
    expect(await next.outcome).toBe('done')
  })

  test('is refused by a node that does not lead, or does not lead any more after the barrier', async () => {
    const { group, members, barriers } = membersOf(founded(3))
    const late = add(members)
    group.isLeader = false
    barriers.pop()?.run()
    expect(await late).toBe('NotLeader no')
    expect(await add(members)).toBe('NotLeader no')
  })

  test('is not planned before a majority has confirmed the leader', async () => {
    const { core, members, barriers } = membersOf(founded(3))
    const unconfirmed = add(members)
    await Promise.resolve()
    expect(core.proposed).toEqual([])
    barriers.pop()?.failed(new NitroError('Unavailable', 'no quorum'))
    expect(await unconfirmed).toBe('Unavailable no')
    expect(core.proposed).toEqual([])
  })
})

describe('handing leadership over', () => {
  test('is given up when its timer fires, even if the clock is a fraction behind it', async () => {
    const { told, members, timers } = membersOf(founded(3))
    const answer = members.transfer('n2').catch((error: { code: string }) => error.code)
    await settled()
    expect(told).toEqual(['transfer to 2'])
    for (const fire of timers) fire()
    expect(await answer).toBe('Unavailable')
  })

  test('is done when the other one leads', async () => {
    const { group, members } = membersOf(founded(3))
    const answer = members.transfer('n2')
    group.leaderId = 2
    group.changed()
    expect(await answer).toBe('n2')
  })
})
