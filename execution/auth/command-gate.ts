/**
 * Whether a command may run, decided where it is applied. It reads the arguments once more than the command does, and only while
 * permissions are in force.
 */
import { ByteReader, latin1 } from '../../base/index.ts'
import { builtins, kvMethods, leaseMethods, syncMethods } from '../command.ts'
import type { CommandHeader } from '../command.ts'
import { readKeyRange } from '../kv-codec.ts'
import { boundsOf } from '../range.ts'
import { decodeAcquireArgs, readResource } from '../sync/codec.ts'
import { decodeRemoveArgs, decodeTxnArgs, decodeWriteArgs } from '../txn-codec.ts'
import type { DeleteOperation, Operation, PutOperation, Txn } from '../txn.ts'
import type { Gate } from './gate.ts'
import { programPermissionKey, resourcePermissionKey } from './names.ts'
import type { KnownCaller } from './principal.ts'

/** Lets commands through, or not. */
export class CommandGate {
  private readonly gate: Gate

  constructor(gate: Gate) {
    this.gate = gate
  }

  /** Throws `UserEmpty`, `AuthOldRevision` or `PermissionDenied`, and `MalformedFrame` for arguments that are none. */
  check(entry: Uint8Array, header: CommandHeader): void {
    const caller = callerOf(entry, header)
    if (caller.isOwner) return
    const { program, method, argsAt, argsEnd } = header
    switch (program) {
      case 0:
        return this.gate.key(caller, 'write', programPermissionKey(latin1(entry, header.nameAt, header.nameEnd)))
      case builtins.kv:
        return this.kv(caller, method, new ByteReader(entry, argsAt, argsEnd))
      case builtins.lease:
        return this.lease(caller, method, new ByteReader(entry, argsAt, argsEnd))
      case builtins.sync:
        return this.sync(caller, method, new ByteReader(entry, argsAt, argsEnd))
      case builtins.session:
        return this.gate.user(caller)
      case builtins.auth:
        return this.gate.root(caller)
      default:
    }
  }

  private kv(caller: KnownCaller, method: number, reader: ByteReader): void {
    switch (method) {
      case kvMethods.put:
        return this.gate.key(caller, 'write', reader.latin1())
      case kvMethods.delete:
        return this.gate.range(caller, 'write', ...boundsOf(readKeyRange(reader)))
      case kvMethods.write:
        return this.put(caller, decodeWriteArgs(reader))
      case kvMethods.remove:
        return this.remove(caller, decodeRemoveArgs(reader))
      case kvMethods.txn:
        return this.txn(caller, decodeTxnArgs(reader))
      default:
        return this.gate.root(caller)
    }
  }

  private put(caller: KnownCaller, { key, lease, prevKv }: PutOperation): void {
    const name = latin1(key)
    this.gate.key(caller, 'write', name)
    // Whoever can't revoke a lease must not hand it keys of others' to delete, nor its own to it.
    this.gate.lease(caller, 'write', lease)
    if (prevKv) this.gate.key(caller, 'read', name)
  }

  private remove(caller: KnownCaller, { range, prevKv }: DeleteOperation): void {
    const bounds = boundsOf(range)
    this.gate.range(caller, 'write', ...bounds)
    if (prevKv) this.gate.range(caller, 'read', ...bounds)
  }

  /** Both branches are checked, whichever will run: what a transaction may not do must not show in its answer either. */
  private txn(caller: KnownCaller, { conditions, success, failure }: Txn): void {
    for (const condition of conditions) {
      if (condition.target === 'held') this.gate.key(caller, 'read', resourcePermissionKey(condition.grant))
      else this.gate.range(caller, 'read', ...boundsOf(condition.range))
    }
    for (const op of success) this.operation(caller, op)
    for (const op of failure) this.operation(caller, op)
  }

  private operation(caller: KnownCaller, op: Operation): void {
    switch (op.kind) {
      case 'put':
        return this.put(caller, op)
      case 'delete':
        return this.remove(caller, op)
      case 'range':
        return this.gate.range(caller, 'read', ...boundsOf(op.request))
      case 'txn':
        return this.txn(caller, op.txn)
    }
  }

  /** As in etcd, anybody may make and keep leases: they have no keys but those that their users may write. */
  private lease(caller: KnownCaller, method: number, reader: ByteReader): void {
    if (method === leaseMethods.revoke) this.gate.lease(caller, 'write', reader.uint())
  }

  private sync(caller: KnownCaller, method: number, reader: ByteReader): void {
    if (method === syncMethods.acquire) {
      const request = decodeAcquireArgs(reader)
      this.gate.key(caller, 'write', resourcePermissionKey(request))
      this.gate.lease(caller, 'write', request.lease)
    } else this.gate.key(caller, 'write', resourcePermissionKey(readResource(reader)))
  }
}

/** Who a command says it is for. */
function callerOf(entry: Uint8Array, { callerAt, callerEnd, authRevision }: CommandHeader): KnownCaller {
  if (callerAt < 0) return { isOwner: false, name: '', authRevision: 0 }
  return { isOwner: callerAt === callerEnd, name: latin1(entry, callerAt, callerEnd), authRevision }
}
