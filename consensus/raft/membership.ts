/**
 * Changing the members: which proposals are refused, and what happens when a configuration takes effect.
 */
import { applyChange } from './changer.ts'
import type { ChangeBase } from './changer.ts'
import { isLeaveJoint } from './confchange.ts'
import type { ConfChangeV2 } from './confchange.ts'
import { describeConfiguration } from './describe.ts'
import type { Raft } from './raft.ts'
import { releaseReads } from './read-index.ts'
import { broadcastAppend, maybeCommit, sendAppend } from './replication.ts'
import { trace } from './trace.ts'
import { confStateOf, isJoint } from './tracker.ts'
import type { Configuration, ProgressMap } from './tracker.ts'
import { hex, none } from './types.ts'
import type { ConfState } from './types.ts'

/** The present configuration as the start of a change. */
export function changeBase(raft: Raft): ChangeBase {
  const { config, progress, maxInflight, maxInflightBytes } = raft.tracker
  return { config, progress, lastIndex: raft.log.lastIndex(), maxInflight, maxInflightBytes }
}

/**
 * Why a proposed change must not enter the log now, or ''. At most one may be unapplied: then the configuration that the
 * change will meet is the present one, and it can be tried out here.
 */
export function refusalOf(raft: Raft, change: ConfChangeV2, pendingConfIndex: number): string {
  if (raft.config.disableConfChangeValidation) return ''
  const { applied } = raft.log
  if (pendingConfIndex > applied) {
    return `possible unapplied conf change at index ${pendingConfIndex} (applied to ${applied})`
  }
  const joint = isJoint(raft.tracker.config)
  const leaves = isLeaveJoint(change) || change.changes.length === 0
  if (joint && !leaves) return 'must transition out of joint config first'
  if (!joint && leaves) return 'not in joint state; refusing empty conf change'
  const tried = applyChange(changeBase(raft), change)
  return tried.ok ? '' : tried.refused
}

/**
 * Applies a committed change. One that is impossible changes nothing; that depends on the log alone, so all nodes agree.
 */
export function applyConfChange(raft: Raft, change: ConfChangeV2): ConfState {
  // A snapshot overtook the entry while it was waiting to be applied: its configuration, which is in force, is newer.
  if (raft.log.unstable.snapshot !== undefined) return confStateOf(raft.tracker.config)
  const result = applyChange(changeBase(raft), change)
  if (!result.ok) {
    raft.config.logger?.('warn', `${hex(raft.id)} ignored an impossible conf change: ${result.refused}`)
    return confStateOf(raft.tracker.config)
  }
  trace(raft, 'ApplyConfChange')
  return switchToConfiguration(raft, result.config, result.progress)
}

/** Puts a configuration in force, with all that follows for a leader. */
export function switchToConfiguration(raft: Raft, config: Configuration, progress: ProgressMap): ConfState {
  raft.tracker.switchTo(config, progress)
  raft.config.logger?.('info', `${hex(raft.id)} switched to configuration ${describeConfiguration(config)}`)
  const state = confStateOf(config)
  const own = progress.get(raft.id)
  raft.isLearner = own?.isLearner ?? false
  if (raft.role !== 'leader') return state
  // Echoes of the old members prove nothing about a majority of the new ones.
  raft.reads.suspect()
  if (own === undefined || own.isLearner) {
    if (raft.config.stepDownOnRemoval) raft.becomeFollower(raft.term, none)
    return state
  }
  if (config.incoming.length === 0) return state
  if (maybeCommit(raft)) {
    // The new quorum needs less.
    releaseReads(raft)
    broadcastAppend(raft)
  } else {
    // New members need not wait for a heartbeat.
    for (const id of raft.tracker.ids) if (id !== raft.id) sendAppend(raft, id, false)
  }
  if (raft.leadTransferee !== none && !raft.tracker.voters.includes(raft.leadTransferee)) raft.abortTransfer()
  return state
}
