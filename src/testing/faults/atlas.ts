/**
 * The atlas: which copies are good. Damage is placed so that a quorum of nodes keeps a good log and a good state, because
 * nothing could bring back what no quorum has. A node counts as broken from the moment of its damage until it is seen whole again:
 * ready after it was opened anew, or, where its log was hit, replaced and a voter.
 */
import type { Cluster } from '../cluster.ts'
import type { DamageRule } from '../knobs.ts'

interface Wound {
  readonly member: string
  /** The node's life then: one that is opening may have read the damaged place before. A later one has read it after. */
  readonly life: number
}

/** Knows the wounds of a cluster. */
export class Atlas {
  /** Set while members are changed, when nothing may be damaged. */
  changing = false
  private readonly cluster: Cluster
  private readonly rule: DamageRule
  private readonly wounds = new Map<string, Wound>()

  constructor(cluster: Cluster, rule: DamageRule) {
    this.cluster = cluster
    this.rule = rule
  }

  /** Whether the cluster was founded. Until then nothing can be lost: its founding list names the directory of every node. */
  get founded(): boolean {
    return this.cluster.watched.elections.terms > 0
  }

  /** Whether a node may be damaged now. */
  allows(name: string): boolean {
    return this.rule === 'any' || this.allowsLoss(name)
  }

  /** Whether a node may lose its directory: if all did, they would rightly form a new cluster. */
  allowsLoss(name: string): boolean {
    if (this.rule === 'none' || this.changing || !this.founded) return false
    const others = this.broken().filter((one) => one !== name)
    return others.length + 1 <= Math.floor((this.cluster.names.length - 1) / 2)
  }

  /** A node was damaged. */
  wounded(name: string): void {
    this.wounds.set(name, { member: name, life: this.cluster.member(name).lives })
  }

  /** Nodes that are damaged, ruined, or not yet seen whole. */
  broken(): string[] {
    for (const [name, wound] of this.wounds) if (this.healed(name, wound)) this.wounds.delete(name)
    return [...new Set([...this.wounds.keys(), ...this.cluster.ruined])]
  }

  private healed(name: string, { life }: Wound): boolean {
    if (!this.cluster.names.includes(name)) return true
    const member = this.cluster.member(name)
    const status = member.node?.status()
    if (this.cluster.ruined.has(name) || member.openedIn <= life || status === undefined) return false
    const whole = status.ready && status.appliedIndex > 0 && (status.role === 'leader' || status.role === 'follower')
    if (whole && member.ruin === 'maybe') member.ruin = 'no'
    return whole
  }
}
