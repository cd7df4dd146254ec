/**
 * The data directory of a replica: who it is, its log, its state, and how they are made, opened and judged together.
 *
 * | found on disk                                  | outcome                                                        |
 * | ---------------------------------------------- | -------------------------------------------------------------- |
 * | nothing at all                                 | a new identity; bootstrap or join decides what becomes of it   |
 * | identity damaged, or gone beside log or state  | `IdentityLost`: it may have voted, so it never comes back      |
 * | log, hard state or witness damaged             | `LogDamaged`: likewise; replaced by the leader under a new id  |
 * | state damaged, missing, or behind the log      | the state is fetched from a peer; the node still votes         |
 * | state ahead of the log                         | a crash in the middle of a snapshot: the log starts after it   |
 */
import { NitroError, isNitroError, messageOf, present } from '../../base/index.ts'
import type { Kv } from '../../base/index.ts'
import { Machine } from '../../execution/index.ts'
import type { BlockReader } from '../../execution/index.ts'
import { lockDirectory, openAside, openLog, openState, readIdentity, writeIdentity } from '../storage/index.ts'
import type { DurableLog, Identity, StateDirectory, StateOptions } from '../storage/index.ts'
import {
  decodeConfiguration,
  emptyConfiguration,
  encodeConfiguration,
  foundingBytes,
  foundingConfiguration,
  memberByName,
} from './configuration.ts'
import type { Configuration, Founder } from './configuration.ts'
import type { DurablePosition } from './flusher.ts'
import type { GroupParts } from './group-types.ts'
import { readMembership, writeMembership } from './membership-file.ts'
import type { MembershipCopy } from './membership-file.ts'
import type { ReplicaOptions } from './options.ts'
import type { ReplicaPorts } from './ports.ts'
import { plantSeed, removeSeed, seedDigest } from './seed.ts'
import { blockReader } from './state-reader.ts'

const incarnationBytes = 16
/** A restored state goes on this far above the revision of its backup. */
const restoredRevisionGap = 1_000_000_000
const dataNames = ['log', 'state', 'membership']

/** One open data directory. */
export class Vault {
  identity: Identity
  private readonly options: ReplicaOptions
  private readonly ports: ReplicaPorts
  private membershipWrite: Promise<void> = Promise.resolve()
  private state: StateDirectory | undefined
  private log: DurableLog | undefined
  private readonly lock: Kv

  /**
   * Locks the directory, then reads or makes the identity. Throws `IdentityLost`, `InvalidArgument`, `DirectoryUnusable`,
   * `DirectoryLocked`, `DiskFull`.
   */
  static async open(options: ReplicaOptions, ports: ReplicaPorts): Promise<Vault> {
    const { files, kv } = ports
    const { dataDir } = options
    await files.makeDirectory(dataDir)
    // A second process that forms or joins would remove what the first has made.
    const lock = await lockDirectory(files, kv, dataDir)
    try {
      return new Vault(options, ports, await Vault.identify(options, ports), lock)
    } catch (error) {
      await lock.close()
      throw error
    }
  }

  private static async identify(options: ReplicaOptions, ports: ReplicaPorts): Promise<Identity> {
    const { files, random } = ports
    const { dataDir, name } = options
    const found = await readIdentity(files, dataDir)
    if (found !== undefined) {
      if (found.name !== name) {
        throw new NitroError('InvalidArgument', wrongName(dataDir, found.name, name), {
          details: { name, found: found.name },
        })
      }
      // Its name may only be in the cache of a process that died.
      await files.syncDirectory(dataDir)
      return found
    }
    const left = (await files.list(dataDir)).filter((entry) => dataNames.includes(entry))
    if (left.length > 0) {
      throw new NitroError(
        'IdentityLost',
        `${dataDir} holds ${left.join(' and ')} but no identity file: it is damaged and must not be used`,
        { details: { name } },
      )
    }
    const identity: Identity = {
      name,
      incarnation: random.bytes(incarnationBytes),
      clusterId: undefined,
      raftId: undefined,
      bootstrap: undefined,
      stage: 'new',
    }
    await writeIdentity(files, dataDir, identity)
    return identity
  }

