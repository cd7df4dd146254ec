/** An operator who changes the members while everything else happens: one change after the other, each carried through. */
import { isNitroError, messageOf } from '../../base/index.ts'
import type { Admin } from '../api/index.ts'
import type { Cluster, ClusterClient } from './cluster.ts'
import { addressOf } from './member.ts'
import type { SeededRandom } from './random.ts'

/** Members there are at most and at least, between changes. */
const sizeMax = 4
const sizeMin = 3

/** Adds, promotes and removes members. */
export class Operator {
  /** Whether a change is under way. */
  busy = false
  /** Changes carried through. */
  changes = 0
  private readonly cluster: Cluster
  private readonly random: SeededRandom
  private readonly process: ClusterClient
  private next: number
  private ended = false
  /** The change under way, and why it was last refused. */
  doing = ''
  lastError = ''

  constructor(cluster: Cluster) {
    this.cluster = cluster
    this.random = cluster.random.split('operator')
    this.process = cluster.client('operator')
    this.next = cluster.names.length + 1
  }

  /** Begins to change members, until {@link end}. */
  async begin(): Promise<void> {
    while (!this.ended) {
      this.busy = true
      if (this.cluster.names.length >= sizeMax) await this.remove()
      else if (this.cluster.names.length <= sizeMin || this.random.chance(0.5)) await this.add(`n${this.next++}`)
      else await this.remove()
      this.changes++
      this.busy = false
      await this.sleep(this.random.between(50, 800))
    }
  }

  /** No further change; one that is under way is carried through. */
  end(): void {
    this.ended = true
  }

  private async add(name: string): Promise<void> {
    this.doing = `adding ${name}`
    await this.persist((admin) => admin.addMember(name, addressOf(name), { timeoutMs: 2_000 }), 'MemberExists')
    this.cluster.add(name)
    this.cluster.start(name)
    this.doing = `waiting for the promotion of ${name}`
    await this.persist((admin) => checkVoter(admin, name), 'none')
  }

  private async remove(): Promise<void> {
    const name = this.random.pick(this.cluster.names)
    this.doing = `removing ${name}`
    // It ends by itself, and may do so before the answer is here.
    this.cluster.release(name)
    await this.persist((admin) => admin.removeMember(name, { timeoutMs: 2_000 }), 'MemberUnknown')
    await this.sleep(this.random.between(0, 2_000))
    this.cluster.crash(name)
  }

  /** Asks one node after the other until the change is made; `done` says that an earlier try had made it. */
  private async persist(change: (admin: Admin) => Promise<void>, done: string): Promise<void> {
    for (;;) {
      const node = this.cluster.node(this.random.pick(this.cluster.names))
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
  private within(answer: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.process.life.scheduler.after(4_000, () => reject(new Error('no answer')))
      answer.then(resolve, reject)
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
  const role = members.find((member) => member.name === name)?.role
  if (role !== 'voter') throw new Error(`${name} is ${role ?? 'no member'}`)
}
