/** The same work twice as large, again and again: what grows faster than the work shows here. */
import { seededRandom } from '../../harness/random.ts'
import type { Library, Replica } from '../library.ts'
import { check, timedMs } from '../workload.ts'
import type { Figure, Workload } from '../workload.ts'

/** From small to large; each twice the one before. */
export const doublingSizes: readonly number[] = [12_500, 25_000, 50_000, 100_000]

const kinds: Readonly<Record<string, (library: Library, size: number, seed: number) => number>> = {
  'text at random places': (library, size, seed) => {
    const replica = library.create(1)
    const ms = timedMs(() => {
      replica.transact(() => scatter(replica, size, 0, seed))
      replica.text()
    })
    check(replica.text().length > 0, 'something was written')
    replica.free()
    return ms
  },
  'map sets': (library, size) => {
    const replica = library.create(1)
    const ms = timedMs(() =>
      replica.transact(() => {
        for (let at = 0; at < size; at++) replica.setKey(`key${at}`, at)
      }),
    )
    replica.free()
    return ms
  },
  'merge of two branches': (library, size, seed) => {
    const one = library.create(1)
    const two = library.create(2)
    two.apply([one.update(() => one.insertText(0, 'x'.repeat(1000)))])
    const ofOne = one.update(() => scatter(one, size, 1000, seed))
    const ofTwo = two.update(() => scatter(two, size, 1000, seed + 1))
    const ms = timedMs(() => {
      one.apply([ofTwo])
      two.apply([ofOne])
      one.text()
      two.text()
    })
    check(one.text() === two.text(), 'both have merged to the same')
    one.free()
    two.free()
    return ms
  },
  'load of a text': (library, size, seed) => {
    const replica = library.create(1)
    replica.transact(() => scatter(replica, size, 0, seed))
    const format = library.formats[0]
    if (format === undefined) throw new Error('a library has a format')
    const bytes = format.encode(replica)
    const ms = timedMs(() => {
      const loaded = format.load(bytes)
      loaded.text()
      loaded.free()
    })
    replica.free()
    return ms
  },
}

/** Single characters anywhere, a fifth of the edits a deletion. */
function scatter(replica: Replica, edits: number, start: number, seed: number): void {
  const random = seededRandom(seed)
  let length = start
  for (let left = edits; left > 0; left--) {
    if (length > 10 && random.u32() % 5 === 0) {
      replica.deleteText(random.u32() % length, 1)
      length--
    } else {
      replica.insertText(random.u32() % (length + 1), 'a')
      length++
    }
  }
}

/** Only for libraries without a limit: the others would take hours. */
export const doubling: Workload = {
  name: 'doubling',
  runs: 1,
  run(library, { seed }) {
    if (library.transactionsMax !== undefined) return undefined
    return Object.entries(kinds).flatMap(([kind, run]) => {
      run(library, 2000, seed)
      return doublingSizes.map((size): Figure => ({
        name: `doubling/${kind}/${size}`,
        value: run(library, size, seed),
        unit: 'ms',
      }))
    })
  },
}
