/** The gauges of a group, set once a tick. */
import type { Metrics } from '../../base/index.ts'
import type { SoftState } from '../../consensus/index.ts'
import type { Group } from './group.ts'
import type { Links } from './links.ts'

/** Totals as last told, so that counters get what was added since. */
export interface ToldTotals {
  commands: number
  failed: number
  sentBytes: number
  receivedBytes: number
  watchEvents: number
  timesLeft: number
}

/** Totals of which nothing has been told yet. */
export function nothingTold(): ToldTotals {
  return { commands: 0, failed: 0, sentBytes: 0, receivedBytes: 0, watchEvents: 0, timesLeft: 0 }
}

/** Sets every gauge that follows from the group's state, and brings its counters up to date. */
export function setGauges(group: Group, metrics: Metrics, links: Links, told: ToldTotals): void {
  metrics.add('nitrostate_server_commands_total', group.applier.commands - told.commands)
  metrics.add('nitrostate_server_proposals_failed_total', group.proposals.failed - told.failed)
  metrics.add('nitrostate_network_peer_sent_bytes_total', links.sentBytes - told.sentBytes)
  metrics.add('nitrostate_network_peer_received_bytes_total', links.receivedBytes - told.receivedBytes)
  const { watches } = group
  metrics.add('nitrostate_watch_events_total', watches.events - told.watchEvents)
  metrics.add('nitrostate_watch_left_behind_total', watches.timesLeft - told.timesLeft)
  metrics.set('nitrostate_watch_watchers', watches.watchers)
  metrics.set('nitrostate_watch_left_behind', watches.left)
  told.watchEvents = watches.events
  told.timesLeft = watches.timesLeft
  told.commands = group.applier.commands
  told.failed = group.proposals.failed
  told.sentBytes = links.sentBytes
  told.receivedBytes = links.receivedBytes
  metrics.set('nitrostate_server_proposals_pending', group.intake.pending)
  metrics.set('nitrostate_network_peers_connected', links.connectedCount)
  metrics.set('nitrostate_server_proposals_committed_index', group.driver.core.basicStatus().hardState.commit)
  const { machine } = group.applier
  if (machine === undefined) return
  metrics.set('nitrostate_server_proposals_applied_index', machine.appliedIndex)
  metrics.set('nitrostate_store_keys', machine.keyCount)
  metrics.set('nitrostate_store_revision', machine.revision)
  metrics.set('nitrostate_store_sessions', machine.sessionCount)
  metrics.set('nitrostate_store_leases', machine.leaseCount)
}

/** Sets the gauges of role, leader and term, when one of them changed. */
export function setRoleGauges(metrics: Metrics, state: SoftState, term: number): void {
  metrics.set('nitrostate_server_has_leader', state.lead === 0 ? 0 : 1)
  metrics.set('nitrostate_server_is_leader', state.role === 'leader' ? 1 : 0)
  metrics.set('nitrostate_server_term', term)
}
