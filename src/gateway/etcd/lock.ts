/** The Lock service: etcd's own lock recipe, run on the server. */
import { emptyBytes } from '../../../base/index.ts'
import { decodeDeleteResult, encodeDeleteArgs } from '../../../execution/codec.ts'
import type { Backend } from './backend.ts'
import type { CallContext } from './call.ts'
import { keyRangeOf } from './key-range.ts'
import { service, unary } from './methods.ts'
import type { Method } from './methods.ts'
import { Queue } from './queue.ts'
import type { Decoded, Encodable } from './schema/index.ts'

/** Methods of `v3lockpb.Lock`. */
export function lockService(backend: Backend): readonly Method[] {
  return service('v3lockpb.Lock', [
    unary('Lock', ['LockRequest', 'LockResponse'], ['/v3/lock/lock'], (request, call) => lock(backend, request, call)),
    unary('Unlock', ['UnlockRequest', 'UnlockResponse'], ['/v3/lock/unlock'], (request, call) =>
      unlock(backend, request, call),
    ),
  ])
}

async function lock(
  backend: Backend,
  { name, lease }: Decoded<'LockRequest'>,
  call: CallContext,
): Promise<Encodable<'LockResponse'>> {
  const queue = new Queue(await backend.nodeFor(call), name.slice())
  const place = await queue.enter(lease, emptyBytes, call)
  await queue.turn(place, call)
  return { header: backend.header(), key: place.key }
}

async function unlock(
  backend: Backend,
  { key }: Decoded<'UnlockRequest'>,
  call: CallContext,
): Promise<Encodable<'UnlockResponse'>> {
  const args = encodeDeleteArgs(keyRangeOf(key, emptyBytes))
  const { engine } = await backend.nodeFor(call)
  const payload = await engine.command('kv', 'delete', args, { timeoutMs: call.timeoutMs })
  const { revision } = decodeDeleteResult(payload)
  return { header: backend.header(revision) }
}
