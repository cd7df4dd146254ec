/** A command line in a box: streams that are recorded, a clock that counts, a client over a store in memory. */
import { NitroError, concatBytes, text, utf8, type Clock, type Random, type Scheduler } from '../../base/index.ts'
import type { Client } from '../../src/client/index.ts'
import type { Admin, NodeStatus, Store } from '../../src/api/index.ts'
import { FakeStore } from './fake-store.ts'
import { type CliContext, type OutputStream, runCli } from '../../src/cli/index.ts'

export interface BoxOptions {
  readonly store?: Store
  readonly admin?: Partial<Admin>
  readonly input?: string | Uint8Array
  readonly environment?: Readonly<Record<string, string>>
  readonly terminal?: boolean
  readonly columns?: number
  /** Endpoints that cannot be reached. */
  readonly down?: readonly string[]
  /** A real node's, for commands that need more than keys. */
  readonly node?: Pick<Client, 'store' | 'leases' | 'session'> & Partial<Pick<Client, 'sync' | 'auth'>>
  readonly time?: Clock & Scheduler
  readonly runChild?: CliContext['runChild']
  /** Gets what a Ctrl-C calls. */
  readonly onInterrupt?: (interrupt: () => void) => void
}

export interface Outcome {
  readonly code: number
  readonly out: string
  readonly outBytes: Uint8Array
  readonly err: string
  /** Endpoints of each connection, in order. */
  readonly connections: readonly (readonly string[])[]
  /** Who each connection logs in as, with the password; empty for nobody. */
  readonly logins: readonly string[]
  readonly closed: number
}

export async function runBoxed(args: readonly string[], options: BoxOptions = {}): Promise<Outcome> {
  const out: Uint8Array[] = []
  const err: Uint8Array[] = []
  const connections: (readonly string[])[] = []
  const logins: string[] = []
  let closed = 0
  const context: CliContext = {
    environment: options.environment ?? {},
    stdout: recorder(out, options),
    stderr: recorder(err, { ...options, terminal: false }),
    stdin: { isTerminal: false, chunks: () => inputChunks(options.input ?? '') },
    colors: false,
    clock: options.time ?? countingClock(),
    scheduler: options.time ?? { after: () => ({ cancel() {} }), endOfTurn: (run) => queueMicrotask(run) },
    random: countingRandom(),
    mainPath: 'main.js',
    invocation: 'nitrostate',
    runChild: options.runChild ?? (() => Promise.reject(new Error('no children here'))),
    onInterrupt: (listener) => {
      options.onInterrupt?.(() => listener('SIGINT'))
      return () => {}
    },
    async connect({ endpoints, user, password }) {
      connections.push(endpoints)
      logins.push(user === undefined ? '' : `${user} ${password}`)
      const up = endpoints.find((endpoint) => !(options.down ?? []).includes(endpoint))
      if (up === undefined) throw new NitroError('Unavailable', `cannot reach ${endpoints.join(', ')}`)
      const close = async (): Promise<void> => void closed++
      return {
        store: options.node?.store ?? options.store ?? new FakeStore(),
        leases: options.node?.leases ?? unused(),
        session: options.node?.session ?? (() => Promise.reject(new Error('no sessions here'))),
        sync: options.node?.sync ?? unused(),
        programs: unused(),
        engine: unused(),
        admin: { ...unused<Admin>(), ...options.admin },
        auth: options.node?.auth ?? unused(),
        endpoint: up,
        close,
        [Symbol.asyncDispose]: close,
      }
    },
  }
  const code = await runCli(args, context)
  const outBytes = concatBytes(out)
  return { code, out: text(outBytes), outBytes, err: text(concatBytes(err)), connections, logins, closed }
}

export function nodeStatus(overrides: Partial<NodeStatus> = {}): NodeStatus {
  return {
    ...{ name: 'n1', id: 1, role: 'leader', version: '0.1.0', clusterId: 'c'.repeat(64), incarnation: 'a'.repeat(32) },
    ...{ address: '127.0.0.1:7401', term: 2, leader: 'n1', commitIndex: 10, appliedIndex: 10, durableAppliedIndex: 8 },
    ...{ firstIndex: 1, lastIndex: 10, revision: 5, keys: 3, sessions: 1, stateHash: 'f'.repeat(32), logBytes: 1000 },
    ...{ active: [], offered: [] },
    ...{ lateMs: 0, worstLateMs: 1, uptimeMs: 61_000, ready: true, waiting: '' },
    ...overrides,
  }
}

function recorder(chunks: Uint8Array[], { terminal = false, columns }: BoxOptions): OutputStream {
  return {
    isTerminal: terminal,
    columns,
    async write(chunk) {
      chunks.push(typeof chunk === 'string' ? utf8(chunk) : chunk)
    },
  }
}

/** Small chunks, so that lines and characters are cut in the middle. */
async function* inputChunks(input: string | Uint8Array): AsyncIterable<Uint8Array> {
  const bytes = typeof input === 'string' ? utf8(input) : input
  for (let at = 0; at < bytes.length; at += 5) yield bytes.subarray(at, at + 5)
}

function countingClock(): CliContext['clock'] {
  let now = 0
  return { monotonicMs: () => (now += 0.5), wallMs: () => 0 }
}

function countingRandom(): Random {
  let state = 1
  const u32 = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0)
  return { u32, bytes: (length) => Uint8Array.from({ length }, () => u32() >>> 24) }
}

function unused<T extends object>(): T {
  return {} as T
}
