/** Mutants of membership and identity. */
import type { Mutant } from './mutant.ts'

/** Broken membership. */
export const members: readonly Mutant[] = [
  {
    name: 'removed-leader-counted',
    why: 'a leader that was removed goes on and counts its own copy towards the majority of the remaining members',
    climate: 'crowd',
    patches: [
      {
        file: 'src/node/admin-service.ts',
        find: "if ((method !== 'removeMember' && method !== 'replaceMember') || params['name'] !== self) return undefined",
        replace: "if (method !== '' || params['name'] !== self) return undefined",
      },
      {
        file: 'src/replica/group.ts',
        find: "    this.fail(new NitroError('Removed', `${this.selfName} was removed from the cluster`))",
        replace:
          "    if (!this.isLeader) this.fail(new NitroError('Removed', `${this.selfName} was removed from the cluster`))",
      },
      {
        file: 'src/replica/core-config.ts',
        find: 'stepDownOnRemoval: true',
        replace: 'stepDownOnRemoval: false',
      },
      {
        file: 'consensus/raft/tracker.ts',
        find: '    return jointIndex(this.config.incoming, this.config.outgoing, this)\n',
        replace: `    const { incoming, outgoing } = this.config
    if (this.self === 0 || incoming.includes(this.self)) return jointIndex(incoming, outgoing, this)
    const acked = [...incoming, this.self].map((id) => this.ackedIndex(id) ?? 0).toSorted((a, b) => b - a)
    return acked[Math.floor(incoming.length / 2)] ?? 0
`,
      },
      {
        file: 'consensus/raft/tracker.ts',
        find: '  votes = new Map<NodeId, boolean>()\n\n  constructor',
        replace: '  votes = new Map<NodeId, boolean>()\n  self: NodeId = 0\n\n  constructor',
      },
      {
        file: 'consensus/raft/membership.ts',
        find: '  raft.tracker.switchTo(config, progress)\n',
        replace: `  const mine = raft.tracker.progress.get(raft.id)
  raft.tracker.self = raft.role === 'leader' ? raft.id : 0
  if (raft.role === 'leader' && mine !== undefined && !progress.has(raft.id)) progress.set(raft.id, mine)
  raft.tracker.switchTo(config, progress)
`,
      },
    ],
    breaks: ['committed is durable'],
  },
  {
    name: 'joint-needs-one-majority',
    why: 'in a joint configuration the old members have no say, so old and new can decide apart from each other',
    climate: 'members',
    patches: [
      {
        file: 'consensus/raft/quorum.ts',
        find: 'return Math.min(majorityIndex(incoming, acked), majorityIndex(outgoing, acked))',
        replace: 'return majorityIndex(incoming, acked)',
      },
    ],
    breaks: ['committed is durable'],
  },
  {
    name: 'wiped-node-bootstraps',
    why: 'members are known by name alone: a founder whose directory was wiped comes back as a voter with an empty log',
    climate: 'rot',
    patches: [
      {
        file: 'src/replica/vault.ts',
        find: 'incarnation: random.bytes(incarnationBytes),',
        replace:
          'incarnation: Uint8Array.from({ length: incarnationBytes }, (_, i) => name.charCodeAt(i % name.length)),',
      },
      {
        file: 'src/replica/bootstrap.ts',
        find: "    if (verdict !== undefined) return { kind: 'lost', why: verdict }\n",
        replace: `    if (verdict === undefined) continue
    if (facts.stage === 'member') return { kind: 'form', founders: facts.founders }
    return { kind: 'lost', why: verdict }
`,
      },
    ],
    breaks: ['what is written stays'],
  },
]
