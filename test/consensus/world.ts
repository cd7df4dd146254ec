/**
 * A hostile world for a group of cores: messages are lost, doubled, delayed and reordered, nodes crash between any two
 * steps, logs are compacted, members change. Everything is drawn from one seed, and after every step the promises of
 * Raft are checked (Raft paper, figure 3).
 */
import { compareBytes, text, utf8 } from '../../base/index.ts'
import {
  MemoryStorage,
  RawNode,
  asV2,
  confChangeOf,
  emptyConfState,
  isEmptyHardState,
  isLocalTarget,
} from '../../consensus/index.ts'
import type { ConfChangeSingle, ConfState, Entry, HardState, Message, Snapshot } from '../../consensus/index.ts'
import { draws } from './draws.ts'
import type { Settings } from './draws.ts'

interface Body {
  readonly id: number
  readonly storage: MemoryStorage
  node: RawNode
  up: boolean
  applied: string[]
  appliedIndex: number
  confState: ConfState
  /** Storage work of asynchronous mode, lost in a crash. */
  appendWork: Message[]
  applyWork: Message[]
}

interface Envelope {
  readonly message: Message
  /** Links are bound to both processes' starts. */
  readonly starts: string
}

const same = (a: Entry, b: Entry): boolean =>
  a.term === b.term && a.type === b.type && compareBytes(a.data, b.data) === 0

export class World {
  readonly draw: (bound: number) => number
  readonly settings: Settings
  readonly bodies: Body[] = []
  private starts = new Map<number, number>()
  network: Envelope[] = []
  /** A node that nobody hears and that hears nobody, or 0. */
  private isolated = 0
  /** What was applied at each index, by whoever was first. */
  readonly history = new Map<number, Entry>()
  private readonly leaders = new Map<number, number>()
  /** For each read not yet answered, the highest index applied anywhere when it was asked. */
  private readonly reads = new Map<string, number>()
  answered = 0
  private names = 0
  private lastApplied = 0

  constructor(seed: number, settings: Settings) {
    this.draw = draws(seed)
    this.settings = settings
    const voters = Array.from({ length: settings.nodes }, (_, i) => i + 1)
    for (const id of voters) {
      const storage = new MemoryStorage()
      // As recommended: the group begins with a snapshot, so that nobody can join without the first configuration.
      storage.applySnapshot({ meta: { index: 2, term: 1, confState: { ...emptyConfState, voters } }, data: utf8('[]') })
      this.bodies.push(this.born(id, storage))
    }
  }

  private born(id: number, storage: MemoryStorage): Body {
    this.starts.set(id, (this.starts.get(id) ?? 0) + 1)
    const { meta, data } = storage.snapshot()
    const node = new RawNode({
      electionTick: 6,
      heartbeatTick: 1,
      ...this.settings.options,
      id,
      storage,
      random: this.draw,
    })
    const applied = data.length === 0 ? [] : (JSON.parse(text(data)) as string[])
    const { index: appliedIndex, confState } = meta
    return { id, storage, node, up: true, applied, appliedIndex, confState, appendWork: [], applyWork: [] }
  }

  private startsOf(m: Message): string {
    return `${this.starts.get(m.from)}/${this.starts.get(m.to)}`
  }

  crash(body: Body): void {
    this.bodies[body.id - 1] = { ...this.born(body.id, body.storage), up: false }
  }

  /** One step of the world, drawn. */
  step(): void {
    const body = this.bodies[this.draw(this.bodies.length)] as Body
    if (!body.up && this.draw(10) === 0) body.up = true
    const roll = this.draw(100)
    if (roll < 45) this.deliverOne()
    else if (roll < 80) this.work(body)
    else if (roll < 84) this.tick(body)
    else if (roll < 90) this.propose(body)
    else if (roll < 94) this.read(body)
    else if (roll < 95 && this.draw(6) === 0) this.toggle(body)
    else if (roll < 96) this.compact(body)
    else if (roll < 97 && this.settings.membership) this.change(body)
    else if (roll < 98) this.handOver(body)
    else if (roll < 99) this.isolate()
    else if (body.up && this.draw(4) === 0) body.node.campaign()
    this.check()
  }

  tick(body: Body): void {
    for (const one of this.settings.lockstep ? this.bodies : [body]) if (one.up) one.node.tick()
  }

  private toggle(body: Body): void {
    if (this.bodies.filter(({ up }) => !up).length < 2) this.crash(body)
  }

  /** Cuts off somebody, rather the leader than not, or heals. */
  private isolate(): void {
    const leader = this.bodies.find(({ node, up }) => up && node.isLeader)
    if (this.isolated !== 0) this.isolated = this.draw(2) === 0 ? 0 : this.isolated
    else this.isolated = this.draw(2) === 0 && leader !== undefined ? leader.id : 1 + this.draw(this.bodies.length)
  }

  private propose(body: Body): void {
    if (!body.up) return
    try {
      body.node.propose(utf8(`p${this.names++}`))
    } catch (thrown) {
      if (!(thrown instanceof Error && 'code' in thrown)) throw thrown
    }
  }

