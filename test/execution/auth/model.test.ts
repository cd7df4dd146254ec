/** Random users, roles, permissions and requests, against a model that looks every key up one by one. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emptyBytes, utf8 } from '../../../base/index.ts'
import {
  anonymous,
  authFlag,
  encodeAuthArgs,
  encodeDeleteArgs,
  encodeGrantPermissionArgs,
  encodePutArgs,
  encodeRangeArgs,
  encodeTxnArgs,
} from '../../../execution/index.ts'
import type { Access, Caller, Operation } from '../../../execution/index.ts'
import { activateCommand } from '../../support/activation.ts'
import { Box, codeOf } from '../harness.ts'
import { command, noArgs } from './box.ts'

const letters = ['a', 'b', 'c', 'd', 'e'] as const
const users = ['root', 'u', 'v'] as const
const roles = ['r', 's', 'root'] as const

type Range = readonly [key: string, rangeEnd: string]
type Action =
  | { readonly do: 'manage'; readonly method: string; readonly names: readonly string[] }
  | { readonly do: 'grant'; readonly role: string; readonly access: Access; readonly range: Range }
  | { readonly do: 'revoke'; readonly role: string; readonly range: Range }
  | { readonly do: 'put'; readonly by: string; readonly lag: number; readonly key: string }
  | { readonly do: 'delete' | 'read'; readonly by: string; readonly lag: number; readonly range: Range }
  | { readonly do: 'txn'; readonly by: string; readonly lag: number; readonly ops: readonly (Range | string)[] }
  | { readonly do: 'flush' | 'restart' }

const letter = fc.constantFrom(...letters)
const range: fc.Arbitrary<Range> = fc.tuple(letter, fc.constantFrom('', '\0', ...letters))
const user = fc.constantFrom(...users)
const role = fc.constantFrom(...roles)
const who = { by: fc.constantFrom('owner', '', 'stranger', ...users), lag: fc.constantFrom(0, 0, 0, 1) }
const manage = (method: string, ...names: fc.Arbitrary<string>[]): fc.Arbitrary<Action> =>
  fc.tuple(...names).map((all) => ({ do: 'manage', method, names: all }))

const action: fc.Arbitrary<Action> = fc.oneof(
  manage('enable'),
  manage('disable'),
  manage('userAdd', user),
  manage('userDelete', user),
  manage('userGrantRole', user, role),
  manage('userRevokeRole', user, role),
  manage('roleAdd', role),
  manage('roleDelete', role),
  fc.record({ do: fc.constant('grant' as const), role, access: fc.constantFrom('read', 'write', 'readwrite'), range }),
  fc.record({ do: fc.constant('revoke' as const), role, range }),
  fc.record({ do: fc.constant('put' as const), ...who, key: letter }),
  fc.record({ do: fc.constantFrom('delete' as const, 'read' as const), ...who, range }),
  fc.record({ do: fc.constant('txn' as const), ...who, ops: fc.array(fc.oneof(letter, range), { maxLength: 3 }) }),
  fc.record({ do: fc.constantFrom('flush' as const, 'restart' as const) }),
)

/** Points that tell every range over the letters apart: each letter, just behind it, and far behind all. */
const points = [...letters.flatMap((one) => [one, `${one}\0`, `${one}x`]), 'z']
const isIn = (at: string, [key, end]: Range): boolean =>
  end === '' ? at === key : at >= key && (end === '\0' || at < end)
/** As it is asked: an end at or before the key leaves only the key. */
const pointsOf = (asked: Range): readonly string[] => {
  const [key, end] = asked
  if (end !== '' && end !== '\0' && end <= key) return [key]
  return points.filter((at) => isIn(at, asked))
}

/** What the auth program is, said as plainly as possible. */
class Model {
  enabled = false
  revision = 1
  readonly users = new Map<string, Set<string>>()
  readonly roles = new Map<string, Map<string, readonly [Range, Access]>>()

  /** Applies management and gives its code. */
  manage(method: string, [name = '', other = '']: readonly string[]): string {
    const code = this.refused(method, name, other)
    if (code !== undefined) return code
    const had = this.users.get(name)?.has(other)
    switch (method) {
      case 'enable':
        this.enabled = true
        return 'ok'
      case 'disable':
        if (!this.enabled) return 'ok'
        this.enabled = false
        break
      case 'userAdd':
        this.users.set(name, new Set())
        break
      case 'userDelete':
        this.users.delete(name)
        break
      case 'userGrantRole':
        if (had === true) return 'ok'
        this.users.get(name)?.add(other)
        break
      case 'userRevokeRole':
        this.users.get(name)?.delete(other)
        break
      case 'roleAdd':
        this.roles.set(name, new Map())
        break
      default:
        this.roles.delete(name)
        for (const held of this.users.values()) held.delete(name)
    }
    this.revision++
    return 'ok'
  }

