/** Who a command or query is for. */
import { NitroError, latin1, utf8 } from '../../base/index.ts'
import type { ByteWriter } from '../../base/index.ts'
import { authLimits } from './limits.ts'

/**
 * A user whose token or password was checked, and the auth revision at which that was. When users, roles or passwords have changed
 * since, it counts no more and must be made anew.
 */
export interface Principal {
  /** Empty for {@link anonymous}. */
  readonly user: string
  readonly authRevision: number
}

/** Nobody in particular: who has shown neither token nor password. */
export const anonymous: Principal = Object.freeze({ user: '', authRevision: 0 })

/** A user, nobody in particular, or the owner of the process itself, who may do everything. */
export type Caller = Principal | 'owner'

/** A caller as the machine compares it: the name is latin1 of its bytes. */
export interface KnownCaller {
  readonly isOwner: boolean
  readonly name: string
  readonly authRevision: number
}

/** The caller in the machine's form. */
export function knownCaller(caller: Caller): KnownCaller {
  if (caller === 'owner') return { isOwner: true, name: '', authRevision: 0 }
  return { isOwner: false, name: latin1(utf8(caller.user)), authRevision: caller.authRevision }
}

/** Whether a command says who it is for: the anonymous ones say nothing. */
export function isNamed(caller: Caller | undefined): caller is Caller {
  return caller !== undefined && (caller === 'owner' || caller.user !== '')
}

/** Appends a caller that {@link isNamed}. The owner is written as a user without a name. Throws `InvalidArgument`. */
export function writeCaller(writer: ByteWriter, caller: Caller): void {
  const name = caller === 'owner' ? '' : caller.user
  const bytes = utf8(name)
  if (bytes.length > authLimits.nameBytes)
    throw new NitroError('InvalidArgument', `a user's name of ${bytes.length} bytes`)
  writer.blob(bytes)
  writer.uint(caller === 'owner' ? 0 : caller.authRevision)
}
