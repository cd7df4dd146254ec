/**
 * The deterministic machine: the log in, results and stored state out.
 *
 *   load* finishLoad   then per entry: startEntry step* finishEntry | applyConfiguration | skipEntry
 *                      between entries: seal, later flushed; queries at any time
 *
 * Everything is synchronous and depends on the log alone. A command is atomic to queries; an entry is atomic for the
 * applied index, the hash and what is flushed. Damage found while reading ends the machine: every later call throws it.
 */
import { assert, checksum32, emptyBytes, isNitroError, latin1, plainBytes } from '../base/index.ts'
import type { Hash128, NitroError } from '../base/index.ts'
import { Activation } from './activation.ts'
import { Auth } from './auth/auth.ts'
import { MachineGate } from './auth/machine-gate.ts'
import type { Caller } from './auth/principal.ts'
import { BlockStore } from './block-store.ts'
import { Builtins } from './builtins.ts'
import { CommandHeader, builtins, decodeCommandHeader } from './command.ts'
import { commandLengthAt, entryHeaderBytes, readEntryHeader, refuseUnknown } from './entry.ts'
import { visitEvents } from './events.ts'
import type { EventVisitor } from './events.ts'
import { expire, nextDeadline } from './expiry.ts'
import { StateFlush } from './flush.ts'
import { Leases } from './leases.ts'
import { limitsWith } from './limits.ts'
import type { MachineLimits } from './limits.ts'
import { Loader } from './loader.ts'
import type { Flush, MachineOptions, ResultSink } from './machine-types.ts'
import { manifestOf } from './manifest.ts'
import { encodeMetadata, hashStanding, metadataKey } from './metadata.ts'
import type { Standing } from './metadata.ts'
import { readActivateArgs } from './programs/system.ts'
import { Records } from './records.ts'
import { errorResult } from './result.ts'
import { Retention } from './retention.ts'
import { Sessions } from './sessions.ts'
import { State } from './state.ts'
import { Sync } from './sync/sync.ts'
import { UserPrograms } from './user-programs.ts'
import { WatchedReader } from './watched-reader.ts'

/** One node's machine. See the module header for the order of calls. */
export class Machine {
  appliedIndex = 0
  appliedTerm = 0
  /** Time for expiry, in ms; the greatest stamp applied. */
  logTime = 0
  /** The last entry's wall time stamp, in ms since 1970. */
  wallTime = 0
  /** Opaque bytes of the driver: the members. Part of hash, metadata and snapshots. */
  configuration: Uint8Array = emptyBytes
  /** Which programs and flags are in force. */
  readonly activation: Activation
  /** Users, roles and permissions. */
  readonly auth: Auth = new Auth()
  /** Who may do what. */
  readonly gate: MachineGate
  /** Why this machine can't go on, once it can't. */
  damage: NitroError | undefined = undefined
  private readonly reader: WatchedReader
  private readonly state: State
  private readonly sessions: Sessions
  private readonly leases: Leases
  private readonly sync: Sync
  private readonly builtins: Builtins
  private readonly programs: UserPrograms
  private readonly retention: Retention
  private readonly limits: MachineLimits
  private readonly garbageBytes: number
  private loader: Loader | undefined
  private changed = false
  private flush: { readonly flush: Flush; readonly state: StateFlush } | undefined
  /** The entry being applied. */
  private entry: Uint8Array | undefined
  private entryIndex = 0
  private entryTerm = 0
  private count = 0
  private position = 0
  private at = 0
  private readonly header = new CommandHeader()

