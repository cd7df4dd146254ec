/** The client library. */
export { type Client, connect } from './client.ts'
export { type ErrorCode, isNitroError, NitroError } from '../../base/index.ts'
export type { ClientPorts, ConnectOptions } from './options.ts'
export { del, get, key, keys, put, range, txn } from '../store/index.ts'
