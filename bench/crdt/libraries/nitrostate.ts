/** This project. An update is what `commit` gives; a stored document is `encode` without a compressor. */
import { Doc } from '../../../crdt/index.ts'
import type { Value } from '../../../base/index.ts'
import type { Format, Library, Replica, Scalar } from '../library.ts'

/** Loaded documents are read only; any replica id will do. */
const reader = { replica: 0xffff_ffff }

class NitroReplica implements Replica {
  readonly doc: Doc
  readonly #text: ReturnType<Doc['text']>
  readonly #list: ReturnType<Doc['list']>
  readonly #map: ReturnType<Doc['map']>
  readonly #counter: ReturnType<Doc['counter']>

  constructor(doc: Doc) {
    this.doc = doc
    this.#text = doc.text('text')
    this.#list = doc.list('list')
    this.#map = doc.map('map')
    this.#counter = doc.counter('counter')
  }

  transact(work: () => void): void {
    work()
    this.doc.commit()
  }

  update(work: () => void): Uint8Array {
    work()
    return this.doc.commit() ?? new Uint8Array()
  }

  insertText(position: number, text: string): void {
    this.#text.insert(position, text)
  }

  deleteText(position: number, length: number): void {
    this.#text.delete(position, length)
  }

  text(): string {
    return this.#text.toString()
  }

  insertItems(position: number, items: readonly (number | string)[]): void {
    this.#list.insert(position, items)
  }

  items(): readonly unknown[] {
    return this.#list.values()
  }

  setKey(key: string, value: Scalar): void {
    this.#map.set(key, value)
  }

  map(): Readonly<Record<string, unknown>> {
    return this.#map.value() as Record<string, Value>
  }

  increment(by: number): void {
    this.#counter.add(by)
  }

  counter(): number {
    return Number(this.#counter.value)
  }

  apply(updates: readonly Uint8Array[]): void {
    this.doc.applyAll(updates)
  }

  receive(difference: Uint8Array): void {
    this.doc.apply(difference)
  }

  since(other: Replica): Uint8Array {
    return this.doc.since((other as NitroReplica).doc.version())
  }

  free(): void {
    // The garbage collector sees all of it.
  }
}

const format: Format = {
  name: 'encode',
  encode: (replica) => (replica as NitroReplica).doc.encode(),
  load: (bytes) => new NitroReplica(Doc.decode(bytes, reader)),
}

/** The library. */
export const nitrostate: Library = {
  name: 'nitrostate',
  create: (number) => new NitroReplica(new Doc({ replica: number })),
  formats: [format],
  hasCounter: true,
}
