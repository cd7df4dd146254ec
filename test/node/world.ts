/** Whole nodes on a memory network under virtual time. */
import type { KvFactory, Secrets } from '../../base/index.ts'
import { MemoryNetwork } from '../../net/index.ts'
import { connect } from '../../src/client/index.ts'
import type { Client } from '../../src/client/index.ts'
import { openNode } from '../../src/node/index.ts'
import type { Node, NodeOptions } from '../../src/node/index.ts'
import { MemoryFiles, MemoryKvFactory, nodeCrypto } from '../../src/storage/index.ts'
import { VirtualTime, seededRandom } from '../net/schedulers.ts'
import { simulatedSecrets } from '../../src/testing/secrets.ts'

/** A network, a disk per name, and time that runs by itself until {@link World.stop}. */
export class World {
  readonly time = new VirtualTime()
  readonly network: MemoryNetwork
  readonly disks = new Map<string, MemoryFiles>()
  /** Names of nodes that read a wrong byte from their state next time. */
  readonly rotten = new Set<string>()
  /** Happens while a password is being made or checked. */
  meanwhile: () => Promise<void> = () => Promise.resolve()
  private readonly secrets: Secrets = {
    ...simulatedSecrets,
    derive: (...args) => this.meanwhile().then(() => simulatedSecrets.derive(...args)),
  }
  private readonly random = seededRandom(5)
  private running = true
  private end: () => void = () => undefined

  constructor() {
    this.network = new MemoryNetwork({ scheduler: this.time, clock: this.time, random: this.random })
    const beat = (): void => {
      if (this.running) this.time.after(5, beat)
    }
    beat()
    void this.time.until(new Promise<void>((resolve) => (this.end = resolve)))
  }

  disk(name: string): MemoryFiles {
    let disk = this.disks.get(name)
    if (disk === undefined) this.disks.set(name, (disk = new MemoryFiles()))
    return disk
  }

  private kv(name: string): KvFactory {
    const factory = new MemoryKvFactory(this.disk(name))
    return {
      open: async (path, options) => {
        const kv = await factory.open(path, options)
        const getSync = kv.getSync.bind(kv)
        kv.getSync = (key) => {
          const value = getSync(key)?.slice()
          if (value !== undefined && this.rotten.delete(name))
            value[value.length >> 1] = (value[value.length >> 1] as number) ^ 1
          return value
        }
        return kv
      },
    }
  }

  /** Opens a node on its disk, listening at `name:1`. */
  open(name: string, options: NodeOptions = {}): Promise<Node> {
    const files = this.disk(name)
    const ports = {
      ...{ clock: this.time, scheduler: this.time, random: this.random, crypto: nodeCrypto },
      ...{ files, kv: this.kv(name), transport: this.network.transport(name), secrets: this.secrets },
    }
    const sizes = { logSegmentBytes: 1 << 20 }
    return openNode({ name, dataDir: 'data', listen: `${name}:1`, sizes, ports, ...options })
  }

  /** Opens nodes that form a cluster, and waits until all are ready. */
  async form(...names: string[]): Promise<Node[]> {
    const peers = Object.fromEntries(names.map((name) => [name, `${name}:1`]))
    const nodes = await Promise.all(names.map((name) => this.open(name, { peers })))
    await Promise.all(nodes.map((node) => node.ready()))
    return nodes
  }

  connect(...names: string[]): Promise<Client> {
    const { time, random } = this
    const ports = { clock: time, scheduler: time, random, transport: this.network.transport('client') }
    return connect({ endpoints: names.map((name) => `${name}:1`), ports })
  }

  /** Lets virtual time pass. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.time.after(ms, resolve))
  }

  /** Time stands still; call it when nothing is awaited any more. */
  stop(): void {
    this.running = false
    this.end()
  }
}
