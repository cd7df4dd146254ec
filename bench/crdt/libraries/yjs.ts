/** Yjs. Format V2 is smaller, V1 is faster; both are measured. Updates are V1, as its providers send them. */
import { Doc, applyUpdate, applyUpdateV2, encodeStateAsUpdate, encodeStateAsUpdateV2, encodeStateVector } from 'yjs'
import type { Array as YArray, Map as YMap, Text as YText } from 'yjs'
import type { Format, Library, Replica, Scalar } from '../library.ts'

class YjsReplica implements Replica {
  readonly doc = new Doc()
  readonly #text: YText
  readonly #list: YArray<number | string>
  readonly #map: YMap<Scalar>
  #update: Uint8Array | undefined
  #listens = false

  constructor(number?: number) {
    if (number !== undefined) this.doc.clientID = number
    this.#text = this.doc.getText('text')
    this.#list = this.doc.getArray('list')
    this.#map = this.doc.getMap('map')
  }

  transact(work: () => void): void {
    this.doc.transact(work)
  }

  update(work: () => void): Uint8Array {
    if (!this.#listens) {
      this.doc.on('update', (update: Uint8Array) => {
        this.#update = update
      })
      this.#listens = true
    }
    this.#update = undefined
    this.doc.transact(work)
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
    this.#list.insert(position, [...items])
  }

  items(): readonly unknown[] {
    return this.#list.toArray()
  }

  setKey(key: string, value: Scalar): void {
    this.#map.set(key, value)
  }

  map(): Readonly<Record<string, unknown>> {
    return this.#map.toJSON()
  }

  increment(by: number): void {
    this.#map.set('counter', this.counter() + by)
  }

  counter(): number {
    return Number(this.#map.get('counter') ?? 0)
  }

  apply(updates: readonly Uint8Array[]): void {
    this.doc.transact(() => {
      for (const update of updates) applyUpdate(this.doc, update)
    })
  }

  receive(difference: Uint8Array): void {
    this.apply([difference])
  }

  since(other: Replica): Uint8Array {
    return encodeStateAsUpdate(this.doc, encodeStateVector((other as YjsReplica).doc))
  }

  free(): void {
    this.doc.destroy()
  }
}

const v1: Format = {
  name: 'V1',
  encode: (replica) => encodeStateAsUpdate((replica as YjsReplica).doc),
  load: (bytes) => {
    const replica = new YjsReplica()
    applyUpdate(replica.doc, bytes)
    return replica
  },
}

const v2: Format = {
  name: 'V2',
  encode: (replica) => encodeStateAsUpdateV2((replica as YjsReplica).doc),
  load: (bytes) => {
    const replica = new YjsReplica()
    applyUpdateV2(replica.doc, bytes)
    return replica
  },
}

/** The library. */
export const yjs: Library = {
  name: 'yjs',
  create: (number) => new YjsReplica(number),
  formats: [v2, v1],
  hasCounter: false,
}
