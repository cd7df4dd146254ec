/** Responses of a watch in pieces, for callers that can't take messages of any size. */
import type { Encodable } from './schema/index.ts'

/** Bytes of events in one piece; a single event may be more. */
const fragmentBytes = 1.5 * 1024 * 1024
/** What an event takes beside its key and its values. */
const eventBytes = 64

/** Cuts events into runs of at most {@link fragmentBytes}, in order. */
export function fragmentsOf(events: readonly Encodable<'Event'>[]): Encodable<'Event'>[][] {
  const parts: Encodable<'Event'>[][] = []
  let sizeBytes = Infinity
  for (const event of events) {
    const bytes = eventBytes + sizeOf(event.kv) + sizeOf(event.prev_kv)
    if (sizeBytes + bytes > fragmentBytes) {
      parts.push([])
      sizeBytes = 0
    }
    parts.at(-1)?.push(event)
    sizeBytes += bytes
  }
  return parts
}

function sizeOf(kv: Encodable<'KeyValue'> | undefined): number {
  return (kv?.key?.length ?? 0) + (kv?.value?.length ?? 0)
}
