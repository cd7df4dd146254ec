/**
 * The links of one node to its peers: two sessions per pair, control and bulk.
 *
 * Of two nodes the one with the smaller name dials, so a pair never has two of the same kind. The other one only asks, from
 * time to time while they are not linked, whether it would be accepted: nobody dials a member that was removed, and this is
 * how it hears of that. A session is bound to both
 * processes by their start ids: a frame of an earlier process dies with its connection. Peers are known by name; what a
 * name may present itself with (incarnation, cluster) is judged by `judge` at every handshake and again by `review`
 * when the member table changes.
 */
import { Dialer, connectSession, isPermanentRefusal } from '../../net/index.ts'
import type { Hello, Session } from '../../net/index.ts'
import { NitroError, equalBytes, isNitroError, messageOf } from '../../base/index.ts'
import type { Timer } from '../../base/index.ts'
import type { Channel } from './outbox.ts'
import type { ReplicaPorts } from './ports.ts'

/** Where a peer is. */
export interface PeerAddress {
  readonly name: string
  readonly address: string
}

/** What links tell the replica. */
export interface LinkEvents {
  /** This node's own hello for a channel. */
  hello(channel: Channel): Hello
  /** Whether a peer may be talked to; an error refuses it. */
  judge(theirs: Hello): NitroError | undefined
  /** Both links of a peer are up; or a session with it is over, and what was under way on it is lost. */
  changed(name: string, up: boolean): void
  message(name: string, channel: Channel, kind: number, payload: Uint8Array): void
  /** A queue towards a peer has room again. */
  drained(name: string, channel: Channel): void
  /** A peer refused this node, with a reason that will not go away by itself. */
  refused(name: string, error: NitroError): void
}

interface Peer {
  name: string
  address: string
  readonly sessions: Partial<Record<Channel, Session>>
  readonly dialers: Dialer[]
  startId: Uint8Array
  hello: Hello | undefined
  up: boolean
}

const channels: readonly Channel[] = ['control', 'bulk']
const probeEveryMs = 3_000

/** All peer links of one node. */
export class Links {
  private readonly self: string
  private readonly ports: ReplicaPorts
  private readonly events: LinkEvents
  private readonly peers = new Map<string, Peer>()
  private closed = false
  private probing: Timer | undefined
  /** Payload bytes to and from peers since the start. */
  sentBytes = 0
  receivedBytes = 0

  constructor(self: string, ports: ReplicaPorts, events: LinkEvents) {
    this.self = self
    this.ports = ports
    this.events = events
    this.armProbes()
  }

  private armProbes(): void {
    this.probing = this.ports.scheduler.after(probeEveryMs, () => {
      for (const peer of this.peers.values()) {
        if (this.self > peer.name && peer.address !== '' && !peer.up) this.probe(peer)
      }
      this.armProbes()
    })
  }

  /** Asks whether this node would be accepted. The acceptor judges a peer's hello of channel `client` and hangs up. */
  private probe(peer: Peer): void {
    const { transport, scheduler, logger } = this.ports
    const options = { scheduler, timeoutMs: probeEveryMs, verify: () => undefined }
    const hello = { ...this.events.hello('control'), channel: 'client' as const }
    transport
      .dial(peer.address, { timeoutMs: probeEveryMs })
      .then((link) => connectSession(link, hello, options))
      .then(
        (session) => {
          session.start({ message: () => undefined, close: () => undefined })
          session.close()
        },
        (error: unknown) => {
          if (this.closed) return
          if (isNitroError(error) && isPermanentRefusal(error)) this.events.refused(peer.name, error)
          else logger.debug({ peer: peer.name, reason: messageOf(error) }, 'peer not reached')
        },
      )
  }

  /** Sets who there is; peers that are not listed any more are closed. */
  setPeers(wanted: readonly PeerAddress[]): void {
    const names = new Set(wanted.map((one) => one.name))
    for (const [name, peer] of this.peers) {
      if (!names.has(name)) this.drop(peer, undefined)
    }
    for (const one of wanted) {
      if (one.name === this.self) continue
      const peer = this.peer(one.name)
      if (peer.address === one.address) continue
      peer.address = one.address
      for (const dialer of peer.dialers.splice(0)) dialer.stop()
      if (this.self < one.name) for (const channel of channels) this.dial(peer, channel)
    }
  }

  private peer(name: string): Peer {
    let peer = this.peers.get(name)
    if (peer === undefined) {
      peer = { name, address: '', sessions: {}, dialers: [], startId: new Uint8Array(0), hello: undefined, up: false }
      this.peers.set(name, peer)
    }
    return peer
  }

