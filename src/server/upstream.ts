/** The node's public surface as the server uses it, until the node's own module stands. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger, Metrics, NitroError } from '../../base/index.ts'
import type { Admin, NodeStatus, Programs, Store } from '../api/index.ts'

/** A program as the server passes it on. */
export interface Program {
  readonly name: string
  readonly version: number
  readonly methods: Readonly<Record<string, unknown>>
}

/** What openNode takes. */
export interface NodeOptions {
  readonly name?: string
  readonly dataDir?: string
  readonly listen?: string
  readonly advertise?: string
  readonly peers?: Readonly<Record<string, string>>
  readonly join?: readonly string[]
  readonly learner?: boolean
  readonly insecure?: boolean
  readonly programs?: readonly Program[]
  readonly logger?: Logger
  readonly metrics?: Metrics
  readonly http?: (request: IncomingMessage, response: ServerResponse) => void
  readonly electionTimeoutMs?: number
  readonly tickMs?: number
}

/** A running node. */
export interface Node {
  readonly store: Store
  readonly programs: Programs
  readonly admin: Admin
  readonly address: string
  status(): NodeStatus
  ready(): Promise<void>
  readonly stopped: Promise<NitroError | undefined>
  close(options?: { transfer?: boolean }): Promise<void>
}

/** Opens a node. */
export async function openNode(options: NodeOptions): Promise<Node> {
  const path = '../node/index.ts'
  const module = (await import(path)) as { openNode(options: NodeOptions): Promise<Node> }
  return module.openNode(options)
}
