/** B2 of crdt-benchmarks, written anew: two replicas edit the same text without knowing of each other, then meet. N = 6,000. */
import type { Random } from '../../../base/index.ts'
import { seededRandom } from '../../harness/random.ts'
import type { Replica } from '../library.ts'
import { check, timedMs } from '../workload.ts'
import type { Figure, Workload } from '../workload.ts'

const n = 6000
const start = 'x'.repeat(100)

type Case = (replica: Replica, random: Random) => void

const letters = (random: Random, count: number): string =>
  Array.from({ length: count }, () => String.fromCharCode(97 + (random.u32() % 26))).join('')

const cases: Readonly<Record<string, Case>> = {
  'B2.1 both insert a string of N at the start': (replica, random) => replica.insertText(0, letters(random, n)),
  'B2.2 both insert characters at random places': (replica, random) => {
    for (let at = 0; at < n; at++) replica.insertText(random.u32() % (start.length + at + 1), letters(random, 1))
  },
  'B2.3 both insert words at random places': (replica, random) => {
    let length = start.length
    for (let at = 0; at < n; at++) {
      const text = letters(random, 3 + (random.u32() % 6))
      replica.insertText(random.u32() % (length + 1), text)
      length += text.length
    }
  },
  'B2.4 both insert and delete at random places': (replica, random) => {
    let length = start.length
    for (let at = 0; at < n; at++) {
      const position = random.u32() % (length + 1)
      if (position === length || random.u32() % 2 === 0) {
        const text = letters(random, 3 + (random.u32() % 6))
        replica.insertText(position, text)
        length += text.length
      } else {
        const deleted = 1 + (random.u32() % Math.min(9, length - position))
        replica.deleteText(position, deleted)
        length -= deleted
      }
    }
  },
}

/** All of B2 in one process; the time is that of the exchange. */
export const b2: Workload = {
  name: 'B2',
  runs: 1,
  run: (library, { seed }) =>
    Object.entries(cases).map(([name, work]): Figure => {
      const one = library.create(1)
      const two = library.create(2)
      two.apply([one.update(() => one.insertText(0, start))])
      const ofOne = one.update(() => work(one, seededRandom(seed + 1)))
      const ofTwo = two.update(() => work(two, seededRandom(seed + 2)))
      const ms = timedMs(() => {
        one.apply([ofTwo])
        two.apply([ofOne])
        one.text()
        two.text()
      })
      check(one.text() === two.text(), `${name}: both have the same`)
      one.free()
      two.free()
      return { name, value: ms, unit: 'ms' }
    }),
}
