import { describe, expect, it, test } from 'vitest'
import { concatBytes, emptyBytes, encodeValue, fromLatin1, latin1, utf8 } from '../../../base/index.ts'
import {
  anonymous,
  defineProgram,
  encodeAcquireArgs,
  encodeAuthArgs,
  encodeCellArgs,
  encodeCompactArgs,
  encodeDeleteArgs,
  encodeHistoryArgs,
  encodeInspectArgs,
  encodeKeepAliveArgs,
  encodeLeaseGrantArgs,
  encodeLeaseRevokeArgs,
  encodeProclaimArgs,
  encodePutArgs,
  encodeRangeArgs,
  encodeReleaseArgs,
  encodeRemoveArgs,
  encodeSetArgs,
  encodeSyncCancelArgs,
  encodeSyncListArgs,
  encodeTimeToLiveArgs,
  encodeTxnArgs,
  encodeWriteArgs,
  programPermissionKey,
  syncCellKey,
  syncKinds,
  syncRange,
} from '../../../execution/index.ts'
import type { AcquireRequest, Access, Condition, Operation, PutOperation, Txn } from '../../../execution/index.ts'
import { acquireId, resource } from '../sync-box.ts'
import { payloadOf } from '../harness.ts'
import { AuthBox, command, noArgs } from './box.ts'

type Need = readonly [access: 'read' | 'write', key: string, rangeEnd?: string]

/** One way to the state, and everything that its caller must be allowed. */
interface Path {
  readonly name: string
  readonly program: string
  readonly method: string
  readonly args: Uint8Array
  readonly needs: readonly Need[]
}

const bank = defineProgram({
  name: 'bank',
  version: 1,
  methods: { move: (tx) => tx.put('secret', 'moved') },
  queries: { count: () => 1 },
})

const path = (name: string, at: string, args: Uint8Array, ...needs: Need[]): Path => {
  const [program = '', method = ''] = at.split('.')
  return { name, program, method, args, needs }
}
const range = (start: string, end: string) => ({ start: utf8(start), end: utf8(end) })
const putOf = (key: string, options: Partial<PutOperation> = {}): PutOperation => ({
  ...{ kind: 'put', key: utf8(key), value: emptyBytes, lease: 0 },
  ...{ prevKv: false, ignoreValue: false, ignoreLease: false },
  ...options,
})
const txnOf = (parts: Partial<Txn>): Uint8Array => encodeTxnArgs({ conditions: [], success: [], failure: [], ...parts })
const nested = (op: Operation): Operation => ({ kind: 'txn', txn: { conditions: [], success: [], failure: [op] } })
const exists = (key: string): Condition => ({ target: 'exists', range: { start: utf8(key) }, exists: true })
const reading: Operation = { kind: 'range', request: range('m', 'n') }
const deleting: Operation = { kind: 'delete', range: range('d', 'e'), prevKv: true }
const lock = resource('lock')
const acquiring: AcquireRequest = {
  ...lock,
  mode: 'exclusive',
  ...{ capacity: 1, lease: 7, acquireId: acquireId(1), wait: true, maxHoldMs: 0, label: emptyBytes, value: emptyBytes },
}

