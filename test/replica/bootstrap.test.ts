import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NitroError, equalBytes, hex } from '../../base/index.ts'
import type { BootstrapFacts } from '../../src/replica/bootstrap.ts'
import { bootstrapStep, decodeFacts, encodeFacts, peersText } from '../../src/replica/bootstrap.ts'
import type { Founder } from '../../src/replica/configuration.ts'
import { founders, incarnation } from './support.ts'

const names = ['n1', 'n2', 'n3']
const list = founders(3)
const peers = peersText({ n2: 'n2:1', n1: 'n1:1', n3: 'n3:1' })

const facts = (at: number, part: Partial<BootstrapFacts> = {}): BootstrapFacts => ({
  ...(list[at] as Founder),
  stage: 'new',
  peers,
  founders: [],
  ...part,
})
const intent = (at: number): BootstrapFacts => facts(at, { stage: 'intent', founders: list })
const formed = (at: number): BootstrapFacts => facts(at, { stage: 'member', peers: '', founders: list })
const step = (mine: BootstrapFacts, ...heard: BootstrapFacts[]) =>
  bootstrapStep(mine, names, new Map(heard.map((one) => [one.name, one])))

const twin = (at: number): Partial<BootstrapFacts> => ({
  founders: list.map((one, i) => (i === at ? { ...one, incarnation: incarnation(77) } : one)),
})

describe('the decision, case by case', () => {
  test.each([
    ['nobody reached', facts(0), [], 'wait', 'not every peer'],
    ['one of two reached', facts(0), [facts(1)], 'wait', 'not every peer'],
    ['all empty', facts(0), [facts(1), facts(2)], 'intend', ''],
    ['a peer already holds the list', facts(0), [intent(1), facts(2)], 'intend', ''],
    ['another list of peers', facts(0), [facts(1), facts(2, { peers: 'n2=x:1' })], 'wait', 'started with peers'],
    ['a joining process answers', facts(0), [facts(1), facts(2, { stage: 'joining', peers: '' })], 'wait', 'none'],
    ['not everybody has written', intent(0), [intent(1), facts(2)], 'wait', 'have not written'],
    ['everybody has written', intent(0), [intent(1), intent(2)], 'form', ''],
    ['one is a member by the same list', intent(0), [formed(1)], 'form', ''],
    ['a member by the same list, but mine is gone', facts(0), [formed(1)], 'lost', 'no longer in it'],
    [
      'an intent that knows me as another',
      facts(0),
      [facts(1, { stage: 'intent', ...twin(0) })],
      'lost',
      'another data',
    ],
    [
      'a member that knows me as another',
      intent(0),
      [facts(1, { stage: 'member', ...twin(0) })],
      'lost',
      'another data',
    ],
    ['an intent of another list', intent(0), [facts(1, { stage: 'intent', ...twin(2) })], 'lost', 'another founding'],
    [
      'a member of a cluster without me',
      facts(0),
      [facts(1, { stage: 'member', founders: list.slice(1) })],
      'lost',
      'not formed with',
    ],
    ['a member that joined', facts(0), [facts(1, { stage: 'member' })], 'lost', 'does not know'],
  ] as const)('%s', (_case, mine, heard, kind, why) => {
    const decision = step(mine, ...heard)
    expect(decision.kind).toBe(kind)
    if ('why' in decision) expect(decision.why).toContain(why)
  })

  test('the list is the same whoever makes it', () => {
    const one = step(facts(0), facts(2), facts(1))
    const other = step(facts(2), facts(0), facts(1))
    expect(one).toEqual({ kind: 'intend', founders: list })
    expect(other).toEqual(one)
  })

  test('a single node forms alone', () => {
    const alone = facts(0, { peers: peersText({ n1: 'n1:1' }) })
    expect(bootstrapStep(alone, ['n1'], new Map()).kind).toBe('intend')
    const written = { ...alone, stage: 'intent' as const, founders: list.slice(0, 1) }
    expect(bootstrapStep(written, ['n1'], new Map()).kind).toBe('form')
  })

  test('nodes that begin with different backups do not form', () => {
    const seeded = facts(1, { peers: peersText({ n1: 'n1:1', n2: 'n2:1', n3: 'n3:1' }, 'ab') })
    expect(step(facts(0), seeded, facts(2)).kind).toBe('wait')
  })
})

test('facts come back from their bytes as they were', () => {
  const stage = fc.constantFrom('new' as const, 'intent' as const, 'member' as const, 'joining' as const)
  fc.assert(
    fc.property(stage, fc.string(), fc.nat(3), (at, text, count) => {
      const given = facts(1, { stage: at, peers: text, founders: list.slice(0, count) })
      expect(decodeFacts(encodeFacts(given))).toEqual(given)
    }),
  )
  expect(() => decodeFacts(encodeFacts(intent(0)).subarray(0, -1))).toThrow(NitroError)
  expect(() => decodeFacts(Uint8Array.of(2))).toThrow('format 2')
})

