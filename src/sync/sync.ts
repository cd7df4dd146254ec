/** The interface `sync` of a node or client. */
import { NitroError, equalBytes, timerMsMax } from '../../base/index.ts'
import {
  decodeInspectResult,
  decodeSyncListResult,
  encodeInspectArgs,
  encodeSyncListArgs,
  syncKinds,
} from '../../execution/codec.ts'
import type { SyncMode, SyncResource } from '../../execution/codec.ts'
import type {
  AcquireOptions,
  Assignment,
  AssignOptions,
  Barrier,
  BytesLike,
  DoubleBarrierOptions,
  Inspection,
  InspectOptions,
  Latch,
  LatchOptions,
  Leader,
  LeaderOptions,
  LeaderView,
  Lock,
  NameOptions,
  ObserveOptions,
  OnceJob,
  OnceOptions,
  OnceRun,
  OwnedItem,
  SemaphoreOptions,
  Sync,
  SyncKind,
  SyncListed,
  SyncListOptions,
  Together,
  TryOptions,
} from '../api/index.ts'
import { Acquirer } from './acquire.ts'
import { GroupMember } from './assign.ts'
import { CellBarrier, CellLatch } from './barriers.ts'
import { Cell } from './cell.ts'
import { enterTogether } from './double-barrier.ts'
import type { Grant } from './grant.ts'
import { HeldLeader, HeldLock } from './locks.ts'
import {
  bytesOf,
  checkCount,
  checkMs,
  groupOf,
  groupResource,
  kindOf,
  nameBytes,
  namespaceBytes,
  partyOf,
  resourceFor,
} from './names.ts'
import { Observation } from './observe.ts'
import { ScheduledJob } from './once.ts'
import { checkAcquire, checkFunction, checkOptions, checkSignal, waitOver } from './options.ts'
import type { SyncPorts } from './ports.ts'
import { refuseReentrant, runUnder } from './reentrancy.ts'
import { scheduleOf } from './schedule.ts'

/** Resources of a list that are asked for at once. */
const pageSize = 500

/** Makes the interface. {@link EngineSync.close} ends what it does by itself. */
export function createSync(ports: SyncPorts): EngineSync {
  return new EngineSync(ports)
}

/** Sync over any engine. */
export class EngineSync implements Sync {
  private readonly ports: SyncPorts
  private readonly acquirer: Acquirer

  constructor(ports: SyncPorts) {
    this.ports = ports
    this.acquirer = new Acquirer(ports)
  }

  /** The engine is about to be closed. */
  close(): void {
    this.acquirer.close()
  }

  lock(name: BytesLike, options: AcquireOptions = {}): Promise<Lock> {
    return this.hold('lock', name, 'exclusive', 1, options)
  }

  async tryLock(name: BytesLike, options: TryOptions = {}): Promise<Lock | undefined> {
    const resource = named('lock', name, options)
    const wanted = { resource, mode: 'exclusive', capacity: 1 } as const
    const grant = await this.acquirer.acquire(wanted, { ...options, wait: 0 })
    return grant && new HeldLock(grant)
  }

  async withLock<T>(name: BytesLike, body: (lock: Lock) => Promise<T> | T, options: AcquireOptions = {}): Promise<T> {
    checkFunction(body, 'the body of withLock')
    const grant = await this.grant(named('lock', name, options), 'exclusive', 1, options)
    try {
      const result = await runUnder(this.ports.context, this, grant, async () => body(new HeldLock(grant)))
      if (grant.state === 'lost') grant.throwIfLost()
      return result
    } finally {
      await grant[Symbol.asyncDispose]()
    }
  }

  async leader(name: BytesLike, options: LeaderOptions = {}): Promise<Leader> {
    const resource = named('leader', name, options)
    const value = bytesOf(options.value ?? '', 'the value')
    const grant = await this.grant(resource, 'exclusive', 1, options, value)
    return new HeldLeader(grant, this.ports)
  }

  observe(name: BytesLike, options: ObserveOptions = {}): AsyncIterableIterator<LeaderView | undefined> {
    const resource = named('leader', name, options)
    checkSignal(options.signal)
    return new Observation(this.ports, resource, options.signal)
  }

  readLock(name: BytesLike, options: AcquireOptions = {}): Promise<Lock> {
    return this.hold('rwlock', name, 'shared', 0, options)
  }

  writeLock(name: BytesLike, options: AcquireOptions = {}): Promise<Lock> {
    return this.hold('rwlock', name, 'exclusive', 0, options)
  }

  async semaphore(name: BytesLike, options: SemaphoreOptions): Promise<Lock> {
    checkOptions(options)
    return this.hold('semaphore', name, 'shared', checkCount(options.permits, 'permits'), options)
  }

  barrier(name: BytesLike, options: NameOptions = {}): Barrier {
    return new CellBarrier(new Cell(this.ports, named('barrier', name, options)))
  }

  async enter(name: BytesLike, options: DoubleBarrierOptions): Promise<Together> {
    checkOptions(options)
    const count = checkCount(options.count, 'count')
    const grant = await this.grant(named('doubleBarrier', name, options), 'shared', 0, options)
    return enterTogether(this.ports, grant, count, options.signal)
  }

  latch(name: BytesLike, options: LatchOptions): Latch {
    checkOptions(options)
    const count = checkCount(options.count, 'count')
    return new CellLatch(new Cell(this.ports, named('latch', name, options)), count)
  }

