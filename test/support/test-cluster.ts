/** Some test nodes over one machine, on a memory network under virtual time, and clients to them. */
import { type Client, connect, type ConnectOptions } from '../../src/client/index.ts'
import { MemoryNetwork, type MemoryNetworkOptions } from '../../net/index.ts'
import { seededRandom, VirtualTime } from '../net/schedulers.ts'
import { MachineHost } from './machine-host.ts'
import { TestNode, type TestNodeOptions } from './test-node.ts'

/** Nodes `a:1`, `b:1` ...; clients live on host `client`. */
export class TestCluster {
  readonly time = new VirtualTime()
  readonly random = seededRandom(11)
  readonly network: MemoryNetwork
  readonly host = new MachineHost()
  readonly nodes = new Map<string, TestNode>()

  constructor(options: Partial<MemoryNetworkOptions> = {}) {
    this.network = new MemoryNetwork({ scheduler: this.time, clock: this.time, random: this.random, ...options })
  }

  /** Opens the node `name` at `name:1`. */
  async add(name: string, options: Partial<TestNodeOptions> = {}): Promise<TestNode> {
    const { time: scheduler, host } = this
    const transport = this.network.transport(name)
    const node = new TestNode({ name, address: `${name}:1`, transport, scheduler, host, ...options })
    await node.open()
    this.nodes.set(name, node)
    return node
  }

  node(name: string): TestNode {
    const node = this.nodes.get(name)
    if (node === undefined) throw new Error(`no node ${name}`)
    return node
  }

  /** Connects a client; its promise needs virtual time to pass. */
  connect(options: Partial<ConnectOptions> = {}): Promise<Client> {
    const { time, random } = this
    const transport = this.network.transport('client')
    const endpoints = [...this.nodes.keys()].map((name) => `${name}:1`)
    return connect({ endpoints, ports: { clock: time, scheduler: time, random, transport }, ...options })
  }

  /** Connects and lets time pass meanwhile. */
  client(options: Partial<ConnectOptions> = {}): Promise<Client> {
    return this.time.until(this.connect(options))
  }

  /** Lets time run by itself, as long as nothing real is waited for, until the returned function is called. */
  run(): () => void {
    let stop: () => void = () => undefined
    const stopped = new Promise<void>((resolve) => (stop = resolve))
    let running = true
    const beat = (): void => {
      if (running) this.time.after(1, beat)
    }
    beat()
    void this.time.until(stopped)
    return () => {
      running = false
      stop()
    }
  }
}
