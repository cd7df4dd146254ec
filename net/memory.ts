/**
 * A network inside one process, for simulations and embedded clusters. Everything happens through the scheduler and
 * the seeded random source, so a run replays exactly.
 *
 * Links behave like TCP: in order and reliable until they end. So a lost packet shows as a retransmission delay that
 * holds back everything behind it, never as a gap. A host pair that is cut loses its links at once and refuses dials;
 * one that is blackholed goes silent, as in a real partition: frames wait, dials time out, and a link that stays
 * silent for the keepalive time ends at both ends. All faults are directed.
 */
import { assert, below, type Clock, fraction, NitroError, type Random, type Scheduler } from '../base/index.ts'
import { formatAddress, parseAddress } from './address.ts'
import { MemoryLink, retransmitMs, type Route } from './memlink.ts'
import {
  defaultLinkLimits,
  type DialOptions,
  type Link,
  type LinkLimits,
  type Listener,
  type Transport,
} from './transport.ts'

/** Options of {@link MemoryNetwork}. */
export interface MemoryNetworkOptions {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly clock: Clock
  /** Defaults: 8 MiB a frame, 32 MiB a link. */
  readonly limits?: Partial<LinkLimits>
  /** Delay of every route that `delay` did not change: uniform in [min, max) milliseconds. Default 0 to 1. */
  readonly delayMs?: { readonly min: number; readonly max: number }
  /** A link whose frames have not come through for this long ends. Default 15,000, as the ws transport's. */
  readonly keepaliveMs?: number
}

/** How a partition behaves: links break and dials are refused, or nothing is heard any more. */
export type PartitionMode = 'cut' | 'blackhole'

interface OpenPort {
  readonly host: string
  readonly accept: (link: Link) => void
  readonly links: Set<MemoryLink>
}

/** One network; its hosts meet only over it. */
export class MemoryNetwork {
  private readonly options: MemoryNetworkOptions
  private readonly limits: LinkLimits
  private readonly keepaliveMs: number
  private readonly routes = new Map<string, Route>()
  private readonly ports = new Map<string, OpenPort>()
  /** Both ends of every link, in the order of their making. */
  private readonly links = new Set<MemoryLink>()
  /** How often each host was killed: what an earlier life began comes to nothing. */
  private readonly lives = new Map<string, number>()
  private nextPort = 40_000

  constructor(options: MemoryNetworkOptions) {
    this.options = options
    this.limits = { ...defaultLinkLimits, ...options.limits }
    this.keepaliveMs = options.keepaliveMs ?? 15_000
  }

  /** The transport of one host. It listens on `HOST:port` only. */
  transport(host: string): Transport {
    return {
      listen: (address, accept) => this.listen(host, address, accept),
      dial: (address, options) => this.dial(host, address, options),
    }
  }

  /** Delay of frames from one host to another: uniform in [minMs, maxMs). */
  delay(from: string, to: string, minMs: number, maxMs: number = minMs): void {
    assert(minMs >= 0 && maxMs >= minMs, 'delay range')
    const route = this.route(from, to)
    route.delayMinMs = minMs
    route.delayMaxMs = maxMs
  }

  /** Fraction of transmissions lost from one host to another; each costs a retransmission timeout. */
  drop(from: string, to: string, rate: number): void {
    assert(rate >= 0 && rate < 1, 'loss rate')
    this.route(from, to).lossRate = rate
  }

  /** Stops traffic from one host to the other, this direction only. */
  block(from: string, to: string, mode: PartitionMode): void {
    const route = this.route(from, to)
    if (route.blocked === mode) return
    route.blocked = mode
    route.epoch++
    if (mode === 'cut') this.cut(from, to)
    else this.watchSilence(route, from, to)
  }

  /** Stops traffic between two hosts, both directions. */
  partition(a: string, b: string, mode: PartitionMode = 'cut'): void {
    this.block(a, b, mode)
    this.block(b, a, mode)
  }

  /** Lets traffic between two hosts pass again; what waited in surviving links is delivered. */
  heal(a: string, b: string): void {
    this.open(this.route(a, b))
    this.open(this.route(b, a))
    for (const link of this.between(a, b)) link.wakePair()
  }

  /** Heals every pair, and ends loss. Delays stay. */
  healAll(): void {
    for (const route of this.routes.values()) {
      this.open(route)
      route.lossRate = 0
    }
    for (const link of this.links) link.wakePair()
  }

  /** Breaks the links there are between two hosts now; new ones can be made unless the pair is blocked. */
  cut(a: string, b: string): void {
    for (const link of this.between(a, b)) link.break(broken(`the network between ${a} and ${b} broke`))
  }

  /**
   * The process on a host dies: its listeners vanish, its ends of links fall silent without a callback, and the other
   * ends see a random prefix of what was in flight, then a broken connection. The host can be used again at once.
   */
  killHost(host: string): void {
    this.lives.set(host, this.life(host) + 1)
    for (const [address, port] of this.ports) if (port.host === host) this.ports.delete(address)
    for (const link of [...this.links]) {
      if (link.host === host) link.die((queued) => below(this.options.random, queued + 1))
    }
  }

