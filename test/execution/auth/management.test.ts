import { describe, expect, it } from 'vitest'
import { hex, utf8 } from '../../../base/index.ts'
import {
  decodeAuthRevision,
  decodeAuthStatus,
  decodeNames,
  decodePermissions,
  decodeUserInfo,
  encodeAuthArgs,
} from '../../../execution/index.ts'
import { Box, call, codeOf, payloadOf } from '../harness.ts'
import { AuthBox, command, noArgs, signingKey } from './box.ts'

const status = (box: AuthBox) => decodeAuthStatus(payloadOf(box.machine.query('auth', 'status', noArgs)))
const roles = (box: AuthBox, user: string) =>
  decodeUserInfo(payloadOf(box.machine.query('auth', 'userGet', encodeAuthArgs([user])))).roles
const permissions = (box: AuthBox, role: string) =>
  decodePermissions(payloadOf(box.machine.query('auth', 'roleGet', encodeAuthArgs([role])))).map(
    ({ access, key, rangeEnd }) => [access, hex(key), rangeEnd === undefined ? '' : hex(rangeEnd)].join(' '),
  )

describe('users', () => {
  it('have a name that nobody else has, and are listed in byte order', () => {
    const box = new AuthBox()
    expect(box.manage('userAdd', '', noArgs)).toBe('UserEmpty')
    expect(['b', 'a', 'ä'].map((name) => box.manage('userAdd', name, noArgs))).toEqual(['ok', 'ok', 'ok'])
    expect(box.manage('userAdd', 'a', utf8('x'))).toBe('UserExists')
    expect(decodeNames(payloadOf(box.machine.query('auth', 'userList', noArgs)))).toEqual(['a', 'b', 'ä'])
    expect(box.manage('userAdd', 'x'.repeat(257), noArgs)).toBe('KeyTooLarge')
  })

  it('that do not exist are not found, whatever is asked of them', () => {
    const box = new AuthBox()
    box.manage('roleAdd', 'r')
    expect([
      box.manage('userDelete', 'u'),
      box.manage('userChangePassword', 'u', utf8('x')),
      box.manage('userGrantRole', 'u', 'r'),
      box.manage('userRevokeRole', 'u', 'r'),
      box.ask('owner', 'auth', 'userGet', encodeAuthArgs(['u'])),
    ]).toEqual(Array(5).fill('UserNotFound'))
  })

  it('without a password do not get one later', () => {
    const box = new AuthBox()
    box.manage('userAdd', 'u', noArgs)
    const before = box.machine.auth.revision
    expect(box.manage('userChangePassword', 'u', utf8('secret'))).toBe('ok')
    expect(decodeUserInfo(payloadOf(box.machine.query('auth', 'userGet', encodeAuthArgs(['u'])))).noPassword).toBe(true)
    expect(box.machine.auth.revision).toBe(before + 1)
  })

  it('get roles that exist, and the role root in any case; getting one again changes nothing', () => {
    const box = new AuthBox()
    box.manage('userAdd', 'u', noArgs)
    expect(box.manage('userGrantRole', 'u', 'r')).toBe('RoleNotFound')
    box.manage('roleAdd', 'r')
    expect([box.manage('userGrantRole', 'u', 'root'), box.manage('userGrantRole', 'u', 'r')]).toEqual(['ok', 'ok'])
    const { revision } = box.machine.auth
    expect(box.manage('userGrantRole', 'u', 'r')).toBe('ok')
    expect([box.machine.auth.revision, roles(box, 'u')]).toEqual([revision, ['r', 'root']])
    expect(box.manage('userRevokeRole', 'u', 'root')).toBe('ok')
    expect(box.manage('userRevokeRole', 'u', 'root')).toBe('RoleNotGranted')
  })
})

