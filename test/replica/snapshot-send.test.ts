import { expect, test } from 'vitest'
import { silentLogger } from '../../base/index.ts'
import { decodeChunk, decodeControl } from '../../src/replica/snapshot-frames.ts'
import { Sending } from '../../src/replica/snapshot-send.ts'

/** A sending of `total` chunks over a link that is up, and what went out. */
function sending(total: number) {
  const out: string[] = []
  let ended: boolean | undefined
  let nowMs = 0
  const chunks = (async function* () {
    for (let at = 0; at < total; at++) yield Uint8Array.of(at)
  })()
  const one = new Sending({
    ...{ id: 7, to: 2, index: 9, repair: true, message: new Uint8Array(0), logger: silentLogger, nowMs: () => nowMs },
    view: { pages: async function* () {}, close: async () => {} },
    chunks,
    sendControl: (payload) => {
      const control = decodeControl(payload)
      out.push(control.type === 'begin' ? `begin from ${control.first}` : control.type)
      return true
    },
    sendChunk: (payload) => {
      out.push(`chunk ${decodeChunk(payload).number}`)
      return true
    },
    failed: () => undefined,
    finished: (ok) => (ended = ok),
  })
  const tickAt = (ms: number): void => {
    nowMs = ms
    one.tick()
  }
  return { one, tickAt, taken: () => out.splice(0), ended: () => ended }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a link that comes back before anything was acknowledged gets the snapshot from its beginning', async () => {
  const { one, taken } = sending(2)
  await settled()
  expect(taken()).toEqual(['begin from 0', 'chunk 0', 'chunk 1'])
  one.linkUp()
  await settled()
  expect(taken()).toEqual(['begin from 0', 'chunk 0', 'chunk 1'])
})

test('after acknowledgements it says from where it can still send, and repeats what may be lost', async () => {
  const { one, taken } = sending(4)
  await settled()
  one.want({ type: 'want', id: 7, next: 2, resume: false })
  await settled()
  taken()
  one.linkUp()
  await settled()
  expect(taken()).toEqual(['begin from 2', 'chunk 2', 'chunk 3'])
})

test('a receiver that has more than the sender repeats says so and is believed', async () => {
  const { one, taken } = sending(4)
  await settled()
  one.linkUp()
  one.want({ type: 'want', id: 7, next: 3, resume: true })
  await settled()
  expect(taken().at(-1)).toBe('chunk 3')
})

test('a receiver that refuses ends it', async () => {
  const { one, taken, ended } = sending(4)
  await settled()
  taken()
  one.finish(false)
  one.linkUp()
  await settled()
  expect(ended()).toBe(false)
  expect(taken()).toEqual([])
})

test('a receiver that says nothing for three seconds is reminded, as its word that it has everything may be lost', async () => {
  const { tickAt, taken, ended } = sending(2)
  await settled()
  taken()
  tickAt(2_900)
  await settled()
  expect(taken()).toEqual([])
  tickAt(3_100)
  tickAt(3_200)
  await settled()
  expect(taken()).toEqual(['begin from 0'])
  tickAt(6_300)
  await settled()
  expect(taken()).toEqual(['begin from 0'])
  expect(ended()).toBeUndefined()
})
