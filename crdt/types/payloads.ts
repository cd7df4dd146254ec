/** How the payloads of entries are written. */
import type { Value } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import { readValue, writeValue } from '../codec/values.ts'
import type { Payload } from '../kernel/entries.ts'

/** A value with its time, as registers hold it. */
export const timedValue: Payload<Value> = { time: true, write: writeValue, read: readValue }

/** A value without a time. */
export const plainValue: Payload<Value> = { time: false, write: writeValue, read: readValue }

/** Nothing: the dot is all. */
export const onlyDot: Payload<true> = { time: false, write: () => undefined, read: () => true }

/** Whether the operation put something in. */
export const inOrOut: Payload<boolean> = {
  time: false,
  write: (writer, value) => writer.u8(value ? 1 : 0),
  read: (reader) => {
    const byte = reader.u8()
    if (byte > 1) throw notCanonical('a flag that is neither 0 nor 1')
    return byte === 1
  },
}