describe('roles', () => {
  it('have a name that no other has', () => {
    const box = new AuthBox()
    expect([box.manage('roleAdd', ''), box.manage('roleAdd', 'r'), box.manage('roleAdd', 'r')]).toEqual([
      ...['RoleEmpty', 'ok', 'RoleExists'],
    ])
    expect(box.manage('roleDelete', 'q')).toBe('RoleNotFound')
    expect(box.grant('q', 'read', 'a')).toBe('RoleNotFound')
    expect(box.manage('roleRevokePermission', 'q', 'a', '')).toBe('RoleNotFound')
    expect(box.ask('owner', 'auth', 'roleGet', encodeAuthArgs(['q']))).toBe('RoleNotFound')
  })

  it('have at most one permission of a range, which the last grant says', () => {
    const box = new AuthBox()
    box.manage('roleAdd', 'r')
    for (const end of ['c', '', '\0', 'b']) expect(box.grant('r', 'read', 'a', end)).toBe('ok')
    expect(box.grant('r', 'write', 'a', '')).toBe('ok')
    expect(permissions(box, 'r')).toEqual(['write 61 ', 'read 61 00', 'read 61 62', 'read 61 63'])
    expect(box.manage('roleRevokePermission', 'r', 'a', 'd')).toBe('PermissionNotGranted')
    expect(box.manage('roleRevokePermission', 'r', 'a', 'b')).toBe('ok')
    expect(permissions(box, 'r')).toEqual(['write 61 ', 'read 61 00', 'read 61 63'])
  })

  it('refuse permissions without keys', () => {
    const box = new AuthBox()
    box.manage('roleAdd', 'r')
    expect([
      box.grant('r', 'read', '', 'a'),
      box.grant('r', 'read', 'b', 'b'),
      box.grant('r', 'read', 'b', 'a'),
    ]).toEqual(Array(3).fill('InvalidAuthManagement'))
    expect(box.grant('r', 'read', 'x'.repeat(10_000))).toBe('KeyTooLarge')
  })

  it('that are deleted are taken from their users', () => {
    const box = new AuthBox()
    for (const name of ['u', 'v']) box.addUser(name)
    box.manage('userGrantRole', 'v', 'u')
    expect(box.manage('roleDelete', 'u')).toBe('ok')
    expect([roles(box, 'u'), roles(box, 'v')]).toEqual([[], ['v']])
  })

  it('show root as what it is: all keys', () => {
    const box = new AuthBox()
    box.manage('roleAdd', 'root')
    box.grant('root', 'read', 'a')
    expect(permissions(box, 'root')).toEqual(['readwrite  00'])
  })
})

describe('permissions', () => {
  it('come in force only with a root that keeps its role', () => {
    const box = new AuthBox()
    expect(box.manage('enable', signingKey)).toBe('RootUserNotFound')
    box.manage('userAdd', 'root', noArgs)
    expect(box.manage('enable', signingKey)).toBe('RootRoleNotGranted')
    box.manage('userGrantRole', 'root', 'root')
    box.manage('roleAdd', 'root')
    const { revision } = box.machine.auth
    expect(box.manage('enable', signingKey)).toBe('ok')
    expect(status(box)).toEqual({ enabled: true, authRevision: revision })
    expect([
      box.manage('userDelete', 'root'),
      box.manage('userRevokeRole', 'root', 'root'),
      box.manage('roleDelete', 'root'),
    ]).toEqual(Array(3).fill('InvalidAuthManagement'))
    expect(box.manage('userChangePassword', 'root', utf8('new'))).toBe('ok')
  })

  it('put in force again change nothing, not even the key of tokens; taken out of force they do', () => {
    const box = new AuthBox()
    box.enable()
    const { revision } = box.machine.auth
    expect(box.manage('enable', new Uint8Array(32))).toBe('ok')
    expect(box.machine.auth.signingKey).toEqual(signingKey)
    expect(box.manage('disable')).toBe('ok')
    expect(box.manage('disable')).toBe('ok')
    expect([box.machine.auth.revision, box.machine.auth.signingKey.length]).toEqual([revision + 1, 0])
    expect([box.manage('userRevokeRole', 'root', 'root'), box.manage('userDelete', 'root')]).toEqual(['ok', 'ok'])
  })

  it('are managed without a revision of the store', () => {
    const box = new AuthBox()
    box.enable()
    expect(box.machine.revision).toBe(0)
    const result = box.run(command('owner', 'auth', 'roleAdd', encodeAuthArgs(['r'])))
    expect(decodeAuthRevision(payloadOf(result))).toBe(box.machine.auth.revision)
  })

  it('do not exist for the log before the flag is on', () => {
    const box = new Box()
    expect(codeOf(box.run(call('auth', 'roleAdd', encodeAuthArgs(['r']))))).toBe('UnknownProgram')
    expect(box.machine.auth.roles.size).toBe(0)
  })

  it('of malformed arguments change nothing', () => {
    const box = new AuthBox()
    for (const method of ['enable', 'userAdd', 'userGrantRole', 'roleGrantPermission', 'roleRevokePermission']) {
      expect(box.for('owner', 'auth', method, Uint8Array.of(5, 1))).toBe('MalformedFrame')
    }
    expect(box.for('owner', 'auth', 'roleAdd', Uint8Array.of(1, 97, 0))).toBe('MalformedFrame')
    expect(box.machine.auth.revision).toBe(1)
  })
})
