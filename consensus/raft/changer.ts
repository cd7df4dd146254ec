/**
 * The arithmetic of membership: from one configuration and a change to the next, or to the reason why not.
 *
 * ```
 *   (1 2 3)          --simple v4-->        (1 2 3 4)
 *   (1 2 3)          --enterJoint v4 r1--> (2 3 4)&&(1 2 3)  --leaveJoint--> (2 3 4)
 *   (1 2 3)          --enterJoint l3-->    (1 2)&&(1 2 3) learners_next=(3)
 *                                          --leaveJoint--> (1 2) learners=(3)
 * ```
 *
 * Nothing is changed in place. A refusal is a value: it depends only on configuration and change, so every node of a
 * group that applies the same log refuses the same changes.
 */
import { assert } from '../../base/index.ts'
import { isLeaveJoint, jointModeOf } from './confchange.ts'
import type { ConfChangeSingle, ConfChangeV2 } from './confchange.ts'
import { Inflights } from './inflights.ts'
import { Progress } from './progress.ts'
import { sortedIds } from './tracker.ts'
import type { Configuration, ProgressMap } from './tracker.ts'
import type { ConfState, Index, NodeId } from './types.ts'

/** What a change starts from. */
export interface ChangeBase {
  readonly config: Configuration
  readonly progress: ProgressMap
  /** A new member is probed from here. */
  readonly lastIndex: Index
  readonly maxInflight: number
  readonly maxInflightBytes: number
}

/** The next configuration, or why there is none. */
export type ChangeResult =
  | { readonly ok: true; readonly config: Configuration; readonly progress: ProgressMap }
  | { readonly ok: false; readonly refused: string }

const refuse = (refused: string): ChangeResult => ({ ok: false, refused })

/** The configuration while it is being edited. */
class Draft {
  readonly incoming: Set<NodeId>
  outgoing: Set<NodeId>
  readonly learners: Set<NodeId>
  learnersNext: Set<NodeId>
  autoLeave: boolean
  readonly progress: ProgressMap = new Map()
  readonly base: ChangeBase

  constructor(base: ChangeBase) {
    this.base = base
    this.incoming = new Set(base.config.incoming)
    this.outgoing = new Set(base.config.outgoing)
    this.learners = new Set(base.config.learners)
    this.learnersNext = new Set(base.config.learnersNext)
    this.autoLeave = base.config.autoLeave
    for (const [id, progress] of base.progress) this.progress.set(id, progress.clone())
  }

  get joint(): boolean {
    return this.outgoing.size > 0
  }

  apply(changes: readonly ConfChangeSingle[]): string {
    for (const change of changes) {
      // Node 0 marks a step that the application struck out.
      if (change.nodeId === 0) continue
      if (change.type === 'addNode') this.makeVoter(change.nodeId)
      else if (change.type === 'addLearner') this.makeLearner(change.nodeId)
      else if (change.type === 'removeNode') this.remove(change.nodeId)
    }
    return this.incoming.size === 0 ? 'removed all voters' : ''
  }

  private makeVoter(id: NodeId): void {
    const progress = this.progress.get(id)
    if (progress === undefined) {
      this.incoming.add(id)
      this.track(id, false)
      return
    }
    progress.isLearner = false
    this.learners.delete(id)
    this.learnersNext.delete(id)
    this.incoming.add(id)
  }

  private makeLearner(id: NodeId): void {
    const progress = this.progress.get(id)
    if (progress === undefined) {
      this.learners.add(id)
      this.track(id, true)
      return
    }
    if (progress.isLearner) return
    this.remove(id)
    this.progress.set(id, progress)
    if (this.outgoing.has(id)) {
      // Still a voter of the outgoing half: it becomes a learner when the joint configuration is left.
      this.learnersNext.add(id)
    } else {
      progress.isLearner = true
      this.learners.add(id)
    }
  }

  private remove(id: NodeId): void {
    if (!this.progress.has(id)) return
    this.incoming.delete(id)
    this.learners.delete(id)
    this.learnersNext.delete(id)
    if (!this.outgoing.has(id)) this.progress.delete(id)
  }

  private track(id: NodeId, isLearner: boolean): void {
    const { lastIndex, maxInflight, maxInflightBytes } = this.base
    const progress = new Progress(Math.max(lastIndex, 1), isLearner, new Inflights(maxInflight, maxInflightBytes))
    // Without this a quorum check could depose the leader before the new member had a chance to answer.
    progress.recentActive = true
    this.progress.set(id, progress)
  }

