/** Links between processes: the transport port and its two implementations, the handshake, sessions, dialing. */
export { type Address, formatAddress, isLoopback, parseAddress } from './address.ts'
export { Dialer, type DialerOptions, isPermanentRefusal } from './dialer.ts'
export { acceptSession, type AcceptOptions, connectSession, type ConnectOptions, verifyPeer } from './handshake.ts'
export {
  type Channel,
  clientHello,
  commonVersion,
  decodeHandshake,
  encodeHello,
  encodeRefusal,
  firstFreeKind,
  frameKinds,
  type HandshakeFrame,
  type Hello,
  maxHelloBytes,
  protocolVersions,
  type Role,
} from './hello.ts'
export { MemoryNetwork, type MemoryNetworkOptions, type PartitionMode } from './memory.ts'
export { Session, type SessionHandlers } from './session.ts'
export {
  defaultLinkLimits,
  type DialOptions,
  type Link,
  type LinkHandlers,
  type LinkLimits,
  type Listener,
  type Transport,
} from './transport.ts'
export { type Http2Handler, type HttpHandler, linkPath, wsTransport, type WsTransportOptions } from './ws.ts'
