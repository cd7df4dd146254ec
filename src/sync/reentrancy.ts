/**
 * Finds out that somebody is about to wait for himself, across awaits: `withLock` within `withLock` of the same name, a run that waits for
 * the end of its own job.
 */
import { NitroError, latin1 } from '../../base/index.ts'
import type { AsyncContext } from '../../base/index.ts'
import type { SyncResource } from '../../execution/codec.ts'
import type { Grant } from './grant.ts'
import { text } from './names.ts'

/** A lock under which the present code runs, or a job that runs it, and those around it. */
interface Frame {
  readonly owner: object
  readonly key: string
  /** None for a job. */
  readonly grant: Grant | undefined
  readonly outer: Frame | undefined
}

/** Throws `Reentrant` if the code that asks runs under a lock of this resource that is still held. */
export function refuseReentrant(context: AsyncContext, owner: object, resource: SyncResource): void {
  const key = keyOf(resource)
  for (const frame of frames(context)) {
    if (frame.owner !== owner || frame.key !== key || frame.grant?.signal.aborted === true) continue
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

/** Runs `body` as code of a job. */
export function runWithin<T>(context: AsyncContext, owner: object, body: () => T): T {
  const frame: Frame = { owner, key: '', grant: undefined, outer: context.get() as Frame | undefined }
  return context.run(frame, body)
}

/** Whether the code that asks is code of this job. */
export function isWithin(context: AsyncContext, owner: object): boolean {
  return frames(context).some((frame) => frame.owner === owner)
}

/** The frames around the present code, the innermost first. */
function frames(context: AsyncContext): readonly Frame[] {
  const all: Frame[] = []
  for (let frame = context.get() as Frame | undefined; frame !== undefined; frame = frame.outer) all.push(frame)
  return all
}

function keyOf({ kind, namespace, name }: SyncResource): string {
  return `${kind} ${namespace.length} ${latin1(namespace)}${latin1(name)}`
}
