/** The etcd v3 API over a node. */
export type { EtcdNode, EtcdNodeFor } from './backend.ts'
export { etcdGateway } from './gateway.ts'
export type { EtcdGateway, EtcdGatewayOptions } from './gateway.ts'
export { etcdVersion } from './maintenance.ts'
