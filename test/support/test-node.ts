/** A node as clients see one: a port that answers frames from a machine, with knobs for what may go wrong. */
import { NitroError, type Scheduler } from '../../base/index.ts'
import {
  acceptSession,
  clientHello,
  type Hello,
  type Link,
  type Listener,
  type Session,
  type Transport,
} from '../../net/index.ts'
import {
  type Call,
  type CallValue,
  CommandBatchWriter,
  decodeCall,
  encodeLeaderHint,
  encodeReply,
  forEachCommand,
  forEachQuery,
  frameKinds,
} from '../../src/wire/index.ts'
import type { MachineHost } from './machine-host.ts'

/** How a test node is set up. */
export interface TestNodeOptions {
  readonly name: string
  readonly address: string
  readonly transport: Transport
  readonly scheduler: Scheduler
  /** Shared by the nodes of one cluster. */
  readonly host: MachineHost
  readonly clusterId?: Uint8Array
  /** Refuses a client, or lets it in. */
  readonly refuse?: () => NitroError | undefined
  readonly hello?: Partial<Hello>
}

/** One listening node. */
export class TestNode {
  readonly sessions = new Set<Session>()
  /** Commands of each commands frame, in order. */
  readonly frames: number[] = []
  /** Names of the clients that came in, in order. */
  readonly clients: string[] = []
  calls: (call: Call, session: Session) => CallValue = () => null
  /** Commands are executed, but the answer is kept back. */
  silent = false
  private readonly options: TestNodeOptions
  private listener: Listener | undefined

  constructor(options: TestNodeOptions) {
    this.options = options
  }

  async open(): Promise<void> {
    const { transport, address } = this.options
    this.listener = await transport.listen(address, (link) => void this.accept(link).catch(() => undefined))
  }

  private async accept(link: Link): Promise<void> {
    const { scheduler, name, address, clusterId, refuse, hello } = this.options
    const mine: Hello = {
      ...clientHello(name, new Uint8Array(16).fill(name.charCodeAt(0))),
      role: 'peer',
      address,
      clusterId: clusterId ?? new Uint8Array(16).fill(1),
      ...hello,
    }
    const session = await acceptSession(link, { scheduler, timeoutMs: 1_000, answer: () => refuse?.() ?? mine })
    this.sessions.add(session)
    this.clients.push(session.remote.name)
    session.start({
      message: (kind, payload) => this.message(session, kind, payload),
      close: () => this.sessions.delete(session),
    })
  }

  private message(session: Session, kind: number, payload: Uint8Array): void {
    if (kind === frameKinds.commands) this.commands(session, payload)
    else if (kind === frameKinds.queries) this.queries(session, payload)
    else if (kind === frameKinds.call) this.call(session, decodeCall(payload))
  }

  private commands(session: Session, payload: Uint8Array): void {
    const results = new CommandBatchWriter()
    let count = 0
    forEachCommand(payload, (tag, bytes, start, end) => {
      count++
      results.add(tag, this.options.host.apply(bytes.subarray(start, end)))
    })
    this.frames.push(count)
    if (!this.silent) session.send(frameKinds.results, results.take())
  }

  private queries(session: Session, payload: Uint8Array): void {
    const results = new CommandBatchWriter()
    forEachQuery(payload, ({ tag, program, method, args }) => {
      results.add(tag, this.options.host.machine.query(program, method, args))
    })
    session.send(frameKinds.queryResults, results.take())
  }

  private call(session: Session, call: Call): void {
    try {
      const value = this.calls(call, session)
      if (value !== undefined) session.send(frameKinds.reply, encodeReply({ id: call.id, ok: true, value }))
    } catch (error) {
      if (!(error instanceof NitroError)) throw error
      session.send(frameKinds.reply, encodeReply({ id: call.id, ok: false, error }))
    }
  }

  /** Tells every client where the leader is. */
  hint(leader: string, leaving = false): void {
    for (const session of this.sessions) session.send(frameKinds.leaderHint, encodeLeaderHint({ leader, leaving }))
  }

  /** Breaks every connection. */
  hangUp(): void {
    for (const session of [...this.sessions]) session.close()
  }

  async close(): Promise<void> {
    await this.listener?.close()
  }
}
