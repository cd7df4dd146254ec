/** Whether anything left a process before what it promises was on its disk. */
import type { Message } from '../../../consensus/index.ts'
import { DiskReplay } from './disk.ts'
import type { OnDisk } from './disk.ts'
import { sentIn } from './sent.ts'
import { readTrace } from './strace.ts'

/** What is promised by a message, and so must be on disk before it leaves. */
export type Rule = 'append response' | 'vote response' | 'vote request' | 'leader message' | 'commit' | 'client answer'

/** How often a rule was looked at, and where it did not hold. */
export interface Finding {
  checked: number
  readonly violations: string[]
}

/** When the traced process led and only it and one other ran, so that nothing was committed without its own disk. */
export interface Alone {
  /** Seconds since 1970. */
  readonly fromSeconds: number
  /** What is committed up to here may be so without its disk. */
  readonly index: number
}

/** What came out of a trace. */
export interface Verdict {
  readonly findings: Readonly<Record<Rule, Finding>>
  readonly logSyncs: number
  readonly witnessSyncs: number
  /** Files the log was written to. */
  readonly segments: number
}

/** Checks a whole trace of one process from its first start on. */
export function checkTrace(path: string, alone: Alone): Verdict {
  const calls = readTrace(path)
  const disk = new DiskReplay(calls)
  const none = (): Finding => ({ checked: 0, violations: [] })
  const findings: Record<Rule, Finding> = {
    'append response': none(),
    'vote response': none(),
    'vote request': none(),
    'leader message': none(),
    commit: none(),
    'client answer': none(),
  }
  for (const { line, seconds, message } of sentIn(calls)) {
    const now = disk.advance(line)
    const note = (rule: Rule, why: string | undefined): void => {
      findings[rule].checked++
      if (why !== undefined) findings[rule].violations.push(`line ${line + 1}: ${why}`)
    }
    const isAlone = seconds > alone.fromSeconds
    if (message === undefined) {
      // One put at a time: the record of the one that is answered is the last.
      if (isAlone) note('client answer', now.unsynced === 0 ? undefined : `${now.unsynced} records are not synced`)
      continue
    }
    const rule = ruleOf(message)
    if (rule === undefined) continue
    note(rule, broken(message, now))
    if (rule !== 'leader message' || !isAlone || message.commit <= alone.index) continue
    const behind = `commit ${message.commit} is told, but the log ends at ${now.lastIndex} on disk`
    note('commit', message.commit <= now.lastIndex ? undefined : behind)
  }
  const { logSyncs, witnessSyncs, segments } = disk
  return { findings, logSyncs, witnessSyncs, segments }
}

/** Messages that promise nothing have no rule: pre-votes, and answers to heartbeats, which count only while this start lives. */
function ruleOf({ type }: Message): Rule | undefined {
  if (type === 'MsgAppResp') return 'append response'
  if (type === 'MsgVoteResp') return 'vote response'
  if (type === 'MsgVote') return 'vote request'
  return type === 'MsgApp' || type === 'MsgHeartbeat' ? 'leader message' : undefined
}

/** What a message promises that is not on disk. */
function broken({ type, term, from, to, index, reject }: Message, now: OnDisk): string | undefined {
  const told = `${type} of term ${term}`
  if (now.term < term) return `${told}, but term ${now.term} is on disk`
  if (type === 'MsgAppResp' && !reject && index > now.lastIndex) {
    return `${told} up to ${index}, but the log ends at ${now.lastIndex} on disk`
  }
  const votedFor = type === 'MsgVoteResp' ? to : from
  const votes = (type === 'MsgVoteResp' && !reject) || type === 'MsgVote'
  // A later term on disk forbids another vote in this one just as well.
  if (votes && now.term === term && now.vote !== votedFor) {
    return `${told} for ${votedFor}, but on disk is a vote for ${now.vote} in term ${now.term}`
  }
  return undefined
}
