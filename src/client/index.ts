/** The client library. */
export { type Client, connect } from './client.ts'
export type { ClientPorts, ConnectOptions } from './options.ts'
