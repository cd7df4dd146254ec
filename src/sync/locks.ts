/** Locks of all kinds, and leaders: a grant with the verbs of its kind. */
import { NitroError, isNitroError } from '../../base/index.ts'
import { decodeSyncRevision, defaultLimits, encodeProclaimArgs } from '../../execution/codec.ts'
import type { BytesLike, Condition, HoldState, Leader, Lock, RequestOptions } from '../api/index.ts'
import type { Grant } from './grant.ts'
import { bytesOf } from './names.ts'
import type { SyncPorts } from './ports.ts'

/** What all kinds have. */
abstract class Held {
  protected readonly grant: Grant

  constructor(grant: Grant) {
    this.grant = grant
  }

  get name(): Uint8Array {
    return this.grant.name
  }

  get token(): number {
    return this.grant.token
  }

  get lease(): number {
    return this.grant.lease
  }

  get state(): HoldState {
    return this.grant.state
  }

  get signal(): AbortSignal {
    return this.grant.signal
  }

  throwIfLost(): void {
    this.grant.throwIfLost()
  }

  guard(): Condition {
    return this.grant.guard()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.grant[Symbol.asyncDispose]()
  }
}

/** A lock, a side of one, or a permit. */
export class HeldLock extends Held implements Lock {
  unlock(options?: RequestOptions): Promise<void> {
    return this.grant.give(options)
  }
}

/** An election that was won. */
export class HeldLeader extends Held implements Leader {
  private readonly ports: SyncPorts

  constructor(grant: Grant, ports: SyncPorts) {
    super(grant)
    this.ports = ports
  }

  async proclaim(value: BytesLike, options?: RequestOptions): Promise<void> {
    const bytes = bytesOf(value, 'the value')
    const limit = defaultLimits.syncValueBytes
    if (bytes.length > limit) {
      throw new NitroError('ValueTooLarge', `the value has ${bytes.length} bytes; at most ${limit} are allowed`, {
        details: { bytes: bytes.length, limit },
      })
    }
    const { resource, token } = this.grant
    if (this.grant.state === 'released' || this.grant.state === 'lost') {
      throw new NitroError('NotHeld', `token ${token} leads no longer`, { details: { token } })
    }
    try {
      const args = encodeProclaimArgs(resource, token, bytes)
      decodeSyncRevision(await this.ports.engine.command('sync', 'proclaim', args, options))
    } catch (error) {
      if (isNitroError(error, 'NotHeld')) this.grant.gone(error)
      throw error
    }
  }

  resign(options?: RequestOptions): Promise<void> {
    return this.grant.give(options)
  }
}