  once(options: OnceOptions, job: (run: OnceRun) => unknown): OnceJob {
    checkOptions(options)
    checkFunction(job, 'the job')
    if (options.missed !== undefined && options.missed !== 'skip' && options.missed !== 'run') {
      throw new NitroError('InvalidArgument', `missed is ${JSON.stringify(options.missed)}; it must be skip or run`)
    }
    const resource = resourceFor('once', options.name, options.namespace)
    checkAcquire({}, options)
    return new ScheduledJob(this.acquirer, { resource, options, schedule: scheduleOf(options), job })
  }

  assign(options: AssignOptions, work: (item: OwnedItem) => unknown): Assignment {
    checkOptions(options)
    checkFunction(work, 'the work')
    checkAcquire({}, options)
    checkMs(options.grace, 'grace', 0, timerMsMax)
    groupResource(options.group, '', options.namespace)
    return new GroupMember(this.acquirer, { ...options, items: checkedItems(options) }, work)
  }

  async inspect(name: BytesLike, options: InspectOptions = {}): Promise<Inspection> {
    checkOptions(options)
    const resource = inspected(name, options)
    const payload = await this.ports.engine.query('sync', 'inspect', encodeInspectArgs(resource), options)
    const { revision, holders, waiters } = decodeInspectResult(payload)
    return { revision, holders: holders.map(partyOf), waiters: waiters.map(partyOf) }
  }

  async list(options: SyncListOptions = {}): Promise<readonly SyncListed[]> {
    checkOptions(options)
    const request = {
      kind: options.kind === undefined ? undefined : syncKinds[checkKind(options.kind)],
      namespace: options.namespace === undefined ? undefined : namespaceBytes(options.namespace),
      prefix:
        options.prefix === undefined || options.prefix.length === 0
          ? undefined
          : nameBytes(options.prefix, 'the prefix'),
      limit: pageSize,
    }
    const listed: SyncListed[] = []
    const { prefix } = request
    for (let after: SyncResource | undefined; ;) {
      const args = encodeSyncListArgs({ ...request, after })
      const { resources, more } = decodeSyncListResult(await this.ports.engine.query('sync', 'list', args, options))
      for (const { kind: code, namespace, name, holding, waiting, holder } of resources) {
        const kind = kindOf(code)
        if (kind === undefined) continue
        const { group, item } = kind === 'assign' ? groupOf(name) : { group: new Uint8Array(name), item: undefined }
        // An item stands behind the name of its group, and is no part of it.
        if (prefix !== undefined && !startsWith(group, prefix)) continue
        const bytes = { namespace: new Uint8Array(namespace), name: group, item }
        listed.push({ kind, ...bytes, holding, waiting, holder: holder && partyOf(holder) })
      }
      after = resources.at(-1)
      if (!more || after === undefined) return listed
    }
  }

  private async hold(
    kind: SyncKind,
    name: BytesLike,
    mode: SyncMode,
    capacity: number,
    options: AcquireOptions,
  ): Promise<Lock> {
    return new HeldLock(await this.grant(named(kind, name, options), mode, capacity, options))
  }

  private async grant(
    resource: SyncResource,
    mode: SyncMode,
    capacity: number,
    options: AcquireOptions,
    value?: Uint8Array,
  ): Promise<Grant> {
    refuseReentrant(this.ports.context, this, resource)
    const grant = await this.acquirer.acquire({ resource, mode, capacity, value }, options)
    if (grant !== undefined) return grant
    throw waitOver(0)
  }
}

function checkKind(kind: SyncKind): SyncKind {
  if (Object.hasOwn(syncKinds, kind)) return kind
  throw new NitroError(
    'InvalidArgument',
    `${JSON.stringify(kind)} is no kind; known are ${Object.keys(syncKinds).join(', ')}`,
  )
}

/** The resource that is meant. Throws `InvalidArgument`, `KeyTooLarge`. */
function named(kind: SyncKind, name: BytesLike, options: NameOptions): SyncResource {
  checkOptions(options)
  return resourceFor(kind, name, options.namespace)
}

/** The resource that is to be inspected. Throws `InvalidArgument`, `KeyTooLarge`. */
function inspected(name: BytesLike, { kind = 'lock', item, namespace }: InspectOptions): SyncResource {
  if (item !== undefined) checkItem(item)
  if (checkKind(kind) === 'assign') return groupResource(name, item ?? '', namespace)
  if (item === undefined) return resourceFor(kind, name, namespace)
  throw new NitroError('InvalidArgument', `item is given, and only groups have items, not ${kind}`)
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return equalBytes(bytes.subarray(0, prefix.length), prefix)
}

function checkItem(item: unknown): void {
  if (typeof item === 'string' && item !== '') return
  throw new NitroError('InvalidArgument', `an item must be a string that is not empty, not ${JSON.stringify(item)}`)
}

/** A copy of the items of a group. Throws `InvalidArgument`, `KeyTooLarge`. */
function checkedItems({ group, items, namespace }: AssignOptions): readonly string[] {
  const given: unknown = items
  if (!Array.isArray(given)) throw new NitroError('InvalidArgument', 'items must be an array of strings')
  for (const item of items) {
    checkItem(item)
    groupResource(group, item, namespace)
  }
  return [...items]
}
