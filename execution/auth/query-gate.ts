/** Whether a query may be answered, decided on the state that answers it. */
import { ByteReader, latin1, prefixEnd } from '../../base/index.ts'
import { builtins } from '../command.ts'
import { decodeHistoryArgs, decodeRangeArgs } from '../kv-codec.ts'
import { boundsOf } from '../range.ts'
import { readResource } from '../sync/codec.ts'
import { firstUserKey } from '../sync/key.ts'
import { decodeSyncListArgs } from '../sync/query-codec.ts'
import type { Gate } from './gate.ts'
import { namespacePrefix, programPermissionKey, resourcePermissionKey } from './names.ts'
import { knownCaller } from './principal.ts'
import type { Caller, KnownCaller } from './principal.ts'

/** Lets queries through, or not. */
export class QueryGate {
  private readonly gate: Gate

  constructor(gate: Gate) {
    this.gate = gate
  }

  /** Throws `UserEmpty`, `AuthOldRevision` or `PermissionDenied`, and `MalformedFrame` for arguments that are none. */
  check(by: Caller, program: string, method: string, args: Uint8Array): void {
    if (by === 'owner') return
    const caller = knownCaller(by)
    if (!Object.hasOwn(builtins, program)) return this.gate.key(caller, 'read', programPermissionKey(program))
    if (program === 'kv') this.kv(caller, method, args)
    else if (program === 'lease') this.lease(caller, method, args)
    else if (program === 'sync') this.sync(caller, method, args)
    else if (program === 'auth') this.auth(caller, method, args)
  }

  private kv(caller: KnownCaller, method: string, args: Uint8Array): void {
    if (method === 'get') this.gate.key(caller, 'read', latin1(args))
    else if (method === 'range') this.gate.range(caller, 'read', ...boundsOf(decodeRangeArgs(args)))
    else if (method === 'history') this.gate.key(caller, 'read', latin1(decodeHistoryArgs(args).key))
  }

  private lease(caller: KnownCaller, method: string, args: Uint8Array): void {
    if (method !== 'timeToLive') return
    const reader = new ByteReader(args)
    const id = reader.uint()
    if (reader.u8() === 0) return
    this.gate.user(caller)
    this.gate.lease(caller, 'read', id)
  }

  private sync(caller: KnownCaller, method: string, args: Uint8Array): void {
    if (method !== 'list')
      return this.gate.key(caller, 'read', resourcePermissionKey(readResource(new ByteReader(args))))
    const { namespace, prefix = new Uint8Array() } = decodeSyncListArgs(args)
    // Without a namespace names of all of them are listed, and these begin with anything.
    const start = namespace === undefined ? '' : namespacePrefix(namespace) + latin1(prefix)
    this.gate.range(caller, 'read', start === '' ? firstUserKey : start, start === '' ? undefined : prefixEnd(start))
  }

  /** As in etcd, users may look at themselves and at roles they have, also when they were identified before the last change. */
  private auth(caller: KnownCaller, method: string, args: Uint8Array): void {
    const { auth } = this.gate
    if (method === 'userGet' && isOwn(caller.name, new ByteReader(args).latin1())) return
    if (method === 'roleGet' && auth.users.get(caller.name)?.roles.includes(new ByteReader(args).latin1()) === true)
      return
    this.gate.root(caller)
  }
}

function isOwn(name: string, asked: string): boolean {
  return name !== '' && name === asked
}
