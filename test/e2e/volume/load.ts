/** A great number of puts, of which the last value of each key is known. */
import { randomBytes } from 'node:crypto'
import { messageOf } from '../../../base/index.ts'
import type { Client } from '../../../src/client/index.ts'
import { Failed } from '../harness/index.ts'

/** What to write. */
export interface VolumePlan {
  readonly total: number
  readonly keys: number
  readonly valueBytes: number
}

const patienceMs = 120_000
const lanesPerClient = 256
/** Values are cut out of this, so that no database makes them small. */
const noise = randomBytes(48 * 1024).toString('base64')

/** Writes key after key, round after round, many at a time; the puts of one key come one after the other. */
export class VolumeLoad {
  acknowledged = 0
  private readonly clients: readonly Client[]
  private readonly plan: VolumePlan

  constructor(clients: readonly Client[], plan: VolumePlan) {
    this.clients = clients
    this.plan = plan
  }

  /** Writes all of it. Throws at the first put that fails. */
  async run(): Promise<void> {
    const count = this.clients.length * lanesPerClient
    const lanes = this.clients.flatMap((client, at) =>
      Array.from({ length: lanesPerClient }, (_, lane) => this.lane(client, at * lanesPerClient + lane, count)),
    )
    await Promise.all(lanes)
  }

  /** The value of a key after all rounds; undefined for a key that is not written. */
  last(key: number): string | undefined {
    const { total, keys } = this.plan
    const rounds = Math.floor(total / keys) + (key < total % keys ? 1 : 0)
    return rounds === 0 ? undefined : this.value(key, rounds - 1)
  }

  private value(key: number, round: number): string {
    const label = `${key} in round ${round} `
    const at = (key * 97 + round * 8191) % (noise.length - this.plan.valueBytes)
    return label + noise.slice(at, at + this.plan.valueBytes - label.length)
  }

  private async lane(client: Client, lane: number, lanes: number): Promise<void> {
    const { total, keys } = this.plan
    for (let round = 0; round * keys < total; round++) {
      const end = Math.min(keys, total - round * keys)
      for (let key = lane; key < end; key += lanes) {
        await this.put(client, key, this.value(key, round))
      }
    }
  }

  private async put(client: Client, key: number, value: string): Promise<void> {
    try {
      await client.store.put(keyName(key), value, { timeoutMs: patienceMs })
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
