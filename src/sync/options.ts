/** Options of acquisitions, checked. */
import { NitroError, utf8 } from '../../base/index.ts'
import { defaultLimits } from '../../execution/codec.ts'
import type { SyncMode, SyncResource } from '../../execution/codec.ts'
import type { AcquireOptions } from '../api/index.ts'
import { checkMs } from './names.ts'

/** Unless another is given. */
export const timeToLiveMs = 10_000

/** What is wanted. */
export interface Wanted {
  readonly resource: SyncResource
  readonly mode: SyncMode
  readonly capacity: number
  readonly value?: Uint8Array | undefined
}

/** Throws `InvalidArgument`, `KeyTooLarge`, `ValueTooLarge`. */
export function checkAcquire({ value }: Wanted, options: AcquireOptions): void {
  checkMs(options.ttl, 'ttl', 1)
  checkMs(options.maxHold, 'maxHold', 1)
  if (options.wait !== Infinity) checkMs(options.wait, 'wait', 0)
  if (options.label !== undefined && utf8(options.label).length > defaultLimits.syncNameBytes) {
    throw new NitroError('KeyTooLarge', `the label has more than ${defaultLimits.syncNameBytes} bytes`)
  }
  const limit = defaultLimits.syncValueBytes
  if (value === undefined || value.length <= limit) return
  throw new NitroError('ValueTooLarge', `the value has ${value.length} bytes; at most ${limit} are allowed`, {
    details: { bytes: value.length, limit },
  })
}