/** Lease 7 has the key `leased`. */
const commands: readonly Path[] = [
  path('a put', 'kv.put', encodePutArgs(utf8('k'), utf8('v')), ['write', 'k']),
  path('a delete of a range', 'kv.delete', encodeDeleteArgs(range('a', 'c')), ['write', 'a', 'c']),
  path('a put that keeps the lease', 'kv.write', encodeWriteArgs(putOf('leased', { ignoreLease: true })), [
    ...(['write', 'leased'] as const),
  ]),
  path(
    'a put with the record before',
    'kv.write',
    encodeWriteArgs(putOf('k', { prevKv: true })),
    ['write', 'k'],
    [...(['read', 'k'] as const)],
  ),
  path(
    'a put with a lease',
    'kv.write',
    encodeWriteArgs(putOf('k', { lease: 7 })),
    ['write', 'k'],
    ['write', 'leased'],
  ),
  path(
    'a delete with the records before',
    'kv.remove',
    encodeRemoveArgs({ range: range('d', 'e'), prevKv: true }),
    [...(['write', 'd', 'e'] as const)],
    ['read', 'd', 'e'],
  ),
  path('a condition', 'kv.txn', txnOf({ conditions: [exists('c')] }), ['read', 'c']),
  path('a condition on a grant', 'kv.txn', txnOf({ conditions: [{ target: 'held', grant: { ...lock, token: 1 } }] }), [
    'read',
    'app/lock',
  ]),
  path(
    'a condition of a range',
    'kv.txn',
    txnOf({ conditions: [{ ...exists('m'), range: range('m', 'n') } as Condition] }),
    [...(['read', 'm', 'n'] as const)],
  ),
  path('a branch that runs', 'kv.txn', txnOf({ success: [putOf('p')], failure: [] }), ['write', 'p']),
  path('a branch that does not run', 'kv.txn', txnOf({ failure: [putOf('p')] }), ['write', 'p']),
  path('a read in a transaction', 'kv.txn', txnOf({ success: [reading] }), ['read', 'm', 'n']),
  path('a delete in a transaction', 'kv.txn', txnOf({ failure: [deleting] }), ['write', 'd', 'e'], ['read', 'd', 'e']),
  path(
    'a put with a lease in a transaction',
    'kv.txn',
    txnOf({ success: [putOf('p', { lease: 7, prevKv: true })] }),
    [...(['write', 'p'] as const)],
    ['read', 'p'],
    ['write', 'leased'],
  ),
  path(
    'transactions in transactions',
    'kv.txn',
    txnOf({ failure: [nested(nested(putOf('p'))), nested(reading)] }),
    [...(['write', 'p'] as const)],
    ['read', 'm', 'n'],
  ),
  path(
    'a condition in a nested transaction',
    'kv.txn',
    txnOf({
      success: [{ kind: 'txn', txn: { conditions: [exists('c')], success: [], failure: [] } }],
    }),
    ['read', 'c'],
  ),
  path('a revoke of a lease with keys', 'lease.revoke', encodeLeaseRevokeArgs(7), ['write', 'leased']),
  path('an acquire', 'sync.acquire', encodeAcquireArgs(acquiring), ['write', 'app/lock'], ['write', 'leased']),
  path('a release', 'sync.release', encodeReleaseArgs(lock, 1), ['write', 'app/lock']),
  path('a cancel', 'sync.cancel', encodeSyncCancelArgs(lock, 7, acquireId(1)), ['write', 'app/lock']),
  path('a proclamation', 'sync.proclaim', encodeProclaimArgs(lock, 1, utf8('x')), ['write', 'app/lock']),
  path(
    'a cell without a namespace',
    'sync.set',
    encodeSetArgs({ ...resource('cell', syncKinds.latch, ''), token: 0, ifRevision: undefined, value: utf8('x') }),
    ['write', 'cell'],
  ),
  path('a method of a program', 'bank.move', encodeValue(null), ['write', programPermissionKey('bank')]),
]

const queries: readonly Path[] = [
  path('a get', 'kv.get', utf8('k'), ['read', 'k']),
  path('a range', 'kv.range', encodeRangeArgs(range('a', 'c')), ['read', 'a', 'c']),
  path('a count', 'kv.range', encodeRangeArgs({ ...range('a', 'c'), countOnly: true }), ['read', 'a', 'c']),
  path('a read of the past', 'kv.range', encodeRangeArgs({ start: utf8('k'), revision: 1 }), ['read', 'k']),
  path('all keys', 'kv.range', encodeRangeArgs({ start: Uint8Array.of(0), fromKey: true }), ['read', '\x01', '\0']),
  path('a history', 'kv.history', encodeHistoryArgs({ key: utf8('k') }), ['read', 'k']),
  path('the keys of a lease', 'lease.timeToLive', encodeTimeToLiveArgs(7, true), ['read', 'leased']),
  path('an inspection', 'sync.inspect', encodeInspectArgs(lock), ['read', 'app/lock']),
  path('a cell', 'sync.cell', encodeCellArgs(lock), ['read', 'app/lock']),
  path('a list of a namespace', 'sync.list', encodeSyncListArgs({ namespace: utf8('app'), prefix: utf8('l') }), [
    ...(['read', 'app/l', 'app/m'] as const),
  ]),
  path('a list of all', 'sync.list', encodeSyncListArgs({}), ['read', '\x01', '\0']),
  path('entries of a lock, as keys', 'kv.range', encodeRangeArgs(syncRange(lock)), ['read', 'app/lock']),
  path('a cell, as a key', 'kv.get', syncCellKey(lock), ['read', 'app/lock']),
  path('a query of a program', 'bank.count', encodeValue(null), ['read', programPermissionKey('bank')]),
]

