/** The gauges of a group, set once a tick. */
import type { Metrics } from '../../base/index.ts'
import type { SoftState } from '../../consensus/index.ts'
import type { Group } from './group.ts'

/** Sets every gauge that follows from the group's state. */
export function setGauges(group: Group, metrics: Metrics, pending: number, peersConnected: number): void {
  metrics.set('nitrostate_server_proposals_pending', pending)
  metrics.set('nitrostate_network_peers_connected', peersConnected)
  metrics.set('nitrostate_server_proposals_committed_index', group.driver.core.basicStatus().hardState.commit)
  const { machine } = group.applier
  if (machine === undefined) return
  metrics.set('nitrostate_server_proposals_applied_index', machine.appliedIndex)
  metrics.set('nitrostate_store_keys', machine.keyCount)
  metrics.set('nitrostate_store_revision', machine.revision)
  metrics.set('nitrostate_store_sessions', machine.sessionCount)
}

/** Sets the gauges of role, leader and term, when one of them changed. */
export function setRoleGauges(metrics: Metrics, state: SoftState, term: number): void {
  metrics.set('nitrostate_server_has_leader', state.lead === 0 ? 0 : 1)
  metrics.set('nitrostate_server_is_leader', state.role === 'leader' ? 1 : 0)
  metrics.set('nitrostate_server_term', term)
}
