/**
 * Values that merge: two people edit a document apart from each other, meet, and have the same. No cluster is needed for this;
 * it runs in browsers, too.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { Doc } from 'nitrostate/crdt'

const ada = new Doc({ replica: 1, wallMs: () => Date.now() })
ada.text('note').insert(0, 'Meet at noon.')
ada.map('trip').set('city', 'Turin')
ada.addWinsSet('guests').add('Ada')
const first = ada.commit()

const grace = new Doc({ replica: 2, wallMs: () => Date.now() })
if (first !== undefined) grace.apply(first)

// Both go on without a connection.
ada.text('note').insert(12, ' in the park')
ada.counter('votes').add(2)
ada.addWinsSet('guests').add('Alan')
ada.commit()

grace.text('note').delete(8, 4)
grace.text('note').insert(8, 'eight')
grace.counter('votes').add(3)
grace.addWinsSet('guests').remove('Ada')
grace.commit()

// What each lacks is a few bytes; the order in which they arrive does not matter.
const before = ada.version()
const forAda = grace.since(ada.version())
const forGrace = ada.since(grace.version())
const patches = ada.apply(forAda)
grace.apply(forGrace)

show('ada', ada)
show('grace', grace)
console.log(`${forAda.length} bytes told Ada of ${patches.length} changes`)

// Yesterday is still there, and all of it fits in a file.
console.log('before they met:', ada.at(before).text('note').toString())
const deflate = { method: 'deflate', compress: (bytes: Uint8Array) => deflateRawSync(bytes) }
const inflate = { method: 'deflate', decompress: (bytes: Uint8Array) => inflateRawSync(bytes) }
const stored = ada.encode(deflate)
const copy = Doc.decode(stored, { replica: 3 }, inflate)
console.log(`${stored.length} bytes stored;`, copy.text('note').toString())

function show(who: string, doc: Doc): void {
  console.log(`${who}:`, doc.text('note').toString(), doc.counter('votes').value, doc.addWinsSet('guests').values())
}