const refusals = ['UserEmpty', 'AuthOldRevision', 'PermissionDenied']
const known = (code: string): string => (refusals.includes(code) ? code : 'let through')

/** A machine with a user `u` who is allowed what is needed, without one of it. */
function boxFor({ needs }: Path, without = -1): AuthBox {
  const box = new AuthBox({ programs: [bank] })
  for (const key of ['k', 'leased', 'd', 'm'])
    box.run(command('owner', 'kv', 'put', encodePutArgs(utf8(key), utf8('v'))))
  box.for('owner', 'lease', 'grant', encodeLeaseGrantArgs(7, 60_000))
  box.for('owner', 'kv', 'write', encodeWriteArgs(putOf('leased', { lease: 7 })))
  for (const name of ['root', 'u', 'nobody']) box.addUser(name)
  for (const [at, [access, key, rangeEnd]] of needs.entries()) {
    if (at === without) continue
    const isSame = (one: Need, i: number): boolean => i !== at && i !== without && one[1] === key && one[2] === rangeEnd
    box.grant('u', needs.some(isSame) ? 'readwrite' : access, key, rangeEnd)
  }
  box.enable()
  return box
}

describe.each([
  ['command', commands, (box: AuthBox) => box.for.bind(box)],
  ['query', queries, (box: AuthBox) => box.ask.bind(box)],
] as const)('every %s', (_, paths, doorOf) => {
  test.each(paths.map((one) => [one.name, one] as const))('%s is refused and let through', (_, one) => {
    const { program, method, args, needs } = one
    const ask = (box: AuthBox, caller: Parameters<AuthBox['for']>[0]) =>
      known(doorOf(box)(caller, program, method, args))
    const box = boxFor(one)
    const { revision } = box.machine
    const authRevision = box.machine.auth.revision
    expect(ask(box, anonymous)).toBe('UserEmpty')
    expect(ask(box, 'nobody')).toBe('PermissionDenied')
    expect(ask(box, 'stranger')).toBe('PermissionDenied')
    expect(ask(box, { user: 'u', authRevision: box.machine.auth.revision - 1 })).toBe('AuthOldRevision')
    expect([box.machine.revision, box.get('k'), box.machine.auth.revision]).toEqual([revision, 'v', authRevision])
    for (const without of needs.keys()) expect(ask(boxFor(one, without), 'u')).toBe('PermissionDenied')
    for (const caller of ['u', 'root', 'owner']) expect(ask(boxFor(one), caller)).toBe('let through')
    const off = boxFor(one)
    off.manage('disable')
    for (const caller of [anonymous, 'nobody']) expect(ask(off, caller)).toBe('let through')
  })
})

describe('without users there is', () => {
  it('no difference, whoever a command says it is for', () => {
    const plain = new AuthBox()
    const marked = new AuthBox()
    expect(plain.for(anonymous, 'kv', 'put', encodePutArgs(utf8('k'), utf8('v')))).toBe('ok')
    expect(marked.for('owner', 'kv', 'put', encodePutArgs(utf8('k'), utf8('v')))).toBe('ok')
    expect(plain.hash()).toBe(marked.hash())
  })
})