  /** Throws `InvalidArgument` for bad limits or programs. */
  constructor(options: MachineOptions) {
    this.limits = limitsWith(options.limits)
    this.garbageBytes = options.garbageBytes ?? 1024 * 1024
    this.reader = new WatchedReader(options.readBlock)
    this.state = new State(new BlockStore(new Records(), this.reader.read, options.cacheBytes ?? 16 * 1024 * 1024))
    this.retention = new Retention(this.limits)
    this.sessions = new Sessions(this.limits)
    this.leases = new Leases(this.state, this.limits)
    this.sync = new Sync(this.state, this.leases)
    const base = { state: this.state, leases: this.leases, sync: this.sync, limits: this.limits }
    const programs = (this.programs = new UserPrograms(options.programs ?? [], base, {
      guard: options.guard,
      twice: options.checkPrograms,
    }))
    const offer = manifestOf(options.programs ?? [], this.limits, options.flags)
    this.activation = new Activation(offer, (active) => programs.use(active))
    this.gate = new MachineGate(this.auth, this.state, this.leases)
    this.builtins = new Builtins(base, this.sessions, this.activation, this.auth)
    this.loader = new Loader(this.state, this.sessions, this.leases, this.sync, this.auth)
  }

  /** Takes one stored record; all must come, in key order. Throws `StateDamaged` or `UnsupportedFormat`. */
  load(key: Uint8Array, value: Uint8Array): void {
    assert(this.loader !== undefined, 'records are loaded before anything else')
    this.guard(() => this.loader?.load(plainBytes(key), plainBytes(value)))
  }

  /**
   * Ends loading and verifies the whole; nothing loaded makes a new empty state. Throws `StateDamaged`, or
   * `UnsupportedVersion` for programs or flags in force that this node does not have.
   */
  finishLoad(): void {
    const { loader } = this
    assert(loader !== undefined, 'loading ends once')
    const metadata = this.guard(() => loader.finish())
    this.guard(() => this.activation.load(metadata.active))
    this.loader = undefined
    this.appliedIndex = metadata.appliedIndex
    this.appliedTerm = metadata.appliedTerm
    this.logTime = metadata.logTime
    this.leases.logTime = metadata.logTime
    this.wallTime = metadata.wallTime
    this.configuration = metadata.configuration
    this.retention.marks = [...metadata.marks]
  }

  /** The revision of the last transaction that changed a key. */
  get revision(): number {
    return this.state.revision
  }

  /** The oldest revision that can still be read; events at it, and after it, are still there. */
  get compactRevision(): number {
    return this.state.history.compactRevision
  }

  /**
   * Visits the events of all revisions from this one on, oldest first, between commands. The view is reused. Costs the
   * logarithm of the history plus what is visited; a revision that has not come yet visits nothing.
   * Throws `Compacted` below the compact revision, and `StateDamaged`.
   */
  visitEvents(fromRevision: number, visit: EventVisitor): void {
    if (this.damage !== undefined) throw this.damage
    try {
      visitEvents(this.state, fromRevision, visit)
    } catch (thrown) {
      if (isNitroError(thrown, 'StateDamaged')) this.damage = thrown
      throw thrown
    }
  }

  /** The earliest log time at which something must expire: an entry with that time or a later one is due by then. */
  get nextDeadline(): number | undefined {
    return nextDeadline(this.leases, this.sync)
  }

  /** Leases that have not been swept yet. */
  get leaseCount(): number {
    return this.leases.count
  }

  get keyCount(): number {
    return this.state.index.size
  }

  get sessionCount(): number {
    return this.sessions.count
  }

  /** Roughly what the next seal would write, in bytes. */
  get overlayBytes(): number {
    return this.state.overlay.bytes + this.sessions.dirtyBytes + this.leases.dirtyBytes
  }

  /**
   * Begins the entry after the applied one. Its bytes are used until {@link finishEntry} and must not change.
   * Throws, with nothing applied, `DataCorrupt`, `UnsupportedFormat` or `UnsupportedVersion`: the node must stop. `isOwn`: this
   * process built the entry, and has its bytes still or read them from its own log, so its checksum says nothing new.
   */
  startEntry(index: number, term: number, bytes: Uint8Array, isOwn = false): void {
    this.begin(index, term)
    const data = plainBytes(bytes)
    const { count, logTime, wallTime } = readEntryHeader(data, isOwn)
    refuseUnknown(data, count, ({ program, argsAt, argsEnd }) => {
      if (program === builtins.system) this.activation.check(readActivateArgs(data, argsAt, argsEnd))
    })
    this.entry = data
    this.entryIndex = index
    this.entryTerm = term
    this.count = count
    this.position = 0
    this.at = entryHeaderBytes
    this.logTime = Math.max(this.logTime, logTime)
    this.wallTime = wallTime
    this.leases.logTime = this.logTime
    this.sync.wallTime = wallTime
    expire(this.leases, this.sync, this.limits)
  }