  private read(body: Body): void {
    if (!body.up) return
    const name = `r${this.names++}`
    this.reads.set(name, this.lastApplied)
    body.node.readIndex(utf8(name))
  }

  private handOver(body: Body): void {
    if (body.up && body.node.isLeader) body.node.transferLeadership(1 + this.draw(this.bodies.length))
  }

  private change(body: Body): void {
    if (!body.up || !body.node.isLeader) return
    const steps: ConfChangeSingle[] = []
    for (let i = 0; i <= this.draw(2); i++) {
      const type = (['addNode', 'addNode', 'addLearner', 'removeNode'] as const)[
        this.draw(4)
      ] as ConfChangeSingle['type']
      steps.push({ type, nodeId: 1 + this.draw(this.bodies.length) })
    }
    const transition = (['auto', 'jointImplicit', 'jointExplicit'] as const)[this.draw(3)] ?? 'auto'
    const joint = body.node.status().config.outgoing.length > 0
    try {
      body.node.proposeConfChange({
        version: 2,
        transition: joint ? 'auto' : transition,
        changes: joint ? [] : steps,
        context: new Uint8Array(),
      })
    } catch (thrown) {
      if (!(thrown instanceof Error && 'code' in thrown)) throw thrown
    }
  }

  private compact(body: Body): void {
    if (!body.up || body.appliedIndex <= body.storage.snapshot().meta.index) return
    if (body.appliedIndex > body.storage.lastIndex()) return
    body.storage.createSnapshot(body.appliedIndex, body.confState, utf8(JSON.stringify(body.applied)))
    body.storage.compact(body.appliedIndex)
  }

  private send(messages: readonly Message[]): void {
    for (const message of messages) this.network.push({ message, starts: this.startsOf(message) })
  }

  /** Any message, not the oldest; sometimes it is lost, sometimes it stays for a second time. */
  private deliverOne(): void {
    if (this.network.length === 0) return
    const at = this.draw(this.network.length)
    const [envelope] = this.draw(20) === 0 ? [this.network[at]] : this.network.splice(at, 1)
    if (envelope === undefined || this.draw(12) === 0) return
    this.receive(envelope)
  }

  receive({ message, starts }: Envelope): void {
    const target = this.bodies[message.to - 1]
    if (message.to === this.isolated || message.from === this.isolated) return
    if (target === undefined || !target.up || starts !== this.startsOf(message)) return
    target.node.step(message)
  }

  /** Some piece of a node's own work; in asynchronous mode writes are under way for a while. */
  work(body: Body): void {
    if (!body.up) return
    const roll = this.draw(3)
    if (roll === 0 && body.appendWork.length > 0) this.append(body)
    else if (roll === 1 && body.applyWork.length > 0) this.applyWork(body)
    else if (body.node.hasReady()) this.handle(body)
  }

  private append(body: Body): void {
    const work = body.appendWork.shift()
    if (work === undefined) return
    this.persist(body, { term: work.term, vote: work.vote, commit: work.commit }, work.entries, work.snapshot)
    this.respond(body, work)
  }

  private applyWork(body: Body): void {
    const work = body.applyWork.shift()
    if (work === undefined) return
    for (const entry of work.entries) this.apply(body, entry)
    this.respond(body, work)
  }

  private respond(body: Body, work: Message): void {
    for (const m of work.responses) {
      if (m.to === body.id) body.node.step(m)
      else this.send([m])
    }
  }

  private handle(body: Body): void {
    const ready = body.node.ready()
    const async = this.settings.options.asyncStorageWrites ?? false
    for (const { context, index } of ready.readStates) this.answer(text(context), index)
    if (async) {
      this.route(body, ready.messages)
      return
    }
    if (this.draw(300) === 0) {
      // Before the write: nothing of it has happened, nothing was sent.
      this.crash(body)
      return
    }
    this.persist(body, ready.hardState, ready.entries, ready.snapshot)
    if (this.draw(300) === 0) {
      this.crash(body)
      return
    }
    this.send(ready.messages)
    for (const entry of ready.committedEntries) this.apply(body, entry)
    body.node.advance()
  }

  private route(body: Body, messages: readonly Message[]): void {
    for (const m of messages) {
      if (!isLocalTarget(m.to)) this.send([m])
      else if (m.type === 'MsgStorageAppend') body.appendWork.push(m)
      else body.applyWork.push(m)
    }
  }

  private persist(
    body: Body,
    state: HardState | undefined,
    entries: readonly Entry[],
    snapshot: Snapshot | undefined,
  ): void {
    if (state !== undefined && !isEmptyHardState(state)) body.storage.setHardState(state)
    if (snapshot !== undefined && body.storage.applySnapshot(snapshot)) {
      body.applied = JSON.parse(text(snapshot.data)) as string[]
      body.appliedIndex = snapshot.meta.index
      body.confState = snapshot.meta.confState
    }
    body.storage.append(entries)
  }

