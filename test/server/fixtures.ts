/** A node that does nothing but answer, and a process that only records. */
import { type NitroError, type Scheduler } from '../../base/index.ts'
import type { Engine, NodeAuth, NodePosition, NodeStatus } from '../../src/api/index.ts'
import type { EtcdNodeFor } from '../../src/gateway/etcd/index.ts'
import type { ServerHost } from '../../src/server/index.ts'
import type { ServedNode } from '../../src/server/server.ts'

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

/** What nobody asks a fake node for. */
function unused<T extends object>(): T {
  const get = (): never => {
    throw new Error('a fake node has only what it is asked for')
  }
  return new Proxy({} as T, { get })
}

export class FakeNode implements ServedNode {
  readonly address = '127.0.0.1:7401'
  readonly engine = unused<Engine>()
  readonly auth = unused<NodeAuth>()
  readonly closes: unknown[] = []
  /** Whether close ends by itself. */
  hangs = false
  readonly stopped: Promise<NitroError | undefined>
  fail: (error: NitroError) => void = () => {}

  constructor() {
    this.stopped = new Promise((resolve) => (this.fail = resolve))
  }

  status(): NodeStatus {
    return nodeStatus()
  }

  as(): EtcdNodeFor {
    return unused<EtcdNodeFor>()
  }

  position(): NodePosition {
    return { id: 1, leaderId: 1, term: 2, revision: 5 }
  }

  async ready(): Promise<void> {}

  close(options?: { transfer?: boolean }): Promise<void> {
    this.closes.push(options)
    return this.hangs ? new Promise(() => {}) : Promise.resolve()
  }
}

export class FakeHost implements ServerHost {
  readonly nodeRelease = process.versions.node
  readonly environment = {}
  readonly errorIsTerminal = false
  readonly colors = false
  written = ''
  crashes = 0
  heaps = 0
  tuned = 0
  readonly #listeners = new Set<(reason: string) => void>()

  writeError(text: string): void {
    this.written += text
  }

  tuneEngine(): void {
    this.tuned++
  }

  keepHeapRoom(): () => void {
    this.heaps++
    return () => void this.heaps--
  }

  crash(): void {
    this.crashes++
  }

  stops(): { listen(stop: (reason: string) => void): () => void } {
    return {
      listen: (stop) => {
        this.#listeners.add(stop)
        return () => this.#listeners.delete(stop)
      },
    }
  }

  get listeners(): number {
    return this.#listeners.size
  }

  signal(reason: string): void {
    for (const listener of [...this.#listeners]) listener(reason)
  }
}

/** A scheduler whose timers run when the test says so. */
export class ManualScheduler implements Scheduler {
  readonly timers = new Map<number, { delayMs: number; run: () => void }>()
  #next = 0

  after(delayMs: number, run: () => void): { cancel(): void } {
    const id = this.#next++
    this.timers.set(id, { delayMs, run })
    return { cancel: () => void this.timers.delete(id) }
  }

  endOfTurn(run: () => void): void {
    queueMicrotask(run)
  }

  fire(): void {
    for (const [id, { run }] of [...this.timers]) {
      this.timers.delete(id)
      run()
    }
  }
}

/** Lets everything that is already decided happen. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
