/** A worker of a client that locks and elects, and one kind of thing that it does. */
import { isNitroError } from '../../../../base/index.ts'
import type { ErrorCode, NitroError } from '../../../../base/index.ts'
import type { Session } from '../../../api/index.ts'
import type { Client } from '../../../client/index.ts'
import type { Fact } from '../../checkers/facts.ts'
import type { Violations } from '../../checkers/violations.ts'
import type { ClientProcess } from '../../client-process.ts'
import type { Life } from '../../process.ts'
import type { SeededRandom } from '../../random.ts'
import type { Coverage } from '../../reached/coverage.ts'

/** Times to live that are asked for. */
export const ttlsMs: readonly number[] = [1_000, 1_500, 3_000]

/** What all clients of a run share. */
export interface SyncWorld {
  readonly random: SeededRandom
  readonly coverage: Coverage
  readonly violations: Violations
  /** Faults are over: nothing is held for long any more. */
  readonly hurry: boolean
  /** Observers that are not over. */
  readonly observers: Set<string>
  tell(fact: Fact): void
  /** True time. */
  nowMs(): number
  /** A number that is given out once. */
  fresh(): number
}

/** A kind of thing that is done with locks and elections. */
export interface SyncOperation {
  readonly name: string
  /** How often it is chosen, in relation to the others. */
  readonly weight: number
  /** Does it once; resolves when it is over, whatever came of it. Throws only for bugs of the simulator. */
  run(hand: Hand): Promise<void>
}

/** One worker, in one life of its client. */
export class Hand {
  readonly client: ClientProcess
  readonly life: Life
  readonly connection: Client
  readonly world: SyncWorld
  private readonly sessions: Map<number, Session>

  constructor(client: ClientProcess, connection: Client, world: SyncWorld, sessions: Map<number, Session>) {
    this.client = client
    this.life = client.life
    this.connection = connection
    this.world = world
    this.sessions = sessions
  }

  /** Names an acquisition or an observer as nobody else in the run. */
  label(): string {
    return `${this.client.name}.${this.client.number}/${this.world.fresh()}`
  }

  /** By the clock of the client. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.life.scheduler.after(ms, resolve))
  }

  /** A session of the client's own that stays open; undefined if none could be had. */
  async session(ttl: number): Promise<Session | undefined> {
    const known = this.sessions.get(ttl)
    if (known?.state === 'held' || known?.state === 'uncertain') return known
    const opened = await this.attempt(() => this.connection.session({ ttl, timeoutMs: 5_000 }))
    if (opened === undefined || 'code' in opened) return undefined
    this.sessions.set(ttl, opened)
    return opened
  }

  /** Gives one of those sessions up, with all that is held by it. */
  async leave(): Promise<void> {
    const [ttl] = this.sessions.keys()
    if (ttl === undefined) return
    const session = this.sessions.get(ttl)
    this.sessions.delete(ttl)
    await this.attempt(() => session?.close({ timeoutMs: 1_000 }) ?? Promise.resolve())
  }

  /** What a request comes to: its answer, or the code of its error and whether it may have happened. */
  async attempt<T>(run: () => Promise<T>): Promise<T | Refused> {
    try {
      return await run()
    } catch (error) {
      if (!isNitroError(error)) throw error
      return { code: error.code, executed: error.executed }
    }
  }
}

/** A request without success. */
export interface Refused {
  readonly code: ErrorCode
  readonly executed: NitroError['executed']
}
