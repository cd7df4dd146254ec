/** One round: contenders fight for locks amid trouble, and all of them go on when it is over. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { atExit, expect, until } from '../harness/index.ts'
import type { Cluster } from '../harness/index.ts'
import { Contender } from './contender-process.ts'
import type { Programs } from './contender-process.ts'
import { Ledger } from './ledger.ts'
import type { Seen } from './messages.ts'
import { Trouble } from './trouble.ts'

/** What a round is like. */
export interface RoundOptions {
  readonly cluster: Cluster
  readonly names: readonly string[]
  readonly programs: Programs
  readonly contenders: number
  readonly locks: readonly string[]
  readonly ttlMs: number
  readonly seconds: number
  readonly holderStops: number
  readonly seed: string
  readonly guarded: boolean
}

/** Grants that each has to get when all is well again. */
const grantsAtEnd = 2
const endTimeoutMs = 60_000
/** Thirty processes start at once, on whatever machine this is. */
const beginTimeoutMs = 180_000

/** A round. Its steps are called in order. */
export class Round {
  readonly ledger = new Ledger()
  readonly prefix: string
  readonly trouble: Trouble
  private readonly options: RoundOptions
  private readonly contenders: readonly Contender[]
  private readonly resource: Resource

  /** Starts the resource and all contenders. */
  static async start(options: RoundOptions): Promise<Round> {
    const round = new Round(options, await Resource.start(options.programs.resource))
    for (const contender of round.contenders) contender.start()
    return round
  }

  private constructor(options: RoundOptions, resource: Resource) {
    const { cluster, names, programs, locks, ttlMs, seed, guarded } = options
    this.options = options
    this.resource = resource
    this.prefix = guarded ? 'guarded' : 'unguarded'
    const shared = { endpoints: cluster.endpoints(), resource: resource.address, prefix: this.prefix }
    this.contenders = Array.from(
      { length: options.contenders },
      (_, number) =>
        new Contender({
          ...{ program: programs.contender, number, seed: `${seed}/${this.prefix}` },
          options: { ...shared, locks, ttlMs, guarded },
          onTold: (told, { starts }) => this.ledger.note(told, `c${number}.${starts}`),
        }),
    )
    const { seconds, holderStops } = options
    this.trouble = new Trouble({
      ...{ cluster, names, ttlMs, seconds, holderStops },
      ...{ contenders: this.contenders, seed: `${seed}/${this.prefix}` },
    })
  }

  /** Waits until every contender has had a lock. */
  allBegin(): Promise<string> {
    return this.allGet(1, 'has begun', beginTimeoutMs)
  }

  /** Waits until every contender has had locks again. */
  allGoOn(): Promise<string> {
    for (const contender of this.contenders) contender.grants = 0
    return this.allGet(grantsAtEnd, 'goes on', endTimeoutMs)
  }

  private async allGet(grants: number, what: string, timeoutMs: number): Promise<string> {
    const startMs = performance.now()
    const behind = (): Contender[] => this.contenders.filter((one) => one.grants < grants)
    await until(`each contender ${what}`, () => behind().length === 0, {
      timeoutMs,
      why: () =>
        behind()
          .map((one) => `c${one.number}.${one.starts} had ${one.grants} locks\n${one.stderr}`)
          .join('\n'),
    })
    return `within ${Math.round(performance.now() - startMs)} ms`
  }

  /** Ends all contenders in order, and waits until nothing is held or waited for. */
  async end(): Promise<string> {
    const ended = await Promise.all(this.contenders.map((one) => one.end(20_000)))
    const late = ended.filter((isInTime) => !isInTime).length
    const { sync } = await this.options.cluster.client()
    const startMs = performance.now()
    const left = (): ReturnType<typeof sync.list> => sync.list({ namespace: this.prefix })
    await until('nothing is held or waited for', async () => (await left()).length === 0, { timeoutMs: endTimeoutMs })
    expect(late === 0, `${late} contenders did not end when asked to`)
    return `after ${Math.round(performance.now() - startMs)} ms`
  }

  /** What the resource has seen. */
  seen(): Promise<readonly Seen[]> {
    return this.resource.seen()
  }

  /** Ends whatever still runs. */
  async close(): Promise<void> {
    await Promise.all([...this.contenders.map((one) => one.kill()), this.resource.close()])
  }
}

/** The resource's process. */
class Resource {
  readonly address: string
  private readonly end: () => Promise<void>

  static async start(program: string): Promise<Resource> {
    const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] })
    const forget = atExit(() => void child.kill('SIGKILL'))
    const ended = once(child, 'close')
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    return new Resource(line, async () => {
      child.stdin.end()
      await ended
      forget()
    })
  }

  private constructor(address: string, end: () => Promise<void>) {
    this.address = address
    this.end = end
  }

  async seen(): Promise<readonly Seen[]> {
    const response = await fetch(`http://${this.address}/`)
    return (await response.json()) as Seen[]
  }

  close(): Promise<void> {
    return this.end()
  }
}
