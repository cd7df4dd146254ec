/** A great number of puts, of which the last value of each key is known. */
import { randomBytes } from 'node:crypto'
import { messageOf } from '../../../base/index.ts'
import type { Client } from '../../../src/client/index.ts'
import { Failed } from '../harness/index.ts'

const patienceMs = 120_000
const lanesPerClient = 256
/** Values are cut out of this, so that no database makes them small. */
const noise = randomBytes(48 * 1024).toString('base64')

/** Writes key after key, round after round, many at a time; the puts of one key come one after the other. */
export class VolumeLoad {
  acknowledged = 0
  private readonly clients: readonly Client[]
  private readonly valueBytes: number
  /** How often each key was written. */
  private readonly rounds: Uint32Array

  constructor(clients: readonly Client[], keys: number, valueBytes: number) {
    this.clients = clients
    this.valueBytes = valueBytes
    this.rounds = new Uint32Array(keys)
  }

  /** Writes on while `more` says so; it is asked before each put. Throws at the first put that fails. */
  async run(more: () => boolean): Promise<void> {
    const count = this.clients.length * lanesPerClient
    const lanes = this.clients.flatMap((client, at) =>
      Array.from({ length: lanesPerClient }, (_, lane) => this.lane(client, at * lanesPerClient + lane, count, more)),
    )
    await Promise.all(lanes)
  }

  /** The last value of a key; undefined for one that was never written. */
  last(key: number): string | undefined {
    const rounds = this.rounds[key] ?? 0
    return rounds === 0 ? undefined : this.value(key, rounds - 1)
  }

  get keysWritten(): number {
    return this.rounds.reduce((sum, rounds) => sum + (rounds > 0 ? 1 : 0), 0)
  }

  private value(key: number, round: number): string {
    const label = `${key} in round ${round} `
    const at = (key * 97 + round * 8191) % (noise.length - this.valueBytes)
    return label + noise.slice(at, at + this.valueBytes - label.length)
  }

  private async lane(client: Client, lane: number, lanes: number, more: () => boolean): Promise<void> {
    const keys = this.rounds.length
    if (lane >= keys) return
    for (let key = lane; more(); key = key + lanes < keys ? key + lanes : lane) {
      await this.put(client, key)
    }
  }

  private async put(client: Client, key: number): Promise<void> {
    const round = this.rounds[key] ?? 0
    try {
      await client.store.put(keyName(key), this.value(key, round), { timeoutMs: patienceMs })
      this.rounds[key] = round + 1
      this.acknowledged++
    } catch (error) {
      throw new Failed(`put number ${this.acknowledged}, of key ${key}: ${messageOf(error)}`)
    }
  }
}

/** The key of this number. */
export function keyName(key: number): string {
  return `volume/${`${key}`.padStart(9, '0')}`
}
