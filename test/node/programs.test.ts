/** Typed calls of programs on a node and on a client; the types themselves are checked by the compiler. */
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import type { Value } from '../../base/index.ts'
import { bank } from '../../examples/bank.ts'
import { defineProgram } from '../../execution/index.ts'
import type { Program } from '../../execution/index.ts'
import type { ReadOptions, RequestOptions } from '../../src/api/index.ts'
import { connect } from '../../src/client/index.ts'
import type { Client } from '../../src/client/index.ts'
import { openNode } from '../../src/node/index.ts'
import type { Node } from '../../src/node/index.ts'
import { World } from './world.ts'

const shapes = defineProgram({
  name: 'shapes',
  version: 1,
  methods: {
    nothing: () => undefined,
    text: (_tx, args: string) => args.toUpperCase(),
    maybe: (tx, args?: { readonly key: string }) => {
      if (args !== undefined && args !== null) tx.put(args.key, 'v')
      return args?.key ?? null
    },
    counting: () => calls++,
  },
})
const plain: Program = { name: 'plain', version: 1, methods: { echo: (_, args) => args } }
let calls = 0

describe('typed programs', () => {
  const world = new World()
  const portsOf = (name: string) => {
    const { time, network } = world
    return { clock: time, scheduler: time, transport: network.transport(name) }
  }
  let node: Node<readonly [typeof bank, typeof shapes, Program]>
  let client: Client<readonly [typeof bank, typeof shapes]>
  beforeAll(async () => {
    node = await openNode({
      listen: 'a:1',
      programs: [bank, shapes, plain],
      checkPrograms: true,
      sizes: { logSegmentBytes: 1 << 20 },
      ports: portsOf('a'),
    })
    await node.ready()
    client = await connect({ endpoints: ['a:1'], programs: [bank, shapes], ports: portsOf('client') })
  })
  afterAll(async () => {
    await client.close()
    await node.close({ transfer: false })
    world.stop()
  })

  test('are called by their names, on a node and on a client alike', async () => {
    await node.programs.bank.deposit({ to: 'ada', amount: 100 })
    const moved = await client.programs.bank.transfer({ from: 'ada', to: 'grace', amount: 30 })
    expect(moved).toEqual({ from: 70, to: 30 })
    expect(await node.programs.bank.total()).toBe(100)
    expect(await client.programs.bank.balance('grace', { consistency: 'linearizable' })).toBe(30)
    await expect(client.programs.bank.transfer({ from: 'ada', to: 'grace', amount: 71 })).rejects.toMatchObject({
      code: 'ProgramError',
      details: { program: 'bank', method: 'transfer', code: 'NotEnough', details: { available: 70 } },
    })
  })

  test('take and give what their methods do', async () => {
    expect(await node.programs.shapes.text('a')).toBe('A')
    expect(await client.programs.shapes.nothing()).toBeNull()
    expect(await client.programs.shapes.maybe({ key: 'k' })).toBe('k')
    expect(await client.programs.shapes.maybe()).toBeNull()
    expect(await node.programs.call('plain', 'echo', [1, 'two'])).toEqual([1, 'two'])
  })

  test('run twice when asked to', async () => {
    await expect(node.programs.shapes.counting()).rejects.toMatchObject({
      code: 'NonDeterministic',
      details: { what: 'the result of a second run' },
    })
  })

  test('have the types of their functions', () => {
    type Calls = (typeof node)['programs']
    expectTypeOf<Parameters<Calls['bank']['transfer']>>().toEqualTypeOf<
      [
        args: { readonly from: string; readonly to: string; readonly amount: number },
        options?: RequestOptions | undefined,
      ]
    >()
    expectTypeOf<ReturnType<Calls['bank']['transfer']>>().toEqualTypeOf<Promise<{ from: number; to: number }>>()
    expectTypeOf<Parameters<Calls['bank']['balance']>>().toEqualTypeOf<
      [args: string, options?: ReadOptions | undefined]
    >()
    expectTypeOf<ReturnType<Calls['bank']['total']>>().toEqualTypeOf<Promise<number>>()
    expectTypeOf<ReturnType<Calls['shapes']['nothing']>>().toEqualTypeOf<Promise<null>>()
    expectTypeOf<Calls['call']>().toBeFunction()
    expectTypeOf<Calls>().not.toHaveProperty('plain')
    expectTypeOf<Calls['bank']>().not.toHaveProperty('missing')
    expectTypeOf<Awaited<ReturnType<typeof openNode>>['programs']>().not.toHaveProperty('bank')
  })

  test('have the calls of all their versions, and refuse what the one in force does not have', async () => {
    const next = { ...plain, version: 2, methods: { later: () => null } }
    const versions: readonly Program[] = [plain, next]
    const other = await connect({ endpoints: ['a:1'], programs: versions, ports: portsOf('versions') })
    const calls = (other.programs as unknown as Record<string, Record<string, (args: string) => Promise<Value>>>)[
      'plain'
    ]
    expect(await calls?.['echo']?.('x')).toBe('x')
    await expect(calls?.['later']?.('x')).rejects.toMatchObject({ code: 'UnknownMethod' })
    await other.close()
  })

  test('need names of their own', async () => {
    await expect(
      connect({ endpoints: ['a:1'], programs: [bank, bank], ports: portsOf('other') }),
    ).rejects.toMatchObject({ code: 'InvalidArgument' })
  })
})
