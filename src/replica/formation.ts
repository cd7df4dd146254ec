/**
 * How a node without a configuration gets one: it forms a cluster with its peers, or joins one that exists.
 *
 * The decision is `bootstrapStep`; here it meets disk and links. What is written is written before it is told.
 */
import { NitroError, messageOf } from '../../base/index.ts'
import type { Logger } from '../../base/index.ts'
import type { CallValue } from '../wire/index.ts'
import { bootstrapStep, peersText } from './bootstrap.ts'
import type { BootstrapFacts } from './bootstrap.ts'
import { callOnce } from './calls.ts'
import { decodeConfiguration } from './configuration.ts'
import type { Configuration, Founder } from './configuration.ts'
import { replacementAdvice } from './membership.ts'
import type { ReplicaPorts } from './ports.ts'

/** The bootstrap of one node. */
export class Bootstrap {
  private facts: BootstrapFacts
  private readonly names: readonly string[]
  private readonly logger: Logger
  private readonly saveIntent: (founders: readonly Founder[]) => Promise<void>
  private readonly tell: (facts: BootstrapFacts) => void
  private readonly heard = new Map<string, BootstrapFacts>()
  private saving = false
  private settled = false
  private lastWait = ''
  private resolve!: (founders: readonly Founder[]) => void
  private reject!: (error: unknown) => void
  /** Settles with the founding list, or with `IdentityLost`. */
  readonly done: Promise<readonly Founder[]>

  constructor(options: {
    readonly self: Founder
    /** The founding list already on disk; empty when there is none. */
    readonly founders: readonly Founder[]
    readonly peers: Readonly<Record<string, string>>
    /** Digest of the backup the cluster begins with; empty for none. */
    readonly seed: string
    readonly logger: Logger
    /** Makes the founding list durable. */
    readonly saveIntent: (founders: readonly Founder[]) => Promise<void>
    /** Tells every connected peer. */
    readonly tell: (facts: BootstrapFacts) => void
  }) {
    const stage = options.founders.length > 0 ? 'intent' : 'new'
    this.facts = { ...options.self, stage, peers: peersText(options.peers, options.seed), founders: options.founders }
    this.names = Object.keys(options.peers)
    this.logger = options.logger
    this.saveIntent = options.saveIntent
    this.tell = options.tell
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  /** What this node tells its peers now. */
  get current(): BootstrapFacts {
    return this.facts
  }

  /** Why it is still waiting, for status and health. */
  get waitingFor(): string {
    return this.lastWait
  }

  /** A peer told its facts. */
  hear(facts: BootstrapFacts): void {
    this.heard.set(facts.name, facts)
    this.decide()
  }

  /** A peer can't be reached any more: what it said may be outdated. */
  forget(name: string): void {
    this.heard.delete(name)
  }

  /** Looks at what is known and takes the next step, if one is due. */
  decide(): void {
    if (this.settled || this.saving) return
    const step = bootstrapStep(this.facts, this.names, this.heard)
    switch (step.kind) {
      case 'wait': {
        const wait = step.missing.length > 0 ? `${step.why}: ${step.missing.join(', ')}` : step.why
        if (wait !== this.lastWait) this.logger.info({ waiting: wait }, 'waiting to form the cluster')
        this.lastWait = wait
        return
      }
      case 'intend':
        this.saving = true
        this.saveIntent(step.founders).then(
          () => {
            this.saving = false
            this.facts = { ...this.facts, stage: 'intent', founders: step.founders }
            this.tell(this.facts)
            this.decide()
          },
          (error: unknown) => this.fail(error),
        )
        return
      case 'form':
        this.settled = true
        this.resolve(step.founders)
        return
      case 'lost':
        this.fail(
          new NitroError('IdentityLost', `${step.why}. ${replacementAdvice(this.facts.name)}`, {
            details: { name: this.facts.name, why: step.why },
          }),
        )
    }
  }

  /** Ends it: a peer refused this node for good, or the node is closing. */
  fail(error: unknown): void {
    if (this.settled) return
    this.settled = true
    this.reject(error)
  }
}

/** What a cluster answers to a process that joins. */
export interface Admission {
  readonly configuration: Configuration
  readonly id: number
}

const callTimeoutMs = 3_000
const roundPauseMs = 500
const permanent: ReadonlySet<string> = new Set(['IdentityLost', 'Removed', 'WrongCluster', 'UnsupportedVersion'])

/**
 * Asks one address after the other to be admitted, until one says yes or a refusal is final. The first question only shows
 * the place, the second claims it: a claim that is late, of a process that was given up, can't take the place that was
 * reserved for its successor.
 */
export async function askToJoin(
  ports: ReplicaPorts,
  startId: Uint8Array,
  addresses: readonly string[],
  request: {
    readonly name: string
    readonly incarnation: Uint8Array
    readonly address: string
    readonly target: string
    readonly machine: string
    readonly offer: Uint8Array
  },
  stopped: () => boolean,
): Promise<Admission> {
  const told = new Map<string, string>()
  const ask = (address: string, place: object): Promise<CallValue> =>
    callOnce(ports, startId, address, 'join', { ...request, timeoutMs: callTimeoutMs, ...place }, callTimeoutMs)
  for (;;) {
    for (const address of addresses) {
      if (stopped()) throw new NitroError('Closed', 'the node was closed while joining')
      try {
        const answer = await ask(address, {})
        const { place } = (answer ?? {}) as { place?: unknown }
        return admission(typeof place === 'number' ? await ask(address, { place }) : answer, request.name)
      } catch (error) {
        if (error instanceof NitroError && permanent.has(error.code)) throw error
        const reason = messageOf(error)
        if (told.get(address) !== reason) ports.logger.warn({ address, reason }, 'not admitted yet')
        told.set(address, reason)
      }
    }
    await new Promise<void>((resolve) => ports.scheduler.after(roundPauseMs, resolve))
  }
}

function admission(answer: unknown, name: string): Admission {
  const { configuration, id } = (answer ?? {}) as { configuration?: unknown; id?: unknown }
  if (!(configuration instanceof Uint8Array) || typeof id !== 'number') {
    throw new NitroError('MalformedFrame', `the answer to ${name}'s wish to join is not an admission`)
  }
  return { configuration: decodeConfiguration(Uint8Array.from(configuration)), id }
}
