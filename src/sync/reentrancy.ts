/** Finds out that somebody is about to wait for himself: `withLock` within `withLock` of the same name, across awaits. */
import { NitroError, latin1 } from '../../base/index.ts'
import type { AsyncContext } from '../../base/index.ts'
import type { SyncResource } from '../../execution/codec.ts'
import type { Grant } from './grant.ts'
import { text } from './names.ts'

/** A lock under which the present code runs, and those around it. */
interface Frame {
  readonly owner: object
  readonly key: string
  readonly grant: Grant
  readonly outer: Frame | undefined
}

/** Throws `Reentrant` if the code that asks runs under a lock of this resource that is still held. */
export function refuseReentrant(context: AsyncContext, owner: object, resource: SyncResource): void {
  const key = keyOf(resource)
  for (let frame = context.get() as Frame | undefined; frame !== undefined; frame = frame.outer) {
    if (frame.owner !== owner || frame.key !== key || frame.grant.signal.aborted) continue
    throw new NitroError(
      'Reentrant',
      `${text(resource.name)} is held by the code that asks for it: it would wait for itself`,
    )
  }
}

/** Runs `body` as code under a grant. */
export function runUnder<T>(context: AsyncContext, owner: object, grant: Grant, body: () => T): T {
  const frame: Frame = { owner, key: keyOf(grant.resource), grant, outer: context.get() as Frame | undefined }
  return context.run(frame, body)
}

function keyOf({ kind, namespace, name }: SyncResource): string {
  return `${kind} ${namespace.length} ${latin1(namespace)}${latin1(name)}`
}
