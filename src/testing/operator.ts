/**
 * An operator at work while everything else happens: one task after the other, each carried through. Members that are lost
 * for good are replaced first; the rest is drawn.
 */
import { isNitroError, messageOf } from '../../base/index.ts'
import type { Admin } from '../api/index.ts'
import type { ClusterClient } from './cluster-options.ts'
import type { Cluster } from './cluster.ts'
import type { Atlas } from './faults/atlas.ts'
import type { Knobs } from './knobs.ts'
import { addressOf } from './member.ts'
import type { SeededRandom } from './random.ts'

/** Members there are at most and at least, between changes. */
const sizeMax = 4
const sizeMin = 3

const restStepMs = 500

/** A snapshot that was saved. */
export interface SavedSnapshot {
  readonly chunks: readonly Uint8Array[]
  /** The revision of the state in it lies between what the node said before and after. */
  readonly revisionMin: number
  readonly revisionMax: number
}

/** Operates a cluster. */
export class Operator {
  /** Whether a task is under way. */
  busy = false
  /** Changes of members carried through. */
  changes = 0
  saved: SavedSnapshot | undefined
  /** The task under way, and why it was last refused. */
  doing = ''
  lastError = ''
  private readonly cluster: Cluster
  private readonly atlas: Atlas
  private readonly knobs: Knobs
  private readonly random: SeededRandom
  private readonly process: ClusterClient
  private next: number
  private ended = false

  constructor(cluster: Cluster, atlas: Atlas, knobs: Knobs) {
    this.cluster = cluster
    this.atlas = atlas
    this.knobs = knobs
    this.random = cluster.random.split('operator')
    this.process = cluster.client('operator')
    this.next = cluster.names.length + 1
  }

  /** Does one task after the other, until {@link end}; then what is lost is still replaced. */
  async begin(): Promise<void> {
    for (;;) {
      await this.rest(this.random.between(...this.knobs.operatorPauseMs))
      await this.mend()
      if (this.ended) return
      this.busy = true
      await this.anyTask()
      this.busy = false
    }
  }

  /** Replaces every member that is lost, unless something else is under way: then that comes first. */
  async mend(): Promise<void> {
    if (this.busy) return
    this.busy = true
    for (const name of this.cluster.ruined) await this.replace(name)
    this.busy = false
  }

  /** Waits, but not longer than until {@link end}. */
  private async rest(ms: number): Promise<void> {
    const { time } = this.cluster
    const untilMs = time.nowMs + ms
    while (!this.ended && time.nowMs < untilMs) await this.sleep(Math.min(restStepMs, untilMs - time.nowMs))
  }

  /** No further task; one that is under way is carried through. */
  end(): void {
    this.ended = true
  }

  /** Whether nothing is under way and nothing is left that must be done. */
  get idle(): boolean {
    return !this.busy && this.cluster.ruined.size === 0
  }

  private async anyTask(): Promise<void> {
    const dice = this.random.between(0, 1)
    if (this.knobs.reconfigure && dice < 0.5) await this.changeMembers()
    else if (dice < 0.65) await this.transfer()
    else if (dice < 0.85) await this.saveSnapshot()
    else await this.rollingRestart()
  }

  private note(what: string): void {
    this.doing = what
    this.cluster.note('operator', what)
  }

  // ---- members

  /** Until the cluster is founded, and while something is damaged, an operator keeps their hands off the members. */
  private async changeMembers(): Promise<void> {
    if (!this.atlas.founded || this.atlas.broken().length > 0) return
    this.atlas.changing = true
    const { names } = this.cluster
    if (names.length < sizeMax && (names.length <= sizeMin || this.random.chance(0.5)))
      await this.add(`n${this.next++}`)
    else if (this.random.chance(0.7)) await this.remove()
    else await this.replaceHealthy()
    this.changes++
    this.atlas.changing = false
  }

  private async add(name: string): Promise<void> {
    this.note(`adds ${name}`)
    await this.persist((admin) => admin.addMember(name, addressOf(name), { timeoutMs: 2_000 }), 'MemberExists')
    this.cluster.add(name)
    this.cluster.start(name)
    await this.promotion(name)
    this.cluster.coverage.hit('operator: member added')
  }

  private async promotion(name: string): Promise<void> {
    this.note(`waits for the promotion of ${name}`)
    await this.persist((admin) => checkVoter(admin, name), 'none')
  }