  private async listen(host: string, address: string, accept: (link: Link) => void): Promise<Listener> {
    const parsed = parseAddress(address)
    const details = { address }
    if (parsed.host !== host) {
      throw new NitroError('InvalidArgument', `${host} cannot listen on ${address}`, { details })
    }
    let { port } = parsed
    while (port === 0 || (parsed.port === 0 && this.ports.has(formatAddress(host, port)))) port = this.nextPort++
    const bound = formatAddress(host, port)
    if (this.ports.has(bound)) throw new NitroError('AddressInUse', `${bound} is already in use`, { details })
    const open: OpenPort = { host, accept, links: new Set() }
    this.ports.set(bound, open)
    return {
      address: bound,
      close: async () => {
        if (this.ports.get(bound) === open) this.ports.delete(bound)
        for (const link of open.links) link.close(broken('the other side shut down'))
      },
    }
  }

  private dial(host: string, address: string, options: DialOptions): Promise<Link> {
    return new Promise((resolve, reject) => {
      const target = parseAddress(address)
      const { signal } = options
      const details = { address }
      const cancelled = (): NitroError => new NitroError('Cancelled', `dialing ${address} was cancelled`)
      if (signal?.aborted === true) return reject(cancelled())
      const life = this.life(host)
      const out = this.route(host, target.host)
      const back = this.route(target.host, host)
      let settled = false
      const settle = (): boolean => {
        if (settled) return false
        settled = true
        timeout.cancel()
        signal?.removeEventListener('abort', abort)
        return life === this.life(host)
      }
      const refuse = (why: string): void => {
        if (settle()) reject(new NitroError('Unavailable', `cannot reach ${address}: ${why}`, { details }))
      }
      const abort = (): void => {
        if (settle()) reject(cancelled())
      }
      const timeout = this.options.scheduler.after(options.timeoutMs, () =>
        refuse(`no answer within ${options.timeoutMs} ms`),
      )
      signal?.addEventListener('abort', abort, { once: true })
      const roundTripMs = this.transitMs(out) + this.transitMs(back)
      this.options.scheduler.after(roundTripMs, () => {
        if (settled || out.blocked === 'blackhole' || back.blocked === 'blackhole') return
        const port = this.ports.get(formatAddress(target.host, target.port))
        if (out.blocked === 'cut' || back.blocked === 'cut') return refuse('the network is cut')
        if (port === undefined) return refuse('nothing listens there')
        if (settle()) resolve(this.connect(host, address, port, out, back))
      })
    })
  }

  private connect(host: string, address: string, port: OpenPort, out: Route, back: Route): Link {
    const shared = {
      scheduler: this.options.scheduler,
      clock: this.options.clock,
      limits: this.limits,
      delayMs: (route: Route) => this.delayMs(route),
      isLost: (route: Route) => this.isLost(route),
    }
    const near = new MemoryLink({ ...shared, host, remote: address, route: out })
    const far = new MemoryLink({
      ...shared,
      host: port.host,
      remote: formatAddress(host, this.nextPort++),
      route: back,
    })
    const forget = (link: MemoryLink) => (): void => {
      this.links.delete(link)
      port.links.delete(link)
    }
    near.join(far, forget(near))
    far.join(near, forget(far))
    this.links.add(near).add(far)
    port.links.add(far)
    port.accept(far)
    return near
  }

  /** Draws the transit time of one packet of a handshake, retransmissions included. */
  private transitMs(route: Route): number {
    let ms = this.delayMs(route)
    for (let timeoutMs = retransmitMs; this.isLost(route); timeoutMs *= 2) ms += timeoutMs
    return ms
  }

  private delayMs({ delayMinMs, delayMaxMs }: Route): number {
    return delayMinMs + fraction(this.options.random) * (delayMaxMs - delayMinMs)
  }

  private isLost({ lossRate }: Route): boolean {
    return lossRate > 0 && fraction(this.options.random) < lossRate
  }

  private watchSilence(route: Route, from: string, to: string): void {
    const { epoch } = route
    this.options.scheduler.after(this.keepaliveMs, () => {
      if (route.epoch !== epoch) return
      for (const link of this.between(from, to)) link.break(broken(`no sign of life for ${this.keepaliveMs} ms`))
    })
  }

  private open(route: Route): void {
    if (route.blocked === undefined) return
    route.blocked = undefined
    route.epoch++
  }

  private between(a: string, b: string): MemoryLink[] {
    return [...this.links].filter(
      (link) => (link.host === a && link.peerHost === b) || (link.host === b && link.peerHost === a),
    )
  }

  private life(host: string): number {
    return this.lives.get(host) ?? 0
  }

  private route(from: string, to: string): Route {
    const key = `${from}>${to}`
    let route = this.routes.get(key)
    if (route === undefined) {
      const { min, max } = this.options.delayMs ?? { min: 0, max: 1 }
      route = { delayMinMs: min, delayMaxMs: max, lossRate: 0, blocked: undefined, epoch: 0 }
      this.routes.set(key, route)
    }
    return route
  }
}

function broken(message: string): NitroError {
  return new NitroError('ConnectionClosed', message)
}
