/**
 * Carrying out Readys and storage work, and delivering messages, one by one or until nothing is left.
 */
import { concatBytes } from '../../base/index.ts'
import {
  asV2,
  confChangeOf,
  describeMessage,
  describeReady,
  isEmptyHardState,
  isLocalTarget,
  messageTypes,
} from '../../consensus/index.ts'
import type { Entry, HardState, Message, MessageType, Snapshot } from '../../consensus/index.ts'
import { idsOf, toNumber, valuesOf } from './datadriven.ts'
import type { Argument } from './datadriven.ts'
import { outcomeText } from './environment.ts'
import type { Environment, Member } from './environment.ts'

/** Runs `action` for each named node, under a heading if there are several. */
function forEach(env: Environment, args: readonly Argument[], heading: string, action: (id: number) => void): void {
  const ids = idsOf(args)
  for (const id of ids) {
    if (ids.length > 1) {
      env.output.line(`> ${id} ${heading}`)
      env.output.indent(() => action(id))
    } else {
      action(id)
    }
  }
}

export function processReady(env: Environment, args: readonly Argument[]): void {
  forEach(env, args, 'handling Ready', (id) => handleReady(env, id))
}

export function processAppendThread(env: Environment, args: readonly Argument[]): void {
  forEach(env, args, 'processing append thread', (id) => runAppend(env, id))
}

export function processApplyThread(env: Environment, args: readonly Argument[]): void {
  forEach(env, args, 'processing apply thread', (id) => runApply(env, id))
}

function handleReady(env: Environment, id: number): void {
  const member = env.member(id)
  const ready = member.node.ready()
  env.output.write(describeReady(ready))
  const async = member.config.asyncStorageWrites ?? false
  if (!async) {
    persist(member, ready.hardState, ready.entries, ready.snapshot)
    apply(member, ready.committedEntries)
  }
  for (const m of ready.messages) {
    if (!isLocalTarget(m.to)) env.messages.push(m)
    else if (m.type === 'MsgStorageAppend') member.appendWork.push(m)
    else member.applyWork.push(m)
  }
  if (!async) member.node.advance()
}

function runAppend(env: Environment, id: number): void {
  const member = env.member(id)
  const work = member.appendWork.shift()
  if (work === undefined) {
    env.output.write('no append work to perform')
    return
  }
  env.output.line(`Processing:\n${describeMessage({ ...work, responses: [] })}`)
  persist(member, { term: work.term, vote: work.vote, commit: work.commit }, work.entries, work.snapshot)
  respond(env, work)
}

function runApply(env: Environment, id: number): void {
  const member = env.member(id)
  const work = member.applyWork.shift()
  if (work === undefined) {
    env.output.write('no apply work to perform')
    return
  }
  env.output.line(`Processing:\n${describeMessage({ ...work, responses: [] })}`)
  apply(member, work.entries)
  respond(env, work)
}

function respond(env: Environment, work: Message): void {
  env.output.line('Responses:')
  for (const m of work.responses) env.output.line(describeMessage(m))
  env.messages.push(...work.responses)
}

function persist(
  member: Member,
  state: HardState | undefined,
  entries: readonly Entry[],
  snapshot: Snapshot | undefined,
): void {
  if (state !== undefined && !isEmptyHardState(state)) member.storage.setHardState(state)
  if (snapshot === undefined) {
    member.storage.append(entries)
    return
  }
  if (entries.length > 0) throw new Error("can't apply snapshot and entries at the same time")
  member.storage.applySnapshot(snapshot)
}

/** The state machine appends bytes; each entry makes a new state. */
function apply(member: Member, entries: readonly Entry[]): void {
  for (const entry of entries) {
    const last = member.history.at(-1) as Snapshot
    const change = confChangeOf(entry)
    const confState = change === undefined ? last.meta.confState : member.node.applyConfChange(asV2(change))
    const data = concatBytes([last.data, change === undefined ? entry.data : change.context])
    member.history.push({ meta: { index: entry.index, term: entry.term, confState }, data })
  }
}

interface Recipient {
  readonly id: number
  readonly drop: boolean
}

/** `deliver-msgs 1 2 drop=(3) type=MsgApp`. */
export function deliver(env: Environment, args: readonly Argument[]): void {
  const recipients: Recipient[] = idsOf(args).map((id) => ({ id, drop: false }))
  for (const id of valuesOf(args, 'drop').map(toNumber)) {
    if (recipients.some((recipient) => recipient.id === id))
      throw new Error(`can't both deliver and drop msgs to ${id}`)
    recipients.push({ id, drop: true })
  }
  const wanted = valuesOf(args, 'type')[0]
  const type = messageTypes.find((name) => name === wanted)
  if (wanted !== undefined && type === undefined) throw new Error(`unknown message type ${wanted}`)
  if (deliverTo(env, recipients, type) === 0) env.output.line('no messages')
}

function isLocal(m: Message): boolean {
  return m.from === m.to || isLocalTarget(m.from) || isLocalTarget(m.to)
}

function deliverTo(env: Environment, recipients: readonly Recipient[], type: MessageType | undefined): number {
  let count = 0
  for (const { id, drop } of recipients) {
    // Messages of a node to itself are as reliable as its disk.
    const chosen = (m: Message): boolean =>
      m.to === id && !(drop && isLocal(m)) && (type === undefined || m.type === type)
    const taken = env.messages.filter(chosen)
    env.messages = env.messages.filter((m) => !chosen(m))
    count += taken.length
    for (const m of taken) {
      env.output.line(`${drop ? 'dropped: ' : ''}${describeMessage(m)}`)
      if (drop) continue
      const failure = outcomeText(env.member(id).node.step(m))
      if (failure !== '') env.output.line(failure)
    }
  }
  return count
}

/** `stabilize 1 2 log-level=none`: Readys, messages and storage work of the nodes (default all) until nothing is left. */
export function stabilize(env: Environment, args: readonly Argument[]): void {
  const level = valuesOf(args, 'log-level')[0]
  const restore = level === undefined ? (): void => undefined : env.output.setLevel(level)
  const named = idsOf(args)
  const ids = named.length > 0 ? named : env.members.map((_, i) => i + 1)
  try {
    while (round(env, ids));
  } finally {
    restore()
  }
}

function round(env: Environment, ids: readonly number[]): boolean {
  let busy = false
  const under = (heading: string, action: () => void): void => {
    busy = true
    env.output.line(heading)
    action()
  }
  for (const id of ids) {
    if (env.member(id).node.hasReady())
      under(`> ${id} handling Ready`, () => env.output.indent(() => handleReady(env, id)))
  }
  for (const id of ids) {
    if (!env.messages.some((m) => m.to === id)) continue
    under(`> ${id} receiving messages`, () => env.output.indent(() => deliverTo(env, [{ id, drop: false }], undefined)))
  }
  for (const id of ids) {
    const { appendWork } = env.member(id)
    if (appendWork.length === 0) continue
    under(`> ${id} processing append thread`, () => {
      while (appendWork.length > 0) env.output.indent(() => runAppend(env, id))
    })
  }
  for (const id of ids) {
    const { applyWork } = env.member(id)
    if (applyWork.length === 0) continue
    under(`> ${id} processing apply thread`, () => {
      while (applyWork.length > 0) env.output.indent(() => runApply(env, id))
    })
  }
  return busy
}
