/** 100,000 sets in a map and 100,000 increments, in one transaction and each in its own. */
import type { Library, Replica } from '../library.ts'
import { check, manyTransactions, timedMs, withReplica } from '../workload.ts'
import type { Figure, Workload } from '../workload.ts'

const count = 100_000
const hotKeys = 100

interface Kind {
  readonly name: string
  readonly edit: (replica: Replica, at: number) => void
  readonly verify: (replica: Replica, done: number) => void
}

const kinds: readonly Kind[] = [
  {
    name: 'map/sets of unique keys',
    edit: (replica, at) => replica.setKey(`key${at}`, at),
    verify: (replica, done) => check(Object.keys(replica.map()).length === done, 'every key is there'),
  },
  {
    name: 'map/sets of 100 hot keys',
    edit: (replica, at) => replica.setKey(`key${at % hotKeys}`, at),
    verify: (replica, done) => {
      const last = done - 1
      check(Number(replica.map()[`key${last % hotKeys}`]) === last, 'the last write is there')
    },
  },
  {
    name: 'counter/increments',
    edit: (replica) => replica.increment(1),
    verify: (replica, done) => check(replica.counter() === done, 'every increment counts'),
  },
]

function inOneGo(library: Library, { name, edit, verify }: Kind): Figure[] {
  const done = Math.min(count, library.mapOperationsMax ?? count)
  return withReplica(library.create(1), (replica) => {
    const ms = timedMs(() =>
      replica.transact(() => {
        for (let at = 0; at < done; at++) edit(replica, at)
      }),
    )
    verify(replica, done)
    const size = Math.min(...library.formats.map((format) => format.encode(replica).length))
    const scaled = done < count
    return [
      { name: `${name}, in one go`, value: (ms * count) / done, unit: 'ms', scaled },
      { name: `${name}, stored`, value: (size * count) / done, unit: 'bytes', scaled },
    ]
  })
}

function each(library: Library, { name, edit, verify }: Kind): Figure[] {
  return withReplica(library.create(1), (replica) => {
    const { ms, bytes, scaled } = manyTransactions(library, replica, count, (at) => edit(replica, at))
    if (!scaled) verify(replica, count)
    return [
      { name: `${name}, with updates`, value: ms, unit: 'ms', scaled },
      { name: `${name}, bytes of all updates`, value: bytes, unit: 'bytes', scaled },
    ]
  })
}

/** One workload a kind. */
export const mapWorkloads: readonly Workload[] = kinds.map((kind) => ({
  name: kind.name.split(',')[0]?.replaceAll(/[/ ]/g, '-') ?? kind.name,
  runs: 3,
  run: (library) => [...inOneGo(library, kind), ...each(library, kind)],
}))