  private refused(method: string, name: string, other: string): string | undefined {
    const held = this.users.get(name)
    const isLocked = this.enabled && name === 'root'
    if (method === 'enable' && !this.enabled) {
      const root = this.users.get('root')
      return root === undefined ? 'RootUserNotFound' : root.has('root') ? undefined : 'RootRoleNotGranted'
    }
    if (method === 'userAdd' && held !== undefined) return 'UserExists'
    if (method === 'roleAdd' && this.roles.has(name)) return 'RoleExists'
    if (isLocked && (method === 'userDelete' || method === 'roleDelete')) return 'InvalidAuthManagement'
    if (isLocked && method === 'userRevokeRole' && other === 'root') return 'InvalidAuthManagement'
    if (method === 'roleDelete' && !this.roles.has(name)) return 'RoleNotFound'
    if (['userDelete', 'userGrantRole', 'userRevokeRole'].includes(method) && held === undefined) return 'UserNotFound'
    if (method === 'userGrantRole' && other !== 'root' && !this.roles.has(other)) return 'RoleNotFound'
    if (method === 'userRevokeRole' && held?.has(other) !== true) return 'RoleNotGranted'
    return undefined
  }

  grant(role: string, access: Access, range: Range): string {
    const [key, end] = range
    if (end !== '' && end !== '\0' && end <= key) return 'InvalidAuthManagement'
    if (!this.roles.has(role)) return 'RoleNotFound'
    this.roles.get(role)?.set(range.join(' '), [range, access])
    this.revision++
    return 'ok'
  }

  revoke(role: string, range: Range): string {
    if (!this.roles.has(role)) return 'RoleNotFound'
    if (this.roles.get(role)?.delete(range.join(' ')) !== true) return 'PermissionNotGranted'
    this.revision++
    return 'ok'
  }

  /** Whether somebody may read or write all keys of a range: each point by itself, by any of the roles. */
  decide(caller: Caller, wish: 'read' | 'write', range: Range): string {
    if (!this.enabled || caller === 'owner') return 'ok'
    if (caller.user === '') return 'UserEmpty'
    if (caller.authRevision < this.revision) return 'AuthOldRevision'
    const held = this.users.get(caller.user)
    if (held === undefined) return 'PermissionDenied'
    if (held.has('root')) return 'ok'
    const permissions = [...held].flatMap((role) => [...(this.roles.get(role)?.values() ?? [])])
    const fits = (at: string): boolean =>
      permissions.some(([of, access]) => (access === wish || access === 'readwrite') && isIn(at, of))
    return pointsOf(range).every(fits) ? 'ok' : 'PermissionDenied'
  }

  caller(by: string, lag: number): Caller {
    if (by === 'owner') return by
    return by === '' ? anonymous : { user: by, authRevision: Math.max(0, this.revision - lag) }
  }
}

const coded = ([key, end]: Range) =>
  end === '\0' ? { start: utf8(key), fromKey: true } : { start: utf8(key), ...(end === '' ? {} : { end: utf8(end) }) }
const putOf = (key: string): Operation => ({
  ...{ kind: 'put', key: utf8(key), value: emptyBytes, lease: 0 },
  ...{ prevKv: false, ignoreValue: false, ignoreLease: false },
})

/** The command of an action, and the code it must be answered with. */
function expected(model: Model, one: Action): { readonly bytes: Uint8Array; readonly code: string } | undefined {
  switch (one.do) {
    case 'manage': {
      const extra = one.method === 'enable' ? [new Uint8Array(32)] : one.method === 'userAdd' ? [utf8('x')] : []
      const bytes = command('owner', 'auth', one.method, encodeAuthArgs([...one.names, ...extra]))
      return { bytes, code: model.manage(one.method, one.names) }
    }
    case 'grant': {
      const permission = { access: one.access, key: utf8(one.range[0]), rangeEnd: utf8(one.range[1]) }
      const args = encodeGrantPermissionArgs(one.role, permission)
      const bytes = command('owner', 'auth', 'roleGrantPermission', args)
      return { bytes, code: model.grant(one.role, one.access, one.range) }
    }
    case 'revoke': {
      const bytes = command('owner', 'auth', 'roleRevokePermission', encodeAuthArgs([one.role, ...one.range]))
      return { bytes, code: model.revoke(one.role, one.range) }
    }
    case 'put': {
      const caller = model.caller(one.by, one.lag)
      const bytes = command(caller, 'kv', 'put', encodePutArgs(utf8(one.key), emptyBytes))
      return { bytes, code: model.decide(caller, 'write', [one.key, '']) }
    }
    case 'delete': {
      const caller = model.caller(one.by, one.lag)
      const bytes = command(caller, 'kv', 'delete', encodeDeleteArgs(coded(one.range)))
      return { bytes, code: model.decide(caller, 'write', one.range) }
    }
    case 'txn': {
      const caller = model.caller(one.by, one.lag)
      const keys = new Set(one.ops.filter((op) => typeof op === 'string'))
      const ranges = one.ops.filter((op) => typeof op !== 'string')
      const success = [...keys].map(putOf)
      const failure: Operation[] = ranges.map((of) => ({ kind: 'range', request: coded(of) }))
      const bytes = command(caller, 'kv', 'txn', encodeTxnArgs({ conditions: [], success, failure }))
      const codes = [
        ...[...keys].map((key) => model.decide(caller, 'write', [key, ''])),
        ...ranges.map((of) => model.decide(caller, 'read', of)),
      ]
      return { bytes, code: codes.find((code) => code !== 'ok') ?? 'ok' }
    }
    default:
      return undefined
  }
}

