/**
 * Watchers: watches that live long, of keys, prefixes and everything, from now or from the past, some with little credit and readers
 * that dawdle. What they give is kept, and checked against the history at the end.
 */
import { isNitroError, text } from '../../../base/index.ts'
import type { Engine, Entry, Watch, WatchBatch, WatchOptions } from '../../api/index.ts'
import { createStore } from '../../store/index.ts'
import type { SeenBatch, SeenRecord, WatchRecord } from '../checkers/watch.ts'
import type { Turn, WorkloadOperation } from './operation.ts'

const watchersMax = 8
/** So little that a few events fill it. */
export const smallCreditBytes = 300

const subjects: readonly { readonly options: WatchOptions; readonly matches: (key: string) => boolean }[] = [
  { options: { key: 'r1' }, matches: (key) => key === 'r1' },
  { options: { key: 't/1' }, matches: (key) => key === 't/1' },
  { options: { prefix: 't/' }, matches: (key) => key.startsWith('t/') },
  { options: { prefix: 'lease/' }, matches: (key) => key.startsWith('lease/') },
  { options: { prefix: '' }, matches: (key) => key.charCodeAt(0) !== 0 },
  { options: { start: 'r2', end: 't/3' }, matches: (key) => key >= 'r2' && key < 't/3' },
]

/** Opens a watch, closes one, or asks one how far it is. */
export const watchOperation: WorkloadOperation = {
  name: 'watch',
  weight: 0.15,
  run(turn) {
    const { random, desk } = turn.world
    const own = desk.watchers.filter((one) => one.client === turn.client.name && !one.over)
    const lot = random.between(0, 1)
    if (own.length < 2 || (lot < 0.4 && own.length < watchersMax)) open(turn)
    else if (lot < 0.5) random.pick(own).close()
    else random.pick(own).watch.requestProgress()
    return Promise.resolve()
  },
}

function open(turn: Turn): void {
  const { random, desk, coverage } = turn.world
  const { options, matches } = random.pick(subjects)
  const { revision } = desk.known()
  const past = Math.max(1, revision - Math.floor(random.between(0, 60)))
  const fromRevision = random.chance(0.5) ? undefined : random.chance(0.8) ? past : revision + 5
  const filter = random.chance(0.2) ? random.pick(['put', 'delete', 'emit'] as const) : undefined
  const isSmall = random.chance(0.4)
  const wanted: WatchOptions = {
    ...options,
    prev: random.chance(0.5),
    ...(fromRevision === undefined ? {} : { fromRevision }),
    ...(filter === undefined ? {} : { filter }),
    ...(random.chance(0.3) ? { progressMs: 500 } : {}),
  }
  const { engine } = turn.connection
  const store = createStore(isSmall ? withCredit(engine, smallCreditBytes) : engine, turn.client.life)
  const name = `${desk.watchers.length} of ${turn.client.name} on ${JSON.stringify(wanted)}`
  const pauseMs = isSmall ? random.between(20, 1_500) : random.chance(0.2) ? 300 : 0
  if (isSmall) coverage.hit('watch: slow reader')
  const watcher = new Watcher(turn, name, store.watch(wanted), wanted, matches, pauseMs)
  desk.watchers.push(watcher)
  void watcher.read()
}

/** An engine whose watches have this much credit. */
export function withCredit(engine: Engine, creditBytes: number): Engine {
  return {
    command: (...args) => engine.command(...args),
    query: (...args) => engine.query(...args),
    watch: (request, listener) => engine.watch({ ...request, creditBytes }, listener),
  }
}

/** One watch and its reader. */
export class Watcher {
  readonly client: string
  readonly watch: Watch
  over = false
  /** Everything up to this revision has come. */
  through = 0
  private readonly turn: Turn
  readonly name: string
  private readonly wanted: WatchOptions
  private readonly matches: (key: string) => boolean
  private readonly pauseMs: number
  private readonly batches: SeenBatch[] = []

  constructor(
    turn: Turn,
    name: string,
    watch: Watch,
    wanted: WatchOptions,
    matches: (key: string) => boolean,
    pauseMs: number,
  ) {
    this.turn = turn
    this.client = turn.client.name
    this.name = name
    this.watch = watch
    this.wanted = wanted
    this.matches = matches
    this.pauseMs = pauseMs
  }

  /** Ends it. */
  close(): void {
    this.watch.close()
  }

  /** Reads until it is over. */
  async read(): Promise<void> {
    const { turn, watch, wanted, name } = this
    const { coverage, violations, desk } = turn.world
    try {
      const opened = await watch.opened
      const from = wanted.fromRevision ?? opened + 1
      this.through = from - 1
      this.tell(from)
      let endpoint = turn.connection.endpoint
      for await (const batch of watch) {
        const now = turn.connection.endpoint
        if (endpoint !== '' && now !== '' && endpoint !== now) coverage.hit('watch: begun again elsewhere')
        endpoint = now
        this.batches.push(seenBatch(batch))
        this.through = Math.max(this.through, batch.revision)
        coverage.hit(batch.events.length > 0 ? 'watch: events' : 'watch: progress')
        if (this.pauseMs > 0 && !desk.hurry) await this.rest()
      }
    } catch (error) {
      if (isNitroError(error, 'Compacted')) {
        coverage.hit('watch: overtaken by compaction')
        const compactRevision = Number(error.details['compactRevision'])
        turn.world.tell({
          kind: 'lost',
          name,
          next: Math.max(this.through + 1, wanted.fromRevision ?? 0),
          compactRevision,
        })
      } else if (!isNitroError(error, 'Closed')) {
        violations.add('watch guarantees', `watch ${name} ended: ${String(error)}`)
      }
    }
    this.over = true
  }

  private rest(): Promise<void> {
    return new Promise((resolve) => {
      this.turn.client.life.scheduler.after(this.pauseMs, resolve)
    })
  }

  private tell(from: number): void {
    const { name, matches, wanted, batches } = this
    const { prev = false, filter } = wanted
    const through = (): number => this.through
    const record: WatchRecord = {
      ...{ name, matches, filter, prev, from, batches },
      get until() {
        return through()
      },
    }
    this.turn.world.tell({ kind: 'watch', watch: record })
  }
}

/** A batch as checkers see it. */
export function seenBatch({ revision, events }: Pick<WatchBatch, 'revision' | 'events'>): SeenBatch {
  const record = (entry: Entry | undefined): SeenRecord | undefined =>
    entry && {
      ...{ value: text(entry.value), createRevision: entry.createRevision },
      ...{ modRevision: entry.modRevision, version: entry.version },
    }
  return {
    revision,
    events: events.map((event) => ({
      ...{ type: event.type, key: event.keyText() },
      ...{ entry: record(event.entry), previous: record(event.previous) },
    })),
  }
}