  private constructor(options: ReplicaOptions, ports: ReplicaPorts, identity: Identity, lock: Kv) {
    this.options = options
    this.ports = ports
    this.identity = identity
    this.lock = lock
  }

  /** A machine with this node's programs. */
  newMachine(readBlock: BlockReader): Machine {
    const { programs, flags, checkPrograms, limits } = this.options
    return new Machine({ programs, flags, limits, checkPrograms, guard: this.ports.guard, readBlock })
  }

  /** Digest of the backup this directory was made from; empty when it was not. All founders must have the same. */
  seedDigest(): Promise<string> {
    return seedDigest(this.ports, this.options.dataDir)
  }

  private async save(identity: Identity): Promise<void> {
    await writeIdentity(this.ports.files, this.options.dataDir, identity)
    this.identity = identity
  }

  /** Makes the founding list durable. */
  async saveIntent(founders: readonly Founder[]): Promise<void> {
    await this.save({ ...this.identity, stage: 'intent', bootstrap: founders })
    this.ports.hooks?.('bootstrap:intent-saved')
  }

  /** Notes that this directory was made to join. */
  saveJoining(): Promise<void> {
    return this.save({ ...this.identity, stage: 'joining' })
  }

  /** Makes log and state of a founding member. Nothing of an attempt that was cut short is used. */
  async form(founders: readonly Founder[]): Promise<GroupParts> {
    this.ports.hooks?.('bootstrap:before-form')
    const clusterId = this.ports.crypto.sha256(foundingBytes(founders))
    const configuration = foundingConfiguration(clusterId, founders)
    const raftId = founders.findIndex((one) => one.name === this.identity.name) + 1
    const parts = await this.create(raftId, async (machine, state, log) => {
      if (machine.appliedIndex > 0) machine.raiseRevision(restoredRevisionGap)
      const index = machine.appliedIndex + 1
      const term = machine.appliedTerm + 1
      machine.applyConfiguration(index, term, encodeConfiguration(configuration))
      const flush = machine.seal()
      if (flush !== undefined) {
        await state.write(flush.changes)
        machine.flushed(flush)
      }
      await log.write({ entries: [], hardState: { term, vote: 0, commit: index }, snapshot: { index, term } })
      return { index, term, revision: machine.revision, configuration }
    })
    const { index, term } = parts.position
    await writeMembership(this.ports.files, this.options.dataDir, { index, term, configuration })
    await this.save({ ...this.identity, stage: 'member', clusterId, raftId })
    await removeSeed(this.ports.files, this.options.dataDir)
    return parts
  }

  /** Makes the empty log and state of an admitted member; it gets everything by snapshot. */
  async admit(configuration: Configuration, raftId: number): Promise<GroupParts> {
    const parts = await this.create(raftId, () =>
      Promise.resolve({ index: 0, term: 0, revision: 0, configuration: { ...configuration, confState: noVoters } }),
    )
    await writeMembership(this.ports.files, this.options.dataDir, { index: 0, term: 0, configuration })
    await this.save({ ...this.identity, stage: 'member', clusterId: configuration.clusterId, raftId })
    return parts
  }

  private async create(
    raftId: number,
    fill: (machine: Machine, state: StateDirectory, log: DurableLog) => Promise<DurablePosition>,
  ): Promise<GroupParts> {
    const { files } = this.ports
    const { dataDir } = this.options
    for (const name of dataNames) await files.remove(`${dataDir}/${name}`)
    await files.syncDirectory(dataDir)
    const state = await this.openState(false)
    const machine = this.newMachine(blockReader(() => state.kv))
    await plantSeed(this.ports, this.options.dataDir, machine, state)
    machine.finishLoad()
    const log = await this.openLog(true)
    const position = await fill(machine, state, log)
    await state.verified()
    return { raftId, log, state, machine, position }
  }