test('permissions are what a look at every key says, and the same on a member that flushes and restarts at other times', () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 10, maxLength: 80 }), fc.boolean(), (actions, early) => {
      const model = new Model()
      const box = new Box({ activate: false })
      const other = new Box({ activate: false })
      const both = (bytes: Uint8Array): string => {
        const result = box.run(bytes)
        expect(other.run(bytes)).toEqual(result)
        return codeOf(result)
      }
      both(activateCommand({ programs: [], flags: [authFlag] }))
      // Without a root nothing would ever be in force.
      const setUp: Action[] = early
        ? [
            { do: 'manage', method: 'userAdd', names: ['root'] },
            { do: 'manage', method: 'userGrantRole', names: ['root', 'root'] },
            { do: 'manage', method: 'roleAdd', names: ['r'] },
            { do: 'manage', method: 'userAdd', names: ['u'] },
            { do: 'manage', method: 'userGrantRole', names: ['u', 'r'] },
            { do: 'manage', method: 'enable', names: [] },
          ]
        : []
      for (const one of [...setUp, ...actions]) {
        if (one.do === 'flush' || one.do === 'restart') {
          box.flush()
          if (one.do === 'restart') box.restart()
          expect(box.hash()).toBe(other.hash())
          continue
        }
        if (one.do === 'read') {
          const caller = model.caller(one.by, one.lag)
          const code = codeOf(box.machine.query('kv', 'range', encodeRangeArgs(coded(one.range)), 0, caller))
          expect([one, code]).toEqual([one, model.decide(caller, 'read', one.range)])
          continue
        }
        const wanted = expected(model, one)
        if (wanted === undefined) continue
        expect([one, both(wanted.bytes)]).toEqual([one, wanted.code])
        expect([box.machine.auth.revision, box.machine.auth.enabled]).toEqual([model.revision, model.enabled])
      }
      expect(box.hash()).toBe(other.hash())
    }),
    { numRuns: 300 },
  )
})

test('users, roles and permissions are there again after a restart and in a snapshot, or the state is refused', () => {
  const box = new Box({ activate: false })
  box.run(activateCommand({ programs: [], flags: [authFlag] }))
  const owner = (method: string, ...parts: (string | Uint8Array)[]) =>
    codeOf(box.run(command('owner', 'auth', method, encodeAuthArgs(parts))))
  for (const name of ['root', 'u']) owner('userAdd', name, utf8('x'))
  owner('userGrantRole', 'root', 'root')
  owner('enable', new Uint8Array(32).fill(3))
  box.flush()
  const older = new Map(box.disk)
  owner('userDelete', 'u')
  owner('userChangePassword', 'root', utf8('y'))
  box.flush()
  const { hash, disk } = { hash: box.hash(), disk: new Map(box.disk) }
  box.restart()
  expect(box.hash()).toBe(hash)
  expect([...box.machine.auth.users.keys(), box.machine.auth.signingKey]).toEqual(['root', new Uint8Array(32).fill(3)])
  expect(codeOf(box.run(command(undefined, 'kv', 'put', encodePutArgs(utf8('k'), noArgs))))).toBe('UserEmpty')
  for (const key of [...disk.keys()].filter((one) => one.startsWith('a'))) {
    const lost = new Map(disk)
    lost.delete(key)
    expect(() => new Box({}, lost)).toThrow(expect.objectContaining({ code: 'StateDamaged' }))
    const value = Uint8Array.from(disk.get(key) as Uint8Array)
    value[3] = (value[3] as number) ^ 1
    // Intact, and not what was written last.
    const stale = new Map(disk).set(key, older.get(key) as Uint8Array)
    expect(() => new Box({}, stale)).toThrow(expect.objectContaining({ code: 'StateDamaged' }))
    expect(() => new Box({}, new Map(disk).set(key, value))).toThrow(expect.objectContaining({ code: 'StateDamaged' }))
  }
})
