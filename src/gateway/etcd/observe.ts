/** Follows an election: the leader now, then each proclamation and each leader that comes after. */
import { isNitroError } from '../../../base/index.ts'
import type { DecodedEvent, KvEntry } from '../../../execution/codec.ts'
import type { Engine } from '../../api/index.ts'
import type { Backend } from './backend.ts'
import type { StreamCall } from './call.ts'
import { prefixRange } from './key-range.ts'
import { readRange } from './kv-range.ts'
import { keyValueOf } from './kv-requests.ts'
import type { Encodable } from './schema/index.ts'

const creditBytes = 64 << 10

/** Sends the leader of the queue with this prefix, and every change, until the caller goes. */
export async function observeLeader(
  backend: Backend,
  prefix: Uint8Array,
  call: StreamCall<Encodable<'LeaderResponse'>>,
): Promise<void> {
  const { engine } = await backend.nodeFor(call)
  const range = prefixRange(prefix)
  const told = { key: '', mod: 0 }
  for (;;) {
    const { records, revision } = await readRange(engine, { ...range, sort: 'create', limit: 1 }, {})
    const [leader] = records
    if (leader !== undefined && (leader.modRevision !== told.mod || hexOf(leader.key) !== told.key)) {
      told.key = hexOf(leader.key)
      told.mod = leader.modRevision
      call.send({ header: backend.header(leader.modRevision), kv: keyValueOf(leader) })
    }
    await change(engine, range, revision + 1, call, leader)
  }
}

function hexOf(key: Uint8Array): string {
  return Buffer.from(key).toString('hex')
}

/** Waits for something that may change the leader. */
function change(
  engine: Engine,
  range: ReturnType<typeof prefixRange>,
  fromRevision: number,
  { signal }: StreamCall<unknown>,
  leader: KvEntry | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const concerns = ({ key }: DecodedEvent): boolean => leader === undefined || hexOf(key) === hexOf(leader.key)
    const handle = engine.watch(
      {
        ...{ range, fromRevision, puts: true, deletes: true, emits: false },
        ...{ previous: false, creditBytes, progressMs: 0 },
      },
      {
        opened: () => {},
        delivered: (delivery) => {
          handle.consumed(delivery.sizeBytes)
          if (delivery.revisions().some(({ events }) => events.some(concerns))) end(resolve)
        },
        progress: () => {},
        // What was to be seen is compacted away: the next look shows what is there now.
        ended: (error) => end(isNitroError(error, 'Compacted') ? resolve : () => reject(error)),
      },
    )
    const end = (then: () => void): void => {
      signal.removeEventListener('abort', aborted)
      handle.close()
      then()
    }
    const aborted = (): void => end(() => reject(signal.reason))
    signal.addEventListener('abort', aborted)
    if (signal.aborted) aborted()
  })
}
