/**
 * Writers whose every acknowledged write is remembered with its revision: together the whole history, known without asking
 * the cluster for it.
 */
import { writeFileSync } from 'node:fs'
import type { Client } from '../../../src/client/index.ts'
import { WatchHistory } from '../../../src/testing/checkers/watch.ts'
import type { Change } from '../../../src/testing/checkers/watch.ts'
import { expect, sleep } from '../harness/index.ts'

const timeoutMs = 120_000
const keysPerPrefix = 20

/** Writes several keys and tells something, all in one revision, which it answers. */
const program = `
export default [
  {
    name: 'several',
    version: 1,
    methods: {
      write(tx, { keys, value }) {
        for (const key of keys) tx.put(key, value)
        tx.emit(keys[0], value)
        return tx.revision
      },
    },
  },
]
`

/** Writes the program's module; for `--programs`. */
export function writeSeveralProgram(path: string): string {
  writeFileSync(path, program)
  return path
}

/** What one write did, as far as its writer knows. */
type Written =
  | { readonly kind: 'changes'; readonly changes: readonly Change[] }
  /** Every key there was at that moment with this prefix. */
  | { readonly kind: 'deleteAll'; readonly prefix: string; readonly count: number }

/** Prefix number `at`. */
export const prefixName = (at: number): string => `p/${String(at).padStart(2, '0')}/`

/** All writes of a run. */
export class Writes {
  /** When the write of a revision was acknowledged, by `performance.now()`. */
  readonly acknowledgedMs = new Map<number, number>()
  private readonly byRevision = new Map<number, Written>()
  private readonly prefixes: number
  private readonly wrongs: string[] = []
  private stopping = false
  private writers: Promise<void>[] = []
  private counter = 0

  constructor(prefixes: number) {
    this.prefixes = prefixes
  }

  get count(): number {
    return this.byRevision.size
  }

  private note(revision: number, written: Written): void {
    const before = this.byRevision.get(revision)
    if (before !== undefined) this.wrongs.push(`revision ${revision} was given to two writes`)
    this.byRevision.set(revision, written)
    this.acknowledgedMs.set(revision, performance.now())
  }

  /** A client whose puts are remembered, too. */
  remembering(client: Client): { readonly store: Pick<Client['store'], 'put'> } {
    return {
      store: {
        put: async (key, value, options) => {
          const result = await client.store.put(key, value, options)
          this.note(result.revision, {
            kind: 'changes',
            changes: [{ type: 'put', key: String(key), value: String(value) }],
          })
          return result
        },
      },
    }
  }

  /** Begins to write: each client `burst` writes at a time, with a pause after them. */
  start(clients: readonly Client[], burst: () => number, pauseMs: () => number): void {
    this.writers = clients.map(async (client) => {
      while (!this.stopping) {
        await Promise.all(Array.from({ length: burst() }, () => this.one(client)))
        await sleep(pauseMs())
      }
    })
  }

  /** Makes one random write. */
  async one(client: Client): Promise<void> {
    const at = Math.floor(Math.random() * this.prefixes)
    const prefix = prefixName(at)
    const key = `${prefix}k${Math.floor(Math.random() * keysPerPrefix)}`
    const value = `${this.counter++}:${'v'.repeat(40 + Math.floor(Math.random() * 160))}`
    const dice = Math.random()
    if (dice < 0.84) {
      const { revision } = await client.store.put(key, value, { timeoutMs })
      this.note(revision, { kind: 'changes', changes: [{ type: 'put', key, value }] })
    } else if (dice < 0.94) {
      const { revision, deleted } = await client.store.delete(key, { timeoutMs })
      if (deleted > 0) this.note(revision, { kind: 'changes', changes: [{ type: 'delete', key }] })
    } else if (dice < 0.95) {
      const { revision, deleted } = await client.store.deleteRange({ prefix: `${prefix}k1` }, { timeoutMs })
      if (deleted > 0) this.note(revision, { kind: 'deleteAll', prefix: `${prefix}k1`, count: deleted })
    } else {
      const keys = [key, `${prefixName((at + 7) % this.prefixes)}shared`, `${prefix}also`]
      const revision = Number(await client.programs.call('several', 'write', { keys, value }, { timeoutMs }))
      const puts = keys.map((one): Change => ({ type: 'put', key: one, value }))
      this.note(revision, { kind: 'changes', changes: [...puts, { type: 'emit', key, value }] })
    }
  }

  /** Ends the writers and waits for the answers under way. */
  async stop(): Promise<void> {
    this.stopping = true
    await Promise.all(this.writers)
  }

  /** The history. Fails when revisions are missing or doubled: then some write was lost or happened twice. */
  history(): WatchHistory {
    expect(this.wrongs.length === 0, () => this.wrongs.slice(0, 10).join('\n'))
    const history = new WatchHistory()
    const present = new Set<string>()
    for (let revision = 1; revision <= this.count; revision++) {
      const written = this.byRevision.get(revision)
      expect(written !== undefined, `no acknowledged write has revision ${revision} of ${this.count}`)
      const changes = written.kind === 'changes' ? written.changes : deletes(written, present, revision)
      for (const { type, key } of changes) {
        if (type === 'put') present.add(key)
        else if (type === 'delete') {
          expect(present.delete(key), `revision ${revision} deleted ${key}, which was not there`)
        }
      }
      history.add(revision, changes)
    }
    return history
  }
}

function deletes(
  { prefix, count }: { readonly prefix: string; readonly count: number },
  present: ReadonlySet<string>,
  revision: number,
): Change[] {
  const keys = [...present].filter((key) => key.startsWith(prefix)).toSorted()
  expect(keys.length === count, `revision ${revision} deleted ${count} keys, and ${keys.length} were there`)
  return keys.map((key) => ({ type: 'delete', key }))
}
