/** Mutants of applying, of sessions, and of the client's side of exactly-once. */
import type { Mutant } from './mutant.ts'

/** Broken machines and sessions. */
export const machine: readonly Mutant[] = [
  {
    name: 'deduplication-by-session-only',
    why: 'a command whose session has answered a later one is answered with that, whatever its own number is',
    climate: 'turmoil',
    patches: [
      {
        file: 'execution/sessions.ts',
        find: '    const known = session.answerOf(seq)\n    if (known !== undefined) return known\n',
        replace: `    const known = seq <= session.highest ? (session.answerOf(session.highest) ?? superseded) : undefined
    if (known !== undefined) return known
`,
      },
    ],
    breaks: ['linearizable', 'acknowledged is kept', 'exactly once', 'revisions rise'],
  },
  {
    name: 'no-deduplication',
    why: 'a command that arrives twice is executed twice',
    climate: 'turmoil',
    patches: [
      {
        file: 'execution/sessions.ts',
        find: '    if (known !== undefined) return known\n    return this.refusal(session, seq) ?? session\n',
        replace: '    return this.refusal(session, seq) ?? session\n',
      },
    ],
    breaks: ['exactly once', 'linearizable'],
  },
  {
    name: 'late-duplicate-executed',
    why: 'a copy of a command whose answer was forgotten, because the client has it, is executed again',
    climate: 'routes',
    patches: [
      {
        file: 'execution/sessions.ts',
        find: '    if (seq <= session.answeredUpTo) return superseded\n',
        replace: '    if (seq <= session.answeredUpTo) return session\n',
      },
    ],
    breaks: ['exactly once', 'linearizable'],
  },
  {
    name: 'retry-under-a-new-number',
    why: 'a client gives a command whose fate is unknown a new number, so the machine cannot tell that it has seen it',
    climate: 'turmoil',
    patches: [
      {
        file: 'src/wire/command-session.ts',
        find: 'else if (command.bytes !== undefined) this.attempt(command, command.bytes)',
        replace: `else if (command.seq > 0 && this.state === 'open' && this.hasRoom()) this.number(command)
    else if (command.bytes !== undefined) this.attempt(command, command.bytes)`,
      },
    ],
    breaks: ['exactly once', 'linearizable'],
  },
  {
    name: 'overwritten-taken-for-applied',
    why: "the results of another leader's entry are given to the commands that stood at its index before",
    climate: 'turmoil',
    patches: [
      {
        file: 'src/replica/proposals.ts',
        find: '      if (batch.term === term) applied = batch\n',
        replace: '      if (batch.term <= term) applied = batch\n',
      },
      {
        file: 'src/replica/proposals.ts',
        find: '    if (term > this.appliedTerm) this.decideAfter(index, term)\n    const batches',
        replace: '    const batches',
      },
    ],
    breaks: ['acknowledged is kept', 'linearizable', 'exactly once', 'revisions rise'],
  },
  {
    name: 'read-changes-the-state',
    why: 'what is replicated depends on which reads a node happened to serve',
    climate: 'routes',
    patches: [
      {
        file: 'execution/machine.ts',
        find: '      const answer = this.builtins.query(program, method, args, Math.max(nowMs, this.logTime))\n',
        replace: `      if (program === 'kv' && method === 'get') this.state.mixChain(1, 0, 0, 0)
      const answer = this.builtins.query(program, method, args, Math.max(nowMs, this.logTime))
`,
      },
    ],
    breaks: ['equal state'],
  },
  {
    name: 'revision-lost-in-restart',
    why: 'a restarted node goes on one revision below where it was and gives one out twice',
    climate: 'power',
    patches: [
      {
        file: 'execution/loader.ts',
        find: 'state.revision = metadata.revision\n',
        replace: 'state.revision = Math.max(0, metadata.revision - 1)\n',
      },
    ],
    breaks: ['equal state', 'revisions rise'],
  },
  {
    name: 'entry-skipped-after-a-snapshot',
    why: 'a node passes over the first entry after its snapshot',
    climate: 'power',
    patches: [
      {
        file: 'execution/machine.ts',
        find: '    this.appliedIndex = metadata.appliedIndex\n',
        replace: '    this.appliedIndex = metadata.appliedIndex + (metadata.appliedIndex > 20 ? 1 : 0)\n',
      },
    ],
    breaks: ['equal state', 'state machine safety'],
  },
  {
    name: 'pending-counted-as-applied',
    why: 'a node applies what it has on disk, whether it is committed or not',
    climate: 'turmoil',
    patches: [
      {
        file: 'consensus/raft/log.ts',
        find: '    return allowUnstable ? this.committed : Math.min(this.committed, this.unstable.offset - 1)\n',
        replace: `    const end = this.unstable.offset - 1
    if (!allowUnstable && end > this.committed) this.committed = end
    return allowUnstable ? this.committed : Math.min(this.committed, end)
`,
      },
    ],
    breaks: ['committed is durable', 'state machine safety', 'replies after durability', 'leader completeness'],
  },
]