  /** Executes one command and hands its result out; false when the entry has none left. Throws what the block reader threw. */
  step(sink: ResultSink): boolean {
    const { entry, position } = this
    assert(entry !== undefined, 'an entry has been started')
    if (this.damage !== undefined) throw this.damage
    if (position === this.count) return false
    const start = this.at + 4
    const end = start + commandLengthAt(entry, this.at)
    const result = this.execute(entry, start, end)
    this.at = end
    this.position = position + 1
    sink(position, result)
    return true
  }

  /** Ends the entry; every command must have been executed. */
  finishEntry(): void {
    assert(this.entry !== undefined && this.position === this.count, 'every command of the entry has been executed')
    this.entry = undefined
    this.finish(this.entryIndex, this.entryTerm, this.logTime, 0)
  }

  /** Applies a configuration entry: the driver's bytes become the configuration. */
  applyConfiguration(index: number, term: number, configuration: Uint8Array): void {
    this.begin(index, term)
    this.configuration = configuration.slice()
    this.finish(index, term, checksum32(configuration), 1)
  }

  /**
   * Raises the revision, so that none that was ever given out is given out again: a state restored from a backup goes on far
   * above the one that went on living. Everything older counts as compacted. Between entries, and alike on every member of
   * the new cluster.
   */
  raiseRevision(by: number): void {
    assert(this.entry === undefined && this.loader === undefined, 'the revision is raised between entries')
    this.state.revision += by
    this.leases.counter += by
    this.state.history.compact(this.state.revision)
    this.changed = true
  }

  /** Passes over an entry without bytes. */
  skipEntry(index: number, term: number): void {
    this.begin(index, term)
    this.finish(index, term, 0, 2)
  }

  /**
   * Answers a read-only query with result bytes; errors, also `StateDamaged`, are in the result. `nowMs` is the log time as
   * far as the caller knows it, for what is left of a lease: the newest entry may be old. `caller` must be who it says.
   */
  query(program: string, method: string, args: Uint8Array, nowMs = 0, caller: Caller = 'owner'): Uint8Array {
    assert(this.loader === undefined, 'queries come after loading')
    if (this.damage !== undefined) return errorResult(this.damage)
    try {
      this.gate.query(caller, program, method, args)
      const answer = this.builtins.query(program, method, args, Math.max(nowMs, this.logTime))
      if (answer !== undefined) return answer
      const { appliedIndex: index, logTime, wallTime } = this
      return this.programs.query(program, method, args, { index, position: 0, logTime, wallTime })
    } catch (thrown) {
      return this.resultOf(thrown, true)
    }
  }

  /** A hash over everything replicated: equal on all nodes that have applied the same log. Between entries only. */
  stateHash(): Hash128 {
    assert(this.entry === undefined, 'the hash is taken between entries')
    return hashStanding(this.standing())
  }

  /**
   * Everything that changed since the last seal, as one batch; undefined when nothing did. Between entries, and only when the
   * last flush has been {@link flushed}. Throws `StateDamaged`.
   */
  seal(): Flush | undefined {
    assert(this.entry === undefined && this.loader === undefined, 'whole entries are sealed')
    assert(this.flush === undefined, 'one flush at a time')
    if (this.damage !== undefined) throw this.damage
    if (!this.changed) return undefined
    const standing = this.standing()
    const state = this.guard(() => new StateFlush(this.state, this.garbageBytes))
    const { oldestBlock, nextBlock } = state
    const { freedRevision, count: historyCount } = this.state.history
    const metadata = encodeMetadata({ ...standing, oldestBlock, nextBlock, freedRevision, historyCount })
    const records = [...this.sessions.seal(), ...this.leases.seal(), ...this.auth.seal()]
    const changes = [...state.changes, ...records, { key: metadataKey, value: metadata }]
    const flush = { appliedIndex: this.appliedIndex, appliedTerm: this.appliedTerm, changes }
    this.flush = { flush, state }
    this.changed = false
    return flush
  }

