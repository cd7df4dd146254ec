/** Two people edit a text of 10,000 edits apart from each other, 10,000 edits each, and meet again. */
import { seededRandom } from '../../harness/random.ts'
import type { Replica } from '../library.ts'
import { check, timedMs } from '../workload.ts'
import type { Workload } from '../workload.ts'

const edits = 10_000

/** Types words, and deletes now and then, at places that wander. */
function editText(replica: Replica, count: number, seed: number): void {
  const random = seededRandom(seed)
  let length = replica.text().length
  let caret = length
  replica.transact(() => {
    for (let left = count; left > 0; left--) {
      if (random.u32() % 20 === 0) caret = random.u32() % (length + 1)
      if (length > 20 && random.u32() % 5 === 0) {
        const from = Math.min(caret, length - 1)
        replica.deleteText(from, 1)
        length--
        caret = from
      } else {
        replica.insertText(caret, String.fromCharCode(97 + (random.u32() % 26)))
        length++
        caret++
      }
    }
  })
}

/** Both directions: what the other lacks is encoded, sent and applied. */
export const mergeOfBranches: Workload = {
  name: 'merge-of-branches',
  runs: 3,
  run(library, { seed }) {
    const one = library.create(1)
    editText(one, edits, seed)
    const two = library.create(2)
    two.receive(one.since(two))
    editText(one, edits, seed + 1)
    editText(two, edits, seed + 2)
    let bytes = 0
    const ms = timedMs(() => {
      const forTwo = one.since(two)
      const forOne = two.since(one)
      two.receive(forTwo)
      one.receive(forOne)
      bytes = forOne.length + forTwo.length
      // reading is part of it: some libraries order a text only then
      one.text()
      two.text()
    })
    check(one.text() === two.text(), 'both have merged to the same')
    one.free()
    two.free()
    return [
      { name: 'merge/two branches of 10,000 edits', value: ms, unit: 'ms' },
      { name: 'merge/bytes of both differences', value: bytes, unit: 'bytes' },
    ]
  },
}
