/** B1 of crdt-benchmarks, written anew: one replica edits, another gets every update at once. N = 6,000. */
import type { Random } from '../../../base/index.ts'
import { seededRandom } from '../../harness/random.ts'
import type { Replica } from '../library.ts'
import { check, timedMs } from '../workload.ts'
import type { Figure, Workload } from '../workload.ts'

const full = 6000

/** Makes its transactions, n or two, through `step`. */
type Case = (step: (edit: (replica: Replica) => void) => void, random: Random, n: number) => void

const letter = (random: Random): string => String.fromCharCode(97 + (random.u32() % 26))
const word = (random: Random): string => Array.from({ length: 3 + (random.u32() % 6) }, () => letter(random)).join('')
const letters = (random: Random, count: number): string => Array.from({ length: count }, () => letter(random)).join('')
const numbers = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.u32() >>> 1)

/** Random places in a text that grows by what is inserted. */
function insertAtRandom(step: Parameters<Case>[0], random: Random, n: number, next: () => string): void {
  let length = 0
  for (let at = 0; at < n; at++) {
    const text = next()
    const position = random.u32() % (length + 1)
    step((replica) => replica.insertText(position, text))
    length += text.length
  }
}

const cases: Readonly<Record<string, Case>> = {
  'B1.1 append characters': (step, random, n) => {
    for (let at = 0; at < n; at++) {
      const text = letter(random)
      step((replica) => replica.insertText(at, text))
    }
  },
  'B1.2 insert a string of N': (step, random, n) => step((replica) => replica.insertText(0, letters(random, n))),
  'B1.3 prepend characters': (step, random, n) => {
    for (let at = 0; at < n; at++) {
      const text = letter(random)
      step((replica) => replica.insertText(0, text))
    }
  },
  'B1.4 characters at random places': (step, random, n) => insertAtRandom(step, random, n, () => letter(random)),
  'B1.5 words at random places': (step, random, n) => insertAtRandom(step, random, n, () => word(random)),
  'B1.6 insert a string, delete it': (step, random, n) => {
    step((replica) => replica.insertText(0, letters(random, n)))
    step((replica) => replica.deleteText(0, n))
  },
  'B1.7 insert and delete at random places': (step, random, n) => {
    let length = 0
    for (let at = 0; at < n; at++) {
      const position = random.u32() % (length + 1)
      if (length === position || random.u32() % 2 === 0) {
        const text = word(random)
        step((replica) => replica.insertText(position, text))
        length += text.length
      } else {
        const deleted = 1 + (random.u32() % Math.min(9, length - position))
        step((replica) => replica.deleteText(position, deleted))
        length -= deleted
      }
    }
  },
  'B1.8 append numbers': (step, random, n) => {
    for (let at = 0; at < n; at++) step((replica) => replica.insertItems(at, numbers(random, 1)))
  },
  'B1.9 insert a list of N numbers': (step, random, n) => step((replica) => replica.insertItems(0, numbers(random, n))),
  'B1.10 prepend numbers': (step, random, n) => {
    for (let at = 0; at < n; at++) step((replica) => replica.insertItems(0, numbers(random, 1)))
  },
  'B1.11 numbers at random places': (step, random, n) => {
    for (let at = 0; at < n; at++) {
      const position = random.u32() % (at + 1)
      step((replica) => replica.insertItems(position, numbers(random, 1)))
    }
  },
}

/** All of B1 in one process. Where a library is limited, N is smaller and the time reckoned up. */
export const b1: Workload = {
  name: 'B1',
  runs: 1,
  run: (library, { seed }) => {
    const n = library.transactionsMax === undefined ? full : full / 10
    return Object.entries(cases).map(([name, work]): Figure => {
      const one = library.create(1)
      const two = library.create(2)
      const ms = timedMs(() => work((edit) => two.apply([one.update(() => edit(one))]), seededRandom(seed), n))
      check(one.text() === two.text() && one.items().length === two.items().length, `${name}: both have the same`)
      one.free()
      two.free()
      return { name, value: (ms * full) / n, unit: 'ms', scaled: n < full }
    })
  },
}
