/**
 * Configuration changes as they are proposed, and what kind of transition each asks for.
 *
 * A v1 change is one step for one node. A v2 change is a list of steps that take effect together: directly when at most
 * one voter changes and the transition is `auto`, otherwise through a joint configuration (Raft dissertation, 4.3).
 */
import { emptyBytes } from '../../base/index.ts'
import type { NodeId } from './types.ts'

/** What happens to one node. `update` changes nothing in the core; it carries `context` to the application. */
export type ConfChangeType = 'addNode' | 'removeNode' | 'updateNode' | 'addLearner'

/** One step of a change. */
export interface ConfChangeSingle {
  readonly type: ConfChangeType
  readonly nodeId: NodeId
}

/** A change in the old form: exactly one step, never joint. */
export interface ConfChange {
  readonly version: 1
  readonly type: ConfChangeType
  readonly nodeId: NodeId
  /** For the application, which gets it back when the entry is applied. */
  readonly context: Uint8Array
}

/**
 * How to change over: `auto` goes through a joint configuration only if it must and leaves it by itself,
 * `jointImplicit` always goes through one and leaves it by itself, `jointExplicit` stays in it until told.
 */
export type Transition = 'auto' | 'jointImplicit' | 'jointExplicit'

/** A change of any number of nodes. With no changes and transition `auto` it asks to leave the joint configuration. */
export interface ConfChangeV2 {
  readonly version: 2
  readonly transition: Transition
  readonly changes: readonly ConfChangeSingle[]
  readonly context: Uint8Array
}

/** A proposed or committed change of the membership. */
export type AnyConfChange = ConfChange | ConfChangeV2

/** The change that leaves a joint configuration. */
export const leaveJointChange: ConfChangeV2 = Object.freeze({
  version: 2,
  transition: 'auto',
  changes: Object.freeze([]),
  context: emptyBytes,
})

/** Any change in the newer form. */
export function asV2(change: AnyConfChange): ConfChangeV2 {
  if (change.version === 2) return change
  const step: ConfChangeSingle = { type: change.type, nodeId: change.nodeId }
  return { version: 2, transition: 'auto', changes: [step], context: change.context }
}

/** Whether the change asks to leave a joint configuration. */
export function isLeaveJoint(change: ConfChangeV2): boolean {
  return change.transition === 'auto' && change.changes.length === 0
}

/** Whether, and how, the change goes through a joint configuration. */
export function jointModeOf(change: ConfChangeV2): 'simple' | 'autoLeave' | 'explicitLeave' {
  if (change.transition === 'auto') return change.changes.length > 1 ? 'autoLeave' : 'simple'
  return change.transition === 'jointImplicit' ? 'autoLeave' : 'explicitLeave'
}
