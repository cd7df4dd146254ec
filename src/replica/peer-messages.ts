/** What peers send to a running group, by kind. */
import { NitroError } from '../../base/index.ts'
import { frameKinds } from '../wire/index.ts'
import type { Group } from './group.ts'
import type { LogClock } from './log-clock.ts'
import { readMessages } from './outbox.ts'

/** Handles one message of member `from`. Throws `MalformedFrame`. */
export function takePeerMessage(
  group: Group,
  logClock: LogClock,
  from: number,
  kind: number,
  payload: Uint8Array,
): void {
  switch (kind) {
    case frameKinds.raft:
      raft(group, logClock, from, payload)
      return
    case frameKinds.forward:
      group.intake.forwarded(from, payload)
      return
    case frameKinds.forwardResult:
      group.intake.answered(payload)
      return
    case frameKinds.hash:
      group.hashes.hear(from, payload)
      return
    case frameKinds.snapshotChunk:
      group.snapshots.chunk(from, payload)
      return
    case frameKinds.snapshotControl:
      group.snapshots.control(from, payload)
      return
    default:
      throw new NitroError('MalformedFrame', `message of kind ${kind} from ${group.nameOf(from)}`)
  }
}

/**
 * A message speaks for its sender only. A MsgSnap is stepped when its data has arrived, never from here. Entries are kept
 * as views of the frame, so a frame that is a small part of a large buffer is copied first.
 */
function raft(group: Group, logClock: LogClock, from: number, payload: Uint8Array): void {
  const own = payload.buffer.byteLength > 2 * payload.length ? payload.slice() : payload
  const { core } = group.driver
  let term = 0
  const logTimeMs = readMessages(own, (message) => {
    const speaks = message.from === from && message.to === group.parts.raftId
    if (!speaks) return
    term = Math.max(term, message.term)
    if (message.type !== 'MsgSnap') group.driver.receive(message)
  })
  // Only leaders tell a time, and one of our term or a later one leads, even if the core has not heard of it yet. Its time
  // must be taken with its first entries: whoever leads next must not be ahead of the stamps in its own log.
  if (logTimeMs > 0 && term >= core.term) logClock.heard(logTimeMs, term === core.lastTerm)
}
