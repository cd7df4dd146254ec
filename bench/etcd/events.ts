/** Writes whose events are waited for: which of them have come is told by a number at the front of the value. */
import { valueBytes } from './loads.ts'

interface Expected {
  readonly number: number
  readonly arrived: () => void
  readonly failed: (error: Error) => void
}

/** One outstanding write a client. */
export class ExpectedEvents {
  private readonly expected = new Map<number, Expected>()
  private next = 1

  /** Writes as this client with `put`; resolves when the event of just this write has come. */
  write(client: number, put: (value: Uint8Array) => Promise<unknown>): Promise<void> {
    const number = this.next++
    const value = new Uint8Array(valueBytes)
    new DataView(value.buffer).setUint32(0, number)
    return new Promise((resolve, reject) => {
      this.expected.set(client, { number, arrived: resolve, failed: reject })
      put(value).catch(reject)
    })
  }

  /** The watch of this client got an event with this value. */
  arrived(client: number, value: Uint8Array): void {
    const one = this.expected.get(client)
    if (one === undefined || numberOf(value) !== one.number) return
    this.expected.delete(client)
    one.arrived()
  }

  /** The watch of this client is over. */
  failed(client: number, error: Error): void {
    this.expected.get(client)?.failed(error)
    this.expected.delete(client)
  }
}

function numberOf(value: Uint8Array): number | undefined {
  if (value.length !== valueBytes) return undefined
  return new DataView(value.buffer, value.byteOffset, value.length).getUint32(0)
}