  finish(): ChangeResult {
    this.check()
    const config: Configuration = {
      incoming: sortedIds(this.incoming),
      outgoing: sortedIds(this.outgoing),
      learners: sortedIds(this.learners),
      learnersNext: sortedIds(this.learnersNext),
      autoLeave: this.autoLeave,
    }
    return { ok: true, config, progress: this.progress }
  }

  /** The invariants of {@link Configuration}; a violation is a bug of this file. */
  private check(): void {
    for (const ids of [this.incoming, this.outgoing, this.learners, this.learnersNext]) {
      for (const id of ids) assert(this.progress.has(id), () => `no progress for ${id}`)
    }
    for (const id of this.learnersNext) {
      assert(this.outgoing.has(id), () => `${id} is staged as a learner but is no outgoing voter`)
      assert(this.progress.get(id)?.isLearner === false, () => `${id} is staged and already a learner`)
    }
    for (const id of this.learners) {
      assert(!this.outgoing.has(id) && !this.incoming.has(id), () => `${id} is learner and voter`)
      assert(this.progress.get(id)?.isLearner === true, () => `${id} is a learner but not marked so`)
    }
    if (!this.joint) assert(this.learnersNext.size === 0 && !this.autoLeave, 'leftovers of a joint configuration')
  }
}

/** Changes at most one voter, and any number of learners, in one step. */
export function changeSimple(base: ChangeBase, changes: readonly ConfChangeSingle[]): ChangeResult {
  const draft = new Draft(base)
  if (draft.joint) return refuse("can't apply simple config change in joint config")
  const refused = draft.apply(changes)
  if (refused !== '') return refuse(refused)
  if (votersChanged(base.config.incoming, draft.incoming) > 1) {
    return refuse('more than one voter changed without entering joint config')
  }
  return draft.finish()
}

/** Copies the voters to the outgoing half and applies the changes to the incoming one. */
export function enterJoint(base: ChangeBase, autoLeave: boolean, changes: readonly ConfChangeSingle[]): ChangeResult {
  const draft = new Draft(base)
  if (draft.joint) return refuse('config is already joint')
  if (draft.incoming.size === 0) return refuse("can't make a zero-voter config joint")
  draft.outgoing = new Set(draft.incoming)
  const refused = draft.apply(changes)
  if (refused !== '') return refuse(refused)
  draft.autoLeave = autoLeave
  return draft.finish()
}

/** Drops the outgoing half; staged learners become learners, members of neither half are forgotten. */
export function leaveJoint(base: ChangeBase): ChangeResult {
  const draft = new Draft(base)
  if (!draft.joint) return refuse("can't leave a non-joint config")
  for (const id of draft.learnersNext) {
    draft.learners.add(id)
    const progress = draft.progress.get(id)
    if (progress !== undefined) progress.isLearner = true
  }
  draft.learnersNext = new Set()
  for (const id of draft.outgoing) {
    if (!draft.incoming.has(id) && !draft.learners.has(id)) draft.progress.delete(id)
  }
  draft.outgoing = new Set()
  draft.autoLeave = false
  return draft.finish()
}

/** Applies a committed or proposed change in the way it asks for. */
export function applyChange(base: ChangeBase, change: ConfChangeV2): ChangeResult {
  if (isLeaveJoint(change)) return leaveJoint(base)
  const mode = jointModeOf(change)
  if (mode === 'simple') return changeSimple(base, change.changes)
  return enterJoint(base, mode === 'autoLeave', change.changes)
}

/**
 * Rebuilds configuration and progress from their persistent form, on top of an empty `base`. A joint state is rebuilt
 * by first making the outgoing half, then entering the joint configuration with the steps that lead to the incoming one.
 */
export function restoreConfiguration(base: ChangeBase, state: ConfState): ChangeResult {
  const add = (ids: readonly NodeId[], type: ConfChangeSingle['type']): ConfChangeSingle[] =>
    ids.map((nodeId) => ({ type, nodeId }))
  const incoming = [
    ...add(state.votersOutgoing, 'removeNode'),
    ...add(state.voters, 'addNode'),
    ...add(state.learners, 'addLearner'),
    ...add(state.learnersNext, 'addLearner'),
  ]
  const joint = state.votersOutgoing.length > 0
  let current: ChangeBase = base
  for (const step of joint ? add(state.votersOutgoing, 'addNode') : incoming) {
    const result = changeSimple(current, [step])
    if (!result.ok) return result
    current = { ...base, config: result.config, progress: result.progress }
  }
  if (!joint) return { ok: true, config: current.config, progress: current.progress }
  return enterJoint(current, state.autoLeave, incoming)
}

function votersChanged(before: readonly NodeId[], after: ReadonlySet<NodeId>): number {
  let common = 0
  for (const id of before) if (after.has(id)) common++
  return before.length + after.size - 2 * common
}