  private async openState(expected: boolean, ignoreMarker = false): Promise<StateDirectory> {
    this.state = await openState({ ...this.stateOptions(), expected, ignoreMarker })
    return this.state
  }

  private async openLog(create: boolean): Promise<DurableLog> {
    const { files, crypto, scheduler, clock, metrics, hooks } = this.ports
    const { incarnation } = this.identity
    const directory = this.options.dataDir
    const segmentBytes = this.options.sizes.logSegmentBytes
    this.log = await openLog({
      ...{ files, crypto, scheduler, clock, metrics, hooks },
      ...{ directory, incarnation, create, segmentBytes },
    })
    return this.log
  }

  /** Opens log and state of a member. Throws `LogDamaged`. */
  async openMember(): Promise<GroupParts> {
    const { logger } = this.ports
    const copy = await this.membershipCopy()
    if (copy !== undefined) this.comparePeers(copy.configuration)
    // The state comes first: its database lock keeps a second process out before anything is written.
    const alone = copy?.configuration.members.length === 1
    const opened = await this.tryState(alone)
    const log = await this.openLog(false)
    const raftId = present(this.identity.raftId, 'the raft id of a member')
    if (opened instanceof NitroError) {
      logger.error({ reason: opened.message }, 'the state is damaged')
      return this.withoutState(raftId, log, copy)
    }
    const { state, machine } = opened
    if (machine.appliedIndex + 1 < log.firstIndex()) {
      logger.error({ applied: machine.appliedIndex, first: log.firstIndex() }, 'the state ends before the log begins')
      await state.close()
      return this.withoutState(raftId, log, copy)
    }
    if (machine.appliedIndex > log.lastIndex()) {
      await log.write({ entries: [], snapshot: { index: machine.appliedIndex, term: machine.appliedTerm } })
    }
    const configuration =
      machine.configuration.length > 0 ? decodeConfiguration(machine.configuration) : emptied(this.identity, copy)
    const position = {
      index: machine.appliedIndex,
      term: machine.appliedTerm,
      revision: machine.revision,
      configuration,
    }
    // Whoever loses the state later must know whom to ask for it.
    if (copy === undefined && machine.configuration.length > 0) this.rememberMembership(position)
    return { raftId, log, state, machine, position }
  }

  /** The only member has nobody to fetch its state from, so a start that was cut short does not count against it. */
  private async tryState(alone: boolean): Promise<{ state: StateDirectory; machine: Machine } | NitroError> {
    try {
      const state = await this.openState(true, alone)
      const machine = this.newMachine(blockReader(() => state.kv))
      try {
        for await (const page of state.pages()) for (const [key, value] of page) machine.load(key, value)
        machine.finishLoad()
        await state.verified()
        return { state, machine }
      } catch (error) {
        await state.close()
        throw error
      }
    } catch (error) {
      if (isNitroError(error, 'StateDamaged')) return error
      throw error
    }
  }

  /** A log that was never compacted holds everything since the founding; otherwise a peer's state is needed. */
  private async withoutState(raftId: number, log: DurableLog, copy: MembershipCopy | undefined): Promise<GroupParts> {
    const { bootstrap, clusterId } = this.identity
    if (log.firstIndex() !== 2 || bootstrap === undefined || clusterId === undefined) {
      this.ports.logger.warn({ first: log.firstIndex() }, 'fetching the state from a peer')
      const state = await this.stateAside()
      return { raftId, log, state, machine: undefined, position: this.positionWithoutState(log, copy) }
    }
    this.ports.logger.warn({ last: log.lastIndex() }, 'rebuilding the state from the log')
    const state = await this.freshState()
    const configuration = foundingConfiguration(clusterId, bootstrap)
    const machine = this.newMachine(blockReader(() => state.kv))
    machine.finishLoad()
    machine.applyConfiguration(1, 1, encodeConfiguration(configuration))
    const position = { index: 1, term: 1, revision: 0, configuration }
    // Of the founders until the log tells of others: better than none, should the state be damaged once more.
    if (copy === undefined) this.rememberMembership(position)
    return { raftId, log, state, machine, position }
  }

