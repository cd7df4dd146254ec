/** Whatever bytes a client sends as arguments: they are answered, they do not stop a node, and a refusal changes nothing. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../base/index.ts'
import {
  builtins,
  decodeResult,
  encodeAcquireArgs,
  encodeKeepAliveArgs,
  encodeLeaseGrantArgs,
  encodeLeaseRevokeArgs,
  encodeProclaimArgs,
  encodeReleaseArgs,
  encodeRemoveArgs,
  encodeSetArgs,
  encodeSyncCancelArgs,
  encodeTxnArgs,
  encodeWriteArgs,
  kvMethods,
  leaseMethods,
  syncMethods,
} from '../../execution/index.ts'
import { Box, call, codeOf, put } from './harness.ts'

const { kv, lease, sync } = builtins
const door = { kind: 1, namespace: utf8('n'), name: utf8('door') }
const write = { key: utf8('k'), value: utf8('v'), lease: 1, prevKv: true, ignoreValue: false, ignoreLease: false }
const all = { start: utf8('a'), end: utf8('z') }
const view = { revision: 2, sort: 'value' as const, minModRevision: 1, limit: 2 }
const txn = {
  conditions: [{ target: 'value' as const, range: { start: utf8('k') }, relation: '=' as const, value: utf8('v') }],
  success: [{ kind: 'put' as const, ...write }],
  failure: [
    { kind: 'delete' as const, range: { start: utf8('k') }, prevKv: true },
    { kind: 'range' as const, request: { ...all, ...view } },
    { kind: 'txn' as const, txn: { conditions: [], success: [], failure: [] } },
  ],
}
const samples: readonly (readonly [program: number, method: number, args: Uint8Array])[] = [
  [kv, kvMethods.write, encodeWriteArgs(write)],
  [kv, kvMethods.remove, encodeRemoveArgs({ range: all, prevKv: true })],
  [kv, kvMethods.txn, encodeTxnArgs(txn)],
  [kv, kvMethods.compact, Uint8Array.of(2)],
  [lease, leaseMethods.grant, encodeLeaseGrantArgs(0, 5000)],
  [lease, leaseMethods.revoke, encodeLeaseRevokeArgs(1)],
  [lease, leaseMethods.keepAlive, encodeKeepAliveArgs([1, 2, 3])],
  [
    sync,
    syncMethods.acquire,
    encodeAcquireArgs({
      ...{ ...door, mode: 'exclusive', capacity: 1, lease: 1, acquireId: new Uint8Array(16), wait: true },
      ...{ maxHoldMs: 5, label: utf8('l'), value: utf8('v') },
    }),
  ],
  [sync, syncMethods.release, encodeReleaseArgs(door, 3)],
  [sync, syncMethods.cancel, encodeSyncCancelArgs(door, 1, new Uint8Array(16))],
  [sync, syncMethods.proclaim, encodeProclaimArgs(door, 3, utf8('v'))],
  [sync, syncMethods.set, encodeSetArgs({ ...door, token: 0, ifRevision: 0, value: utf8('v') })],
]
const queries: readonly (readonly [string, string])[] = [
  ['kv', 'get'],
  ['kv', 'range'],
  ['kv', 'history'],
  ['lease', 'timeToLive'],
  ['lease', 'list'],
  ['sync', 'inspect'],
  ['sync', 'list'],
  ['sync', 'cell'],
]

/** A valid sample with some bytes changed, cut or added; or any bytes at all. */
const foreign = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(
      fc.constantFrom(...samples),
      fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 4 }),
      fc.nat(90),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...samples), fc.uint8Array({ maxLength: 40 }))
      .map(([[program, method], bytes]) => [[program, method, bytes] as const, [], 99] as const),
  },
)

describe('arguments of foreign bytes', () => {
  it('are answered alike by every node, and change nothing when they are refused', () => {
    let taken = 0
    fc.assert(
      fc.property(fc.array(foreign, { maxLength: 8 }), (commands) => {
        const boxes = [new Box(), new Box()]
        for (const box of boxes)
          box.apply([call('lease', 'grant', encodeLeaseGrantArgs(1, 60_000)), put('k', 'v'), put('m', 'v')])
        for (const [[program, method, sample], changes, cut] of commands) {
          const args = sample.slice(0, Math.max(1, cut))
          for (const [at, byte] of changes) args[at % args.length] = byte
          const command = Uint8Array.from([0, program, method, ...args])
          const look = (box: Box) => [box.range({ start: utf8(''), fromKey: true }), box.machine.leaseCount]
          const before = look(boxes[0] as Box)
          const [first, second] = boxes.map((box) => box.run(command))
          expect(second).toEqual(first)
          if (codeOf(first as Uint8Array) === 'ok') taken++
          else expect(look(boxes[0] as Box)).toEqual(before)
        }
        expect(boxes[0]?.hash()).toBe(boxes[1]?.hash())
      }),
      { numRuns: 200 },
    )
    expect(taken).toBeGreaterThan(40)
  })

  it('are answered when they are queries', () => {
    const box = new Box()
    box.apply([call('lease', 'grant', encodeLeaseGrantArgs(1, 60_000)), put('k', 'v')])
    fc.assert(
      fc.property(fc.constantFrom(...queries), fc.uint8Array({ maxLength: 20 }), ([program, method], args) => {
        expect(() => decodeResult(box.machine.query(program, method, args))).not.toThrow()
      }),
      { numRuns: 1000 },
    )
    expect(box.machine.damage).toBeUndefined()
  })
})