/** A node of the model: what is on its disk, and what it has heard in this life. */
interface ModelNode {
  readonly name: string
  incarnation: Uint8Array
  founders: readonly Founder[]
  stage: 'new' | 'intent' | 'member'
  lost: boolean
  heard: Map<string, BootstrapFacts>
}

const says = (node: ModelNode): BootstrapFacts => ({
  name: node.name,
  incarnation: node.incarnation,
  address: `${node.name}:1`,
  stage: node.stage,
  peers: node.stage === 'member' ? '' : peers,
  founders: node.founders,
})

/** `gather`: one node hears both others, as late as said, and decides. */
const eventOf = (...kinds: readonly string[]) =>
  fc.record({ kind: fc.constantFrom(...kinds), a: fc.nat(2), b: fc.nat(2), late: fc.nat(3) })
const event = fc.oneof(
  { weight: 4, arbitrary: eventOf('hear', 'decide') },
  { weight: 10, arbitrary: eventOf('gather') },
  { weight: 3, arbitrary: eventOf('restart', 'wipe', 'forget') },
)

describe('any interleaving of messages, restarts and wipes of three nodes', () => {
  const run = (events: readonly { kind: string; a: number; b: number; late: number }[]): ModelNode[] => {
    let made = 0
    const fresh = (name: string): ModelNode => ({
      ...{ name, incarnation: incarnation(++made), founders: [], stage: 'new', lost: false, heard: new Map() },
    })
    const nodes = names.map(fresh)
    /** Everything each node ever said, newest last: late frames are old ones. */
    const said = nodes.map((node) => [says(node)])
    const decide = (node: ModelNode): void => {
      if (node.lost || node.stage === 'member') return
      const decision = bootstrapStep(says(node), names, node.heard)
      if (decision.kind === 'lost') node.lost = true
      if (decision.kind === 'intend') {
        node.founders = decision.founders
        node.stage = 'intent'
      }
      if (decision.kind === 'form') {
        expect(decision.founders).toEqual(node.founders)
        node.stage = 'member'
      }
      check(nodes)
    }
    const hear = (a: number, b: number, late: number): void => {
      const other = said[b] as BootstrapFacts[]
      const heard = other[Math.max(other.length - 1 - late, 0)] as BootstrapFacts
      if (a !== b) nodes[a]?.heard.set(heard.name, heard)
    }
    for (const { kind, a, b, late } of events) {
      const node = nodes[a] as ModelNode
      if (kind === 'hear') hear(a, b, late)
      if (kind === 'gather') for (const one of [0, 1, 2]) hear(a, one, one === b ? late : 0)
      if (kind === 'forget') node.heard.delete(names[b] as string)
      if (kind === 'restart') Object.assign(node, { heard: new Map(), lost: false })
      if (kind === 'wipe') Object.assign(node, fresh(node.name))
      if (kind === 'decide' || kind === 'gather') decide(node)
      said.forEach((history, at) => history.push(says(nodes[at] as ModelNode)))
    }
    return nodes
  }

  /** Members agree on one list, each is in it as itself, and a founder wiped since is in no cluster. */
  const check = (nodes: readonly ModelNode[]): void => {
    const members = nodes.filter(({ stage }) => stage === 'member')
    const lists = new Set(
      members.map((node) => node.founders.map((one) => `${one.name}/${hex(one.incarnation)}`).join()),
    )
    if (lists.size > 1) throw new Error(`two founding lists: ${[...lists].join(' and ')}`)
    for (const node of members) {
      const self = node.founders.find(({ name }) => name === node.name)
      if (self === undefined || !equalBytes(self.incarnation, node.incarnation))
        throw new Error(`${node.name} is an impostor`)
    }
  }

  test('never makes two founding lists members, and never lets a wiped twin in', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 120, size: 'max' }), (events) => {
        check(run(events))
      }),
      { numRuns: 1_500 },
    )
  })

  test('ends in one cluster of three when nothing is wiped and everybody is heard in the end', () => {
    const calm = fc.array(event, { maxLength: 60 }).map((events) => events.filter(({ kind }) => kind !== 'wipe'))
    const round = [0, 1, 2].flatMap((a) => [
      ...[0, 1, 2].map((b) => ({ kind: 'hear', a, b, late: 0 })),
      { kind: 'decide', a, b: 0, late: 0 },
    ])
    fc.assert(
      fc.property(calm, (events) => {
        const nodes = run([...events, ...round, ...round, ...round])
        expect(nodes.map(({ stage }) => stage)).toEqual(['member', 'member', 'member'])
      }),
      { numRuns: 300 },
    )
  })
})
