/** Loro (WebAssembly). The snapshot is its format for storage, `update` the history alone. */
import { LoroDoc } from 'loro-crdt'
import type { LoroCounter, LoroList, LoroMap, LoroText } from 'loro-crdt'
import type { Format, Library, Replica, Scalar } from '../library.ts'

class LoroReplica implements Replica {
  readonly doc = new LoroDoc()
  readonly #text: LoroText
  readonly #list: LoroList
  readonly #map: LoroMap
  readonly #counter: LoroCounter
  #update: Uint8Array | undefined
  #listens = false

  constructor(number?: number) {
    if (number !== undefined) this.doc.setPeerId(BigInt(number))
    this.#text = this.doc.getText('text')
    this.#list = this.doc.getList('list')
    this.#map = this.doc.getMap('map')
    this.#counter = this.doc.getCounter('counter')
  }

  transact(work: () => void): void {
    work()
    this.doc.commit()
  }

  update(work: () => void): Uint8Array {
    if (!this.#listens) {
      this.doc.subscribeLocalUpdates((update) => {
        this.#update = update
      })
      this.#listens = true
    }
    this.#update = undefined
    this.transact(work)
    return this.#update ?? new Uint8Array()
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
    items.forEach((item, at) => this.#list.insert(position + at, item))
  }

  items(): readonly unknown[] {
    return this.#list.toArray()
  }

  setKey(key: string, value: Scalar): void {
    this.#map.set(key, value)
  }

  map(): Readonly<Record<string, unknown>> {
    return this.#map.toJSON() as Record<string, unknown>
  }

  increment(by: number): void {
    this.#counter.increment(by)
  }

  counter(): number {
    return this.#counter.value
  }

  apply(updates: readonly Uint8Array[]): void {
    if (updates.length === 1) this.doc.import(updates[0] as Uint8Array)
    else this.doc.importBatch([...updates])
  }

  receive(difference: Uint8Array): void {
    this.apply([difference])
  }

  since(other: Replica): Uint8Array {
    return this.doc.export({ mode: 'update', from: (other as LoroReplica).doc.version() })
  }

  free(): void {
    this.doc.free()
  }
}

function formatOf(name: string, mode: 'snapshot' | 'update'): Format {
  return {
    name,
    encode: (replica) => (replica as LoroReplica).doc.export({ mode }),
    load: (bytes) => {
      const replica = new LoroReplica()
      replica.doc.import(bytes)
      return replica
    },
  }
}

/** The library. */
export const loro: Library = {
  name: 'loro',
  create: (number) => new LoroReplica(number),
  formats: [formatOf('snapshot', 'snapshot'), formatOf('update', 'update')],
  hasCounter: true,
}
