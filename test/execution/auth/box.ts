/** A machine whose members know users, and commands and queries for somebody. */
import { ByteWriter, emptyBytes, utf8 } from '../../../base/index.ts'
import {
  anonymous,
  authFlag,
  encodeAuthArgs,
  encodeCommand,
  encodeGrantPermissionArgs,
} from '../../../execution/index.ts'
import type { Access, Caller, Principal, SessionHeader } from '../../../execution/index.ts'
import { activateCommand } from '../../support/activation.ts'
import { Box, codeOf } from '../harness.ts'
import type { Disk, Options } from '../harness.ts'

export const signingKey = new Uint8Array(32).fill(7)

type Parts = readonly (string | Uint8Array)[]

/** A principal, or the name of a user as of now; `owner` is the owner. */
export type Name = Principal | string

export class AuthBox extends Box {
  constructor(options: Options = {}, disk: Disk = new Map()) {
    super({ ...options, activate: false }, disk)
    if (this.machine.activation.flagOn(authFlag)) return
    const { programs } = this.machine.activation.offer
    this.run(activateCommand({ programs, flags: [authFlag] }))
    this.flush()
  }

  /** A caller as a node would stamp it now. */
  user(name: string): Caller {
    if (name === '') return anonymous
    return { user: name, authRevision: this.machine.auth.revision }
  }

  /** Runs a command for somebody and gives the code of its result. */
  for(caller: Name, program: string, method: string, args: Uint8Array, header?: SessionHeader): string {
    return codeOf(this.run(command(this.known(caller), program, method, args, header)))
  }

  /** Asks for somebody and gives the code of the answer. */
  ask(caller: Name, program: string, method: string, args: Uint8Array): string {
    return codeOf(this.machine.query(program, method, args, 0, this.known(caller)))
  }

  private known(caller: Name): Caller {
    if (typeof caller !== 'string') return caller
    return caller === 'owner' ? caller : this.user(caller)
  }

  /** Manages as the owner of the process. */
  manage(method: string, ...parts: Parts): string {
    return this.for('owner', 'auth', method, encodeAuthArgs(parts))
  }

  grant(role: string, access: Access, key: string, rangeEnd = ''): string {
    const args = encodeGrantPermissionArgs(role, { access, key: utf8(key), rangeEnd: utf8(rangeEnd) })
    return this.for('owner', 'auth', 'roleGrantPermission', args)
  }

  /** Adds a user with one role of its own name. */
  addUser(name: string): void {
    for (const code of [
      this.manage('userAdd', name, utf8('credential')),
      name === 'root' ? 'ok' : this.manage('roleAdd', name),
      this.manage('userGrantRole', name, name),
    ]) {
      if (code !== 'ok') throw new Error(code)
    }
  }

  /** Puts permissions in force, with a root. */
  enable(): void {
    if (!this.machine.auth.users.has('root')) this.addUser('root')
    const code = this.manage('enable', signingKey)
    if (code !== 'ok') throw new Error(code)
  }
}

export const noArgs = emptyBytes

export function command(
  caller: Caller | undefined,
  program: string,
  method: string,
  args: Uint8Array,
  header?: SessionHeader,
): Uint8Array {
  const writer = new ByteWriter()
  encodeCommand(writer, { ...header, caller, program, method, args })
  return writer.take()
}