  /** The batch of this flush is durable: its records are read from their blocks from now on. */
  flushed(flush: Flush): void {
    assert(this.flush?.flush === flush, 'the flush under way is the one that finished')
    this.flush.state.finish()
    this.flush = undefined
  }

  private execute(entry: Uint8Array, start: number, end: number): Uint8Array {
    const { header, sessions } = this
    try {
      decodeCommandHeader(entry, start, end, header)
    } catch (thrown) {
      return this.resultOf(thrown, false)
    }
    if (header.sessionAt < 0) return this.run(entry, header)
    const admitted = sessions.admit(entry, header)
    if (admitted instanceof Uint8Array) return admitted
    const result = this.run(entry, header)
    sessions.answer(admitted, header.seq, result)
    return result
  }

  private run(entry: Uint8Array, header: CommandHeader): Uint8Array {
    this.reader.begin()
    let result: Uint8Array
    try {
      this.gate.command(entry, header)
      result = header.program === 0 ? this.runUser(entry, header) : this.builtins.run(entry, header)
    } catch (thrown) {
      result = this.resultOf(thrown, false)
    }
    this.reader.check()
    return result
  }

  private runUser(entry: Uint8Array, header: CommandHeader): Uint8Array {
    const name = latin1(entry, header.nameAt, header.nameEnd)
    const method = latin1(entry, header.methodAt, header.methodEnd)
    const args = entry.subarray(header.argsAt, header.argsEnd)
    const { entryIndex: index, position, logTime, wallTime } = this
    return this.programs.run(name, method, args, { index, position, logTime, wallTime })
  }

  /** The result of an error that is the command's own; any other ends the machine. */
  private resultOf(thrown: unknown, isQuery: boolean): Uint8Array {
    if (!isNitroError(thrown)) throw thrown
    if (thrown.code === 'StateDamaged') {
      this.damage = thrown
      if (!isQuery) throw thrown
    }
    return errorResult(thrown)
  }

  private begin(index: number, term: number): void {
    assert(this.loader === undefined && this.entry === undefined, 'entries come after loading, one at a time')
    assert(index === this.appliedIndex + 1, () => `entry ${index} after ${this.appliedIndex}`)
    assert(term >= this.appliedTerm, () => `term ${term} after ${this.appliedTerm}`)
    if (this.damage !== undefined) throw this.damage
  }

  private finish(index: number, term: number, what: number, kind: number): void {
    const { state } = this
    state.mixChain(index, term, what, kind)
    state.history.compact(this.retention.compactable(state.revision, this.logTime))
    this.appliedIndex = index
    this.appliedTerm = term
    this.changed = true
  }

  private standing(): Standing {
    const { appliedIndex, appliedTerm, logTime, wallTime, configuration, state, sessions, leases } = this
    return {
      appliedIndex,
      appliedTerm,
      logTime,
      wallTime,
      revision: state.revision,
      compactRevision: state.history.compactRevision,
      marks: this.retention.marks,
      keyCount: state.index.size,
      recordSum: state.sum,
      chain: state.chain,
      sessionCount: sessions.count,
      sessionSum: sessions.hash(),
      sessionUses: sessions.uses,
      leaseCount: leases.count,
      leaseSum: leases.hash(),
      leaseCounter: leases.counter,
      active: this.activation.active,
      auth: this.auth.standing,
      configuration,
    }
  }

  private guard<T>(work: () => T): T {
    if (this.damage !== undefined) throw this.damage
    try {
      return work()
    } catch (thrown) {
      if (isNitroError(thrown)) this.damage = thrown
      throw thrown
    }
  }
}