describe('root alone', () => {
  it('compacts and manages users, at whatever auth revision it was identified', () => {
    const box = boxFor(path('', '', noArgs))
    box.grant('u', 'readwrite', '\0', '\0')
    const old = { user: 'root', authRevision: 1 }
    for (const [program, method, args] of [
      ['kv', 'compact', encodeCompactArgs(1)],
      ['auth', 'roleAdd', encodeAuthArgs(['r'])],
    ] as const) {
      expect(box.for('u', program, method, args)).toBe('PermissionDenied')
      expect(box.for(anonymous, program, method, args)).toBe('UserEmpty')
      expect(known(box.for(old, program, method, args))).toBe('let through')
    }
    expect(box.ask('u', 'auth', 'status', noArgs)).toBe('PermissionDenied')
    expect(box.ask('u', 'auth', 'userList', noArgs)).toBe('PermissionDenied')
    expect(box.ask(old, 'auth', 'roleList', noArgs)).toBe('ok')
  })
})

test('root, too, must have been identified at the current auth revision, except to revoke a lease, as in etcd', () => {
  const box = boxFor(path('', '', noArgs))
  const old = { user: 'root', authRevision: box.machine.auth.revision - 1 }
  expect(box.for(old, 'kv', 'put', encodePutArgs(utf8('k'), emptyBytes))).toBe('AuthOldRevision')
  expect(box.ask(old, 'kv', 'get', utf8('k'))).toBe('AuthOldRevision')
  expect(box.for(old, 'lease', 'revoke', encodeLeaseRevokeArgs(7))).toBe('ok')
})

describe('users', () => {
  it('see themselves and the roles they have', () => {
    const box = boxFor(path('', '', noArgs))
    const ask = (method: string, name: string) => box.ask('u', 'auth', method, encodeAuthArgs([name]))
    expect([ask('userGet', 'u'), ask('roleGet', 'u')]).toEqual(['ok', 'ok'])
    expect([ask('userGet', 'nobody'), ask('roleGet', 'nobody')]).toEqual(['PermissionDenied', 'PermissionDenied'])
    expect(box.ask(anonymous, 'auth', 'userGet', encodeAuthArgs(['']))).toBe('UserEmpty')
  })

  it('and nobody else open sessions; leases are made and kept by anybody, as in etcd', () => {
    const box = boxFor(path('', '', noArgs))
    const session = new Uint8Array(16)
    expect(box.for(anonymous, 'session', 'open', session)).toBe('UserEmpty')
    expect(box.for('stranger', 'session', 'open', session)).toBe('PermissionDenied')
    expect(box.for('nobody', 'session', 'open', session)).toBe('ok')
    expect(box.for(anonymous, 'lease', 'grant', encodeLeaseGrantArgs(9, 60_000))).toBe('ok')
    expect(box.for(anonymous, 'lease', 'keepAlive', encodeKeepAliveArgs([9]))).toBe('ok')
    expect(box.for(anonymous, 'lease', 'revoke', encodeLeaseRevokeArgs(9))).toBe('ok')
    expect(box.ask(anonymous, 'lease', 'list', noArgs)).toBe('ok')
    expect(box.ask(anonymous, 'lease', 'timeToLive', encodeTimeToLiveArgs(7, false))).toBe('ok')
    expect(box.ask(anonymous, 'lease', 'timeToLive', encodeTimeToLiveArgs(9, true))).toBe('UserEmpty')
  })

  it('revoke leases that hold locks only if they may write the locks', () => {
    const box = boxFor(path('', '', noArgs))
    box.for('owner', 'lease', 'grant', encodeLeaseGrantArgs(8, 60_000))
    box.for('owner', 'sync', 'acquire', encodeAcquireArgs({ ...acquiring, lease: 8 }))
    expect(box.for('u', 'lease', 'revoke', encodeLeaseRevokeArgs(8))).toBe('PermissionDenied')
    box.grant('u', 'write', 'app/lock')
    expect(box.for('u', 'lease', 'revoke', encodeLeaseRevokeArgs(8))).toBe('ok')
  })
})

