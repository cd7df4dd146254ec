/**
 * add-nodes N voters=(1,2) learners=(3) index=10 content=x, and options of the core; propose-conf-change; crash.
 */
import { emptyBytes, utf8 } from '../../base/index.ts'
import { MemoryStorage, RawNode, emptyConfState, emptySnapshot } from '../../consensus/index.ts'
import type { ConfChangeSingle, RaftConfig, Snapshot, Transition } from '../../consensus/index.ts'
import { firstId, toNumber, valuesOf } from './datadriven.ts'
import type { Argument } from './datadriven.ts'
import { storageWithHistory } from './environment.ts'
import type { Environment } from './environment.ts'

type Options = { -readonly [K in keyof RaftConfig]?: RaftConfig[K] }

const setters: Readonly<Record<string, (options: Options, value: string) => void>> = {
  inflight: (options, value) => (options.maxInflightMsgs = toNumber(value)),
  'max-inflight-bytes': (options, value) => (options.maxInflightBytes = toNumber(value)),
  'max-size-per-msg': (options, value) => (options.maxSizePerMsg = toNumber(value)),
  'max-committed-size-per-ready': (options, value) => (options.maxCommittedSizePerReady = toNumber(value)),
  'max-uncommitted-size': (options, value) => (options.maxUncommittedEntriesSize = toNumber(value)),
  'async-storage-writes': (options, value) => (options.asyncStorageWrites = toBoolean(value)),
  prevote: (options, value) => (options.preVote = toBoolean(value)),
  checkquorum: (options, value) => (options.checkQuorum = toBoolean(value)),
  'disable-conf-change-validation': (options, value) => (options.disableConfChangeValidation = toBoolean(value)),
  'disable-proposal-forwarding': (options, value) => (options.disableProposalForwarding = toBoolean(value)),
  'step-down-on-removal': (options, value) => (options.stepDownOnRemoval = toBoolean(value)),
  'read-only': (options, value) => (options.readOnlyOption = toReadOnly(value)),
}

function toBoolean(value: string): boolean {
  if (value !== 'true' && value !== 'false') throw new Error(`not a boolean: ${value}`)
  return value === 'true'
}

function toReadOnly(value: string): 'safe' | 'leaseBased' {
  if (value === 'safe') return 'safe'
  if (value === 'lease-based') return 'leaseBased'
  throw new Error(`invalid read-only option "${value}"`)
}

export function addNodes(env: Environment, args: readonly Argument[]): void {
  const index = toNumber(valuesOf(args, 'index')[0] ?? '0')
  const voters = valuesOf(args, 'voters').map(toNumber)
  const learners = valuesOf(args, 'learners').map(toNumber)
  const data = utf8(valuesOf(args, 'content')[0] ?? '')
  const options: Options = {}
  for (const { key, values } of args) for (const value of values) setters[key]?.(options, value)
  const begun = index > 0 || voters.length > 0 || learners.length > 0 || data.length > 0
  if (begun && index <= 1) throw new Error('index must be specified as > 1 due to bootstrap')
  const initial: Snapshot = begun
    ? { meta: { index, term: 1, confState: { ...emptyConfState, voters, learners } }, data }
    : emptySnapshot
  for (let count = firstId(args); count > 0; count--) {
    const storage = new MemoryStorage()
    if (begun) storage.applySnapshot(initial)
    const history = [initial]
    const config: RaftConfig = {
      id: env.members.length + 1,
      electionTick: 3,
      heartbeatTick: 1,
      maxInflightMsgs: 2 ** 31 - 1,
      preVote: false,
      checkQuorum: false,
      applied: index,
      random: (bound) => bound - 1,
      logger: (level, message) => env.output.log(level, message),
      ...options,
      storage: storageWithHistory(storage, history),
    }
    env.members.push({ node: new RawNode(config), config, storage, appendWork: [], applyWork: [], history })
  }
}

/** `crash N`: the node comes back with what its storage holds; its storage threads' work and unsent messages are gone. */
export function crash(env: Environment, args: readonly Argument[]): void {
  const id = firstId(args)
  const { config, storage, history } = env.member(id)
  const applied = history.at(-1)?.meta.index ?? 0
  const node = new RawNode({ ...config, applied: Math.min(applied, storage.initialState().hardState.commit) })
  env.members[id - 1] = { node, config, storage, appendWork: [], applyWork: [], history }
}

const steps = { v: 'addNode', l: 'addLearner', r: 'removeNode', u: 'updateNode' } as const

/** Steps as `v1 l2 r3 u4`. */
export function parseSteps(text: string): ConfChangeSingle[] {
  const words = text.trim() === '' ? [] : text.trim().split(/\s+/)
  return words.map((word) => {
    const type = steps[word[0] as keyof typeof steps]
    if (word.length < 2) throw new Error(`unknown token ${word}`)
    if (type === undefined) throw new Error(`unknown input: ${word}`)
    return { type, nodeId: toNumber(word.slice(1)) }
  })
}

const transitions: Readonly<Record<string, Transition>> = {
  auto: 'auto',
  implicit: 'jointImplicit',
  explicit: 'jointExplicit',
}

export function proposeConfChange(env: Environment, args: readonly Argument[], input: readonly string[]): void {
  const v1 = toBoolean(valuesOf(args, 'v1')[0] ?? 'false')
  const named = valuesOf(args, 'transition')[0] ?? 'auto'
  const transition = transitions[named]
  if (transition === undefined) throw new Error(`unknown transition ${named}`)
  const changes = parseSteps(input.join(' '))
  const { node } = env.member(firstId(args))
  try {
    if (!v1) {
      node.proposeConfChange({ version: 2, transition, changes, context: emptyBytes })
      return
    }
    const [step] = changes
    if (step === undefined || changes.length > 1 || transition !== 'auto') {
      throw new Error('v1 conf change can only have one operation and no transition')
    }
    node.proposeConfChange({ version: 1, type: step.type, nodeId: step.nodeId, context: emptyBytes })
  } catch (thrown) {
    throw asDropped(thrown)
  }
}

/** A refused proposal in etcd's words. */
export function asDropped(thrown: unknown): unknown {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
  return code === 'NotLeader' || code === 'ProposalDropped' ? new Error('raft proposal dropped') : thrown
}