  /** What is there may be all that is left of the state in the whole cluster, so it stays until a peer has sent another. */
  private async stateAside(): Promise<StateDirectory> {
    this.state = await openAside({ ...this.stateOptions(), expected: true })
    return this.state
  }

  private stateOptions(): Omit<StateOptions, 'expected'> {
    const { files, kv, crypto, hooks, logger } = this.ports
    const { longValueBytes, valueFileBytes } = this.options.sizes
    return { files, kv, crypto, logger, hooks, directory: this.options.dataDir, longValueBytes, valueFileBytes }
  }

  private async freshState(): Promise<StateDirectory> {
    await this.ports.files.remove(`${this.options.dataDir}/state`)
    const state = await this.openState(false)
    await state.verified()
    return state
  }

  /** Where a node without state stands: at the start of its log, or where the copy of the member table was made. */
  private positionWithoutState(log: DurableLog, copy: MembershipCopy | undefined): DurablePosition {
    if (copy === undefined) {
      throw new NitroError(
        'LogDamaged',
        'both the state and the copy of the member table are damaged, so nobody can be asked; replace this member',
      )
    }
    const index = Math.min(Math.max(copy.index, log.firstIndex() - 1), log.lastIndex())
    const term = log.term(index)
    if (typeof term === 'string') throw new NitroError('LogDamaged', `the term at index ${index} is ${term}`)
    return { index, term, revision: 0, configuration: copy.configuration }
  }

  /** `peers` only founds a cluster; a member goes by its member table. Said when the two differ, or one would wait for ever. */
  private comparePeers(configuration: Configuration): void {
    const strangers = Object.keys(this.options.peers).filter((name) => memberByName(configuration, name) === undefined)
    if (strangers.length === 0) return
    const members = configuration.members.map((member) => member.name)
    this.ports.logger.warn(
      { members, strangers },
      'this directory is a member of a cluster already: peers it does not know are ignored and enter with --join',
    )
  }

  private async membershipCopy(): Promise<MembershipCopy | undefined> {
    try {
      return await readMembership(this.ports.files, this.options.dataDir)
    } catch (error) {
      this.ports.logger.warn({ reason: messageOf(error) }, 'the copy of the member table is damaged')
      return undefined
    }
  }

  /** Keeps a copy of the member table, behind the caller's back and in order. */
  rememberMembership(copy: MembershipCopy): void {
    this.membershipWrite = this.membershipWrite
      .then(() => writeMembership(this.ports.files, this.options.dataDir, copy))
      .catch((error: unknown) => {
        this.ports.logger.warn({ reason: messageOf(error) }, 'the copy of the member table was not written')
      })
  }

  /** Waits for background writes. Log and state belong to the group once there is one; `alone` says there is none. */
  async close(alone: boolean): Promise<void> {
    await this.membershipWrite
    try {
      if (alone) {
        await this.state?.close()
        await this.log?.close()
      }
    } finally {
      await this.lock.close()
    }
  }
}

const noVoters = { voters: [], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false }

function emptied(identity: Identity, copy: MembershipCopy | undefined): Configuration {
  if (copy === undefined) return emptyConfiguration(present(identity.clusterId, 'the cluster id of a member'))
  return { ...copy.configuration, confState: noVoters }
}

function wrongName(dataDir: string, found: string, name: string): string {
  return `name: ${dataDir} holds the data of ${found}; start it as ${found}, or give ${name} a directory of its own`
}