  private apply(body: Body, entry: Entry): void {
    // A snapshot may overtake entries that were handed out before it.
    if (entry.index <= body.appliedIndex && (this.settings.options.asyncStorageWrites ?? false)) return
    // State machine safety: nobody applies another entry at the same index. And in order, without gaps.
    if (entry.index !== body.appliedIndex + 1)
      throw new Error(`${body.id} applied ${entry.index} after ${body.appliedIndex}`)
    const known = this.history.get(entry.index)
    if (known !== undefined && !same(known, entry)) throw new Error(`two entries were applied at ${entry.index}`)
    this.history.set(entry.index, entry)
    this.lastApplied = Math.max(this.lastApplied, entry.index)
    body.appliedIndex = entry.index
    const change = confChangeOf(entry)
    if (change !== undefined) body.confState = body.node.applyConfChange(asV2(change))
    else if (entry.data.length > 0) body.applied.push(text(entry.data))
  }

  private answer(name: string, index: number): void {
    const atLeast = this.reads.get(name)
    if (atLeast !== undefined && index < atLeast)
      throw new Error(`a read was answered at ${index}, ${atLeast} was applied before`)
    this.answered++
  }

  /** Election safety, and leader completeness at the moment of election. */
  private check(atOnce = true): void {
    for (const { id, node, up } of this.bodies) {
      if (!up || !node.isLeader) continue
      const before = this.leaders.get(node.term)
      if (before !== undefined && before !== id)
        throw new Error(`two leaders in term ${node.term}: ${before} and ${id}`)
      if (before !== undefined) continue
      this.leaders.set(node.term, id)
      const { lastIndex } = node.basicStatus()
      if (atOnce && lastIndex <= this.lastApplied)
        throw new Error(`leader ${id} of term ${node.term} lacks ${this.lastApplied}`)
    }
  }

  /** Log matching: logs with the same term at an index are equal up to it. */
  checkLogs(): void {
    for (const a of this.bodies) {
      for (const b of this.bodies) if (a.id < b.id) this.checkPair(a.storage, b.storage)
    }
  }

  private checkPair(a: MemoryStorage, b: MemoryStorage): void {
    const lo = Math.max(a.firstIndex(), b.firstIndex())
    const hi = Math.min(a.lastIndex(), b.lastIndex())
    let matched = false
    for (let index = hi; index >= lo; index--) {
      const [one] = a.entries(index, index + 1, 1) as Entry[]
      const [other] = b.entries(index, index + 1, 1) as Entry[]
      if (one === undefined || other === undefined) return
      if (matched && !same(one, other)) throw new Error(`logs match above ${index} but not there`)
      if (one.term === other.term) matched = true
    }
  }

  /** A calm time: everybody is up, nothing is lost. Returns whether all voters agree on a new entry within it. */
  calm(rounds: number): boolean {
    this.isolated = 0
    for (const body of this.bodies) body.up = true
    for (let round = 0; round < rounds; round++) {
      for (const body of this.bodies) body.node.tick()
      for (let i = 0; i < 40; i++) {
        for (const body of this.bodies) this.drain(body)
        for (const envelope of this.network.splice(0)) this.receive(envelope)
      }
      this.check(false)
      if (round % 5 === 4 && this.converged()) return true
      const leader = this.bodies.find(({ node }) => node.isLeader)
      if (leader !== undefined && round % 10 === 9) this.reportLostSnapshots(leader)
      if (leader !== undefined && round % 5 === 0) {
        if (leader.node.status().config.outgoing.length > 0) this.change(leader)
        this.propose(leader)
      }
    }
    return this.converged()
  }

  /** The driver's part: whoever still waits for a snapshot did not get it. */
  private reportLostSnapshots(leader: Body): void {
    for (const [id, { state }] of leader.node.status().progress) {
      if (state === 'snapshot') leader.node.reportSnapshot(id, 'failed')
    }
  }

  private drain(body: Body): void {
    while (body.appendWork.length > 0) this.append(body)
    while (body.applyWork.length > 0) this.applyWork(body)
    while (body.node.hasReady()) {
      const ready = body.node.ready()
      for (const { context, index } of ready.readStates) this.answer(text(context), index)
      const async = this.settings.options.asyncStorageWrites ?? false
      if (!async) this.persist(body, ready.hardState, ready.entries, ready.snapshot)
      this.route(body, ready.messages)
      if (!async) {
        for (const entry of ready.committedEntries) this.apply(body, entry)
        body.node.advance()
      }
      while (body.appendWork.length > 0) this.append(body)
      while (body.applyWork.length > 0) this.applyWork(body)
    }
  }

  private converged(): boolean {
    const leader = this.bodies.filter(({ node }) => node.isLeader).sort((a, b) => b.node.term - a.node.term)[0]
    if (leader === undefined) return false
    const { config, hardState, lastIndex } = leader.node.status()
    if (config.outgoing.length > 0 || hardState.commit !== lastIndex) return false
    const members = this.bodies.filter(({ id }) => config.incoming.includes(id))
    return members.every(
      ({ appliedIndex, applied }) => appliedIndex === lastIndex && applied.join() === leader.applied.join(),
    )
  }
}