  private async remove(): Promise<void> {
    const name = this.random.pick(this.cluster.names)
    this.note(`removes ${name}`)
    // It ends by itself, and may do so before the answer is here.
    this.cluster.release(name)
    await this.persist((admin) => admin.removeMember(name, { timeoutMs: 2_000 }), 'MemberUnknown')
    await this.sleep(this.random.between(0, 2_000))
    this.cluster.crash(name)
    this.cluster.coverage.hit('operator: member removed')
  }

  private async replaceHealthy(): Promise<void> {
    const name = this.random.pick(this.cluster.names)
    this.note(`takes ${name} out of service`)
    this.cluster.wipe(name)
    await this.replace(name)
    this.atlas.changing = true
    this.cluster.coverage.hit('operator: member replaced')
  }

  /** A member whose log or identity is lost gives way to a new process of its name. */
  private async replace(name: string): Promise<void> {
    if (!this.cluster.names.includes(name)) {
      this.cluster.ruined.delete(name)
      return
    }
    this.note(`replaces ${name}`)
    this.atlas.changing = true
    this.cluster.crash(name)
    // Done twice it would only take out the place that was made before: nobody has claimed that one.
    await this.persist((admin) => admin.replaceMember(name, undefined, { timeoutMs: 2_000 }), 'none', name)
    this.cluster.replace(name)
    await this.promotion(name)
    this.atlas.changing = false
    this.cluster.coverage.hit('repair: member replaced after damage')
  }

  // ---- the rest

  private async transfer(): Promise<void> {
    const to = this.random.chance(0.5) ? undefined : this.random.pick(this.cluster.names)
    this.note(`asks ${to ?? 'anyone'} to lead`)
    const { admin } = this.cluster.node(this.random.pick(this.cluster.names)) ?? {}
    if (admin === undefined) return
    try {
      await this.within(admin.transferLeadership(to, { timeoutMs: 2_000 }))
      this.cluster.coverage.hit('operator: transfer')
    } catch (error) {
      this.lastError = messageOf(error)
    }
  }

  private async saveSnapshot(): Promise<void> {
    const node = this.cluster.node(this.random.pick(this.cluster.names))
    if (node === undefined) return
    this.note(`saves a snapshot of ${node.status().name}`)
    const revisionMin = node.status().revision
    const chunks: Uint8Array[] = []
    const read = async (): Promise<void> => {
      for await (const chunk of node.admin.snapshot()) chunks.push(chunk.slice())
    }
    try {
      await this.within(read())
      // A node that came to repair its state meanwhile can't tell.
      const { revision } = node.status()
      this.saved = { chunks, revisionMin, revisionMax: revision === 0 ? Number.MAX_SAFE_INTEGER : revision }
      this.cluster.coverage.hit('operator: snapshot saved')
    } catch (error) {
      this.lastError = messageOf(error)
    }
  }

  /** One node after the other is stopped and started, as for an upgrade, and given some time to come back. */
  private async rollingRestart(): Promise<void> {
    this.note('restarts one node after the other')
    for (const name of this.cluster.names) {
      if (!this.cluster.names.includes(name)) continue
      this.cluster.stop(name)
      await this.sleep(this.random.between(50, 500))
      this.cluster.start(name)
      for (let tries = 0; tries < 20 && this.cluster.node(name)?.status().ready !== true; tries++) await this.sleep(100)
    }
    this.cluster.coverage.hit('operator: rolling restart')
  }

  /** Asks one node after the other until the change is made; `done` says that an earlier try had made it. */
  private async persist(change: (admin: Admin) => Promise<void>, done: string, except = ''): Promise<void> {
    for (;;) {
      const name = this.random.pick(this.cluster.names)
      const node = name === except ? undefined : this.cluster.node(name)
      try {
        if (node !== undefined) {
          await this.within(change(node.admin))
          return
        }
      } catch (error) {
        if (isNitroError(error) && error.code === done) return
        this.lastError = messageOf(error)
      }
      await this.sleep(this.random.between(20, 200))
    }
  }

  /** An answer that never comes, because its node was killed, is given up. */
  private within(answer: Promise<unknown>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.process.life.scheduler.after(4_000, () => reject(new Error('no answer')))
      answer.then(() => resolve(), reject)
    })
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.process.life.scheduler.after(ms, resolve)
    })
  }
}

/** A node that joined is promoted by the leader once it has caught up. */
async function checkVoter(admin: Admin, name: string): Promise<void> {
  const members = await admin.members({ timeoutMs: 2_000 })
  const { role, incarnation } = members.find((member) => member.name === name) ?? {}
  if (role !== 'voter' || incarnation === '') throw new Error(`${name} is ${role ?? 'no member'}`)
}