  private dial(peer: Peer, channel: Channel): void {
    const { transport, scheduler, random, logger } = this.ports
    // What we refuse a peer for is about the peer; it must not be taken for the peer's word about us.
    let ours: NitroError | undefined
    let told = ''
    const dialer = new Dialer({
      transport,
      scheduler,
      random,
      address: peer.address,
      backoffMaxMs: 500,
      slowRetryMs: 1_000,
      hello: () => this.events.hello(channel),
      verify: (theirs) => {
        ours =
          theirs.name === peer.name
            ? this.events.judge(theirs)
            : new NitroError('DuplicateName', `${peer.address} is ${theirs.name}, not ${peer.name}`)
        return ours
      },
      up: (session) => {
        told = ''
        this.adopt(session, channel)
      },
      down: (error) => logger.debug({ peer: peer.name, channel, error: error?.code }, 'link down'),
      refused: (error, permanent) => {
        if (error !== ours) {
          if (permanent) this.events.refused(peer.name, error)
        } else if (error.code !== told) {
          told = error.code
          logger.warn({ peer: peer.name, code: error.code, reason: error.message }, 'refused a peer')
        }
      },
    })
    peer.dialers.push(dialer)
    dialer.start()
  }

  /** Takes a session, dialed or accepted; the newest of a channel wins. */
  adopt(session: Session, channel: Channel): void {
    const theirs = session.remote
    if (this.closed) return session.close()
    const peer = this.peer(theirs.name)
    const restarted = !equalBytes(peer.startId, theirs.startId)
    const replaced = channels.filter((one) => one === channel || restarted)
    if (replaced.map((one) => this.discard(peer, one)).includes(true)) {
      this.lost(peer)
      // The loss made what this very handshake told forgotten.
      this.events.judge(theirs)
    }
    peer.startId = theirs.startId
    peer.sessions[channel] = session
    peer.hello = theirs
    session.start({
      message: (kind, payload) => {
        this.receivedBytes += payload.length
        if (peer.sessions[channel] === session) this.events.message(peer.name, channel, kind, payload)
      },
      drain: () => this.events.drained(peer.name, channel),
      close: (error) => {
        if (peer.sessions[channel] !== session) return
        delete peer.sessions[channel]
        this.lost(peer)
        // Whoever was dialed hears of a refusal this way: its own hello was what the other side did not like.
        if (error !== undefined && isPermanentRefusal(error)) this.events.refused(peer.name, error)
      },
    })
    if (peer.up || channels.some((one) => peer.sessions[one] === undefined)) return
    peer.up = true
    this.events.changed(peer.name, true)
  }

  /** Closes the session of a channel, if there is one, without a further word of it here. */
  private discard(peer: Peer, channel: Channel, error?: NitroError): boolean {
    const session = peer.sessions[channel]
    delete peer.sessions[channel]
    session?.close(error)
    return session !== undefined
  }

  private discardAll(peer: Peer, error?: NitroError): void {
    const had = channels.map((channel) => this.discard(peer, channel, error))
    if (had.includes(true)) this.lost(peer)
  }

  /** A session is over. Told even if the other one was lost before: something may have been sent on this one since. */
  private lost(peer: Peer): void {
    peer.up = false
    this.events.changed(peer.name, false)
  }

  /** Sends one message at once; false when there is no link or its queue is full. */
  send(name: string, channel: Channel, kind: number, payload: Uint8Array): boolean {
    return this.sendParts(name, channel, kind, [payload])
  }

  /** As `send`, for a payload given in pieces. */
  sendParts(name: string, channel: Channel, kind: number, parts: readonly Uint8Array[]): boolean {
    const session = this.peers.get(name)?.sessions[channel]
    if (session?.sendParts(kind, parts) !== true) return false
    session.flush()
    for (const part of parts) this.sentBytes += part.length
    return true
  }

  /** Bytes waiting towards a peer on one channel. */
  bufferedBytes(name: string, channel: Channel): number {
    return this.peers.get(name)?.sessions[channel]?.bufferedBytes ?? 0
  }

  /** Whether both links of a peer are up. */
  connected(name: string): boolean {
    return this.peers.get(name)?.up ?? false
  }

  /** What a peer said of itself, while both links of it are up. */
  helloOf(name: string): Hello | undefined {
    const peer = this.peers.get(name)
    return peer?.up === true ? peer.hello : undefined
  }

  /** Peers with both links up. */
  get connectedCount(): number {
    let count = 0
    for (const peer of this.peers.values()) if (peer.up) count++
    return count
  }

  /** Judges every linked peer anew, after the member table changed. */
  review(): void {
    for (const peer of this.peers.values()) {
      if (peer.hello === undefined) continue
      const error = this.events.judge(peer.hello)
      if (error === undefined) continue
      peer.hello = undefined
      this.discardAll(peer, error)
    }
  }

  private drop(peer: Peer, error: NitroError | undefined): void {
    this.peers.delete(peer.name)
    for (const dialer of peer.dialers.splice(0)) dialer.stop()
    this.discardAll(peer, error)
  }

  /** Closes everything. */
  close(): void {
    this.closed = true
    this.probing?.cancel()
    for (const peer of [...this.peers.values()]) this.drop(peer, undefined)
  }
}
