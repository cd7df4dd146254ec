/** One session with every type of value, whose outcome is the same on every platform. */
import { Doc } from '../../../crdt/index.ts'

/** What came of it, to be compared across platforms. */
export interface Outcome {
  readonly value: string
  readonly bytes: string
  readonly patches: number
}

/** Three replicas edit apart from each other, meet, store, load and look back. */
export function runScenario(): Outcome {
  const docs = [1, 2, 3].map((replica) => new Doc({ replica, wallMs: () => 1_700_000_000_000 + replica }))
  let patches = 0
  for (const doc of docs) {
    doc.on((change) => {
      patches += change.patches.length
    })
  }
  docs.forEach((doc, at) => {
    doc.text('text').insert(0, `schön ${at} 🤝 `)
    doc.text('text').mark(0, 3, 'bold', true)
    doc.list('list').push(at, [at, 'x'], null)
    doc.movableList('movable').push('a', 'b', 'c')
    doc.movableList('movable').move(0, 2)
    doc.map('map').set('key', at)
    doc.map('map').map('inner').addWinsSet('set').add(`of ${at}`)
    doc.register('register').set(`by ${at}`)
    doc.multiValue('many').set(at)
    doc.counter('counter').add(at + 1)
    doc.boundedCounter('bounded').grant(10)
    doc.boundedCounter('bounded').spend(at + 1)
    doc.enableWinsFlag('on').enable()
    doc.disableWinsFlag('off').disable()
    doc.addWinsSet('set').add(at)
    doc.removeWinsSet('rest').add('x')
    const node = doc.tree('tree').create()
    doc.tree('tree').set(node, 2n ** 80n)
    doc.commit()
  })
  for (const doc of docs) for (const other of docs) if (other !== doc) doc.merge(other)
  const [first, second] = docs as [Doc, Doc]
  const then = first.version()
  second.text('text').delete(2, 4)
  second.commit()
  first.merge(second)
  const back = Doc.decode(first.encode(), { replica: 4 })
  const shown = [back.value(), back.at(then).value(), back.text('text').richText()]
  return { value: JSON.stringify(shown, plain), bytes: hex(first.encode()), patches }
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  return value instanceof Map ? [...value] : value
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