describe('a refusal', () => {
  it('changes nothing, and its answer is kept like any other', () => {
    const box = boxFor(path('', '', noArgs))
    const session = new Uint8Array(16).fill(1)
    box.for('owner', 'session', 'open', session)
    const header = { session, seq: 1, answeredUpTo: 0 }
    const denied = command(box.user('nobody'), 'kv', 'put', encodePutArgs(utf8('k'), utf8('x')), header)
    expect(box.for('nobody', 'kv', 'put', encodePutArgs(utf8('k'), utf8('x')), header)).toBe('PermissionDenied')
    box.manage('disable')
    expect(() => payloadOf(box.run(denied))).toThrow(expect.objectContaining({ code: 'PermissionDenied' }))
    expect(box.get('k')).toBe('v')
  })
})

describe('a change in the same entry', () => {
  it('holds from the next command on', () => {
    const box = boxFor(path('', '', noArgs))
    const put = encodePutArgs(utf8('k'), utf8('x'))
    const asNow = command(box.user('root'), 'kv', 'put', put)
    const codes = box
      .apply([
        ...[asNow, command('owner', 'auth', 'disable', noArgs), command(anonymous, 'kv', 'put', put)],
        ...[command('owner', 'auth', 'enable', encodeAuthArgs([new Uint8Array(32)])), asNow],
        command(anonymous, 'kv', 'put', put),
      ])
      .map((result) => (result[0] === 0 ? 'ok' : latin1(result.subarray(2, 2 + (result[1] as number)))))
    expect(codes).toEqual(['ok', 'ok', 'ok', 'ok', 'AuthOldRevision', 'UserEmpty'])
  })
})

describe('a watch', () => {
  const watch = (box: AuthBox, caller: Parameters<AuthBox['user']>[0], start: string, end?: string) =>
    box.machine.gate.watch(box.user(caller), start, end)?.code

  it('needs to read its keys, and goes on over changes of others', () => {
    const box = boxFor(path('', '', noArgs, ['read', 'a', 'c']))
    expect([watch(box, 'u', 'a', 'c'), watch(box, 'u', 'a', 'd'), watch(box, '', 'a', 'c')]).toEqual([
      ...[undefined, 'PermissionDenied', 'UserEmpty'],
    ])
    const opened = box.user('u')
    box.manage('roleAdd', 'other')
    expect(box.machine.gate.watch(opened, 'a', 'c')).toBeUndefined()
    box.manage('userChangePassword', 'u', utf8('new'))
    expect(box.machine.gate.watch(opened, 'a', 'c')?.code).toBe('AuthOldRevision')
    box.manage('userDelete', 'u')
    expect(box.machine.gate.watch(opened, 'a', 'c')?.code).toBe('PermissionDenied')
  })

  it('of a lock counts as one of its name', () => {
    const box = boxFor(path('', '', noArgs, ['read', 'app/lock']))
    const { start, end = emptyBytes } = syncRange(lock)
    const cell = latin1(syncCellKey(lock))
    expect(watch(box, 'u', latin1(start), latin1(end))).toBeUndefined()
    expect(watch(box, 'u', cell, `${cell}\0`)).toBeUndefined()
    expect(watch(box, 'u', latin1(start), `${latin1(end)}\0`)).toBe('PermissionDenied')
    expect(watch(box, 'u', latin1(syncRange(resource('lock2')).start), latin1(end))).toBe('PermissionDenied')
    expect(watch(box, 'u', '\0s', '\0t')).toBe('PermissionDenied')
    expect(watch(box, 'u', latin1(concatBytes([start, fromLatin1('\xff')])), undefined)).toBe('PermissionDenied')
  })
})

const everyAccess: readonly Access[] = ['read', 'write', 'readwrite']

test('each access allows what it says and nothing else', () => {
  for (const access of everyAccess) {
    const box = boxFor(path('', '', noArgs))
    box.grant('u', access, 'k')
    const read = known(box.ask('u', 'kv', 'get', utf8('k')))
    const write = known(box.for('u', 'kv', 'put', encodePutArgs(utf8('k'), emptyBytes)))
    expect([read === 'let through', write === 'let through']).toEqual([access !== 'write', access !== 'read'])
  }
})
