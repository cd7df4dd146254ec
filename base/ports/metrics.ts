/**
 * Metrics as a port. Names are part of the public contract: `docs/reference/metrics.md` is tested against
 * {@link metricTable}. The server renders them in Prometheus text format.
 */

type Kind = 'counter' | 'gauge' | 'histogram'
type Row = readonly [kind: Kind, help: string]

/** Every metric there is; names carry their unit last. */
export const metricTable = {
  nitrostate_server_has_leader: ['gauge', '1 if this node knows a leader.'],
  nitrostate_server_is_leader: ['gauge', '1 if this node leads.'],
  nitrostate_server_leader_changes_total: ['counter', 'Leader changes seen.'],
  nitrostate_server_proposals_committed_index: ['gauge', 'Highest log index known committed.'],
  nitrostate_server_proposals_applied_index: ['gauge', 'Highest log index applied.'],
  nitrostate_server_proposals_pending: ['gauge', 'Commands waiting for their outcome.'],
  nitrostate_server_proposals_failed_total: ['counter', 'Commands that ended in an error.'],
  nitrostate_server_commands_total: ['counter', 'Commands applied by the machine.'],
  nitrostate_server_reads_total: ['counter', 'Queries answered, of every consistency.'],
  nitrostate_server_connections: ['gauge', 'Open client connections.'],
  nitrostate_server_term: ['gauge', 'Current term.'],
  nitrostate_disk_wal_fsync_duration_seconds: ['histogram', 'Time of one durable log write.'],
  nitrostate_disk_wal_bytes_total: ['counter', 'Bytes written to the log.'],
  nitrostate_disk_flush_duration_seconds: ['histogram', 'Time of one state flush.'],
  nitrostate_disk_durable_applied_index: ['gauge', 'Highest index whose effects are on disk.'],
  nitrostate_store_keys: ['gauge', 'Keys in the store.'],
  nitrostate_store_revision: ['gauge', 'Current revision.'],
  nitrostate_store_sessions: ['gauge', 'Sessions known to the machine.'],
  nitrostate_store_leases: ['gauge', 'Leases that have not ended.'],
  nitrostate_watch_watchers: ['gauge', 'Open watches.'],
  nitrostate_watch_left_behind: ['gauge', 'Watches that wait for their reader before they go on.'],
  nitrostate_watch_left_behind_total: ['counter', 'How often a watch had to wait for its reader.'],
  nitrostate_watch_events_total: ['counter', 'Events handed to watches, once for each watch.'],
  nitrostate_snapshots_sent_total: ['counter', 'Snapshots sent to peers.'],
  nitrostate_snapshots_received_total: ['counter', 'Snapshots received and installed.'],
  nitrostate_network_peer_sent_bytes_total: ['counter', 'Bytes sent to peers.'],
  nitrostate_network_peer_received_bytes_total: ['counter', 'Bytes received from peers.'],
  nitrostate_network_peers_connected: ['gauge', 'Peers with both links up.'],
  nitrostate_event_loop_lateness_seconds: ['histogram', 'How late ticks ran.'],
} as const satisfies Record<string, Row>

/** The name of a metric. */
export type MetricName = keyof typeof metricTable

/** Records measurements; never throws. */
export interface Metrics {
  /** Adds to a counter. */
  add(name: MetricName, amount?: number): void
  /** Sets a gauge. */
  set(name: MetricName, value: number): void
  /** Adds a sample to a histogram. */
  observe(name: MetricName, value: number): void
}

/** Drops everything. */
export const silentMetrics: Metrics = { add() {}, set() {}, observe() {} }
