/**
 * Automerge 3. Documents are immutable values; a replica holds the newest. Its changes cost milliseconds where the others need
 * microseconds, so that long workloads of small transactions are cut short and reckoned up.
 */
import * as automerge from '@automerge/automerge'
import type { Doc } from '@automerge/automerge'
import { automergeRawSize } from './automerge-raw.ts'
import type { Format, Library, Replica, Scalar } from '../library.ts'

interface Root {
  [key: string]: unknown
  text: string
  list: (number | string)[]
  map: Record<string, Scalar>
  counter: automerge.Counter
}

/** All replicas begin with the same change, so that their containers are the same. */
const origin = automerge.save(
  automerge.change(automerge.init<Root>({ actor: 'ffffffff' }), { time: 0 }, (root) => {
    root.text = ''
    root.list = []
    root.map = {}
    root.counter = new automerge.Counter(0)
  }),
)

class AutomergeReplica implements Replica {
  doc: Doc<Root>
  #root: Root | undefined

  constructor(doc: Doc<Root>) {
    this.doc = doc
  }

  transact(work: () => void): void {
    this.doc = automerge.change(this.doc, { time: 0 }, (root) => {
      this.#root = root
      work()
    })
    this.#root = undefined
  }

  update(work: () => void): Uint8Array {
    this.transact(work)
    return automerge.getLastLocalChange(this.doc) ?? new Uint8Array()
  }

  insertText(position: number, text: string): void {
    automerge.splice(this.#editable(), ['text'], position, 0, text)
  }

  deleteText(position: number, length: number): void {
    automerge.splice(this.#editable(), ['text'], position, length, '')
  }

  text(): string {
    return this.doc.text
  }

  insertItems(position: number, items: readonly (number | string)[]): void {
    this.#editable().list.splice(position, 0, ...items)
  }

  items(): readonly unknown[] {
    return this.doc.list
  }

  setKey(key: string, value: Scalar): void {
    this.#editable().map[key] = value
  }

  map(): Readonly<Record<string, unknown>> {
    return this.doc.map
  }

  increment(by: number): void {
    this.#editable().counter.increment(by)
  }

  counter(): number {
    return this.doc.counter.value
  }

  apply(updates: readonly Uint8Array[]): void {
    this.doc = automerge.applyChanges(this.doc, [...updates])[0]
  }

  receive(difference: Uint8Array): void {
    this.doc = automerge.loadIncremental(this.doc, difference)
  }

  since(other: Replica): Uint8Array {
    return automerge.saveSince(this.doc, automerge.getHeads((other as AutomergeReplica).doc))
  }

  free(): void {
    automerge.free(this.doc)
  }

  #editable(): Root {
    if (this.#root === undefined) throw new Error('edits need a transaction')
    return this.#root
  }
}

const format: Format = {
  name: 'save',
  encode: (replica) => automerge.save((replica as AutomergeReplica).doc),
  rawSize: automergeRawSize,
  load: (bytes) => new AutomergeReplica(automerge.load<Root>(bytes)),
}

/** The library. */
export const automergeLibrary: Library = {
  name: 'automerge',
  create: (number) =>
    new AutomergeReplica(automerge.load<Root>(origin, { actor: number.toString(16).padStart(8, '0') })),
  formats: [format],
  hasCounter: true,
  transactionsMax: 4000,
  mapOperationsMax: 10_000,
}
