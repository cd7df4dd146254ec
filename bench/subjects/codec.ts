/** The codecs on the way of a command: encoding, finding its parts, entries, peer messages, batches, canonical values. */
import { ByteReader, ByteWriter, decodeValue, encodeValue, hash128Into } from '../../base/index.ts'
import { decodeMessage, encodeMessage, newMessage } from '../../consensus/index.ts'
import { CommandHeader, EntryBuilder, decodeCommandHeader, readEntryHeader, writePut } from '../../execution/index.ts'
import { CommandBatchWriter, forEachCommand } from '../../src/wire/index.ts'
import type { Measure, Subject } from '../harness/measure.ts'
import { seededRandom } from '../harness/random.ts'

const many = 1000
const random = seededRandom()
const key = random.bytes(16)
const value = random.bytes(256)
const header = { session: random.bytes(16), seq: 100_000, answeredUpTo: 99_000 }

/** Encoding and decoding. */
export const codec: Subject = {
  name: 'codec',
  async run(measure) {
    const command = putCommand()
    await commands(measure, command)
    await entries(measure, command)
    await messages(measure)
    await values(measure)
  },
}

function putCommand(): Uint8Array {
  const writer = new ByteWriter()
  writePut(writer, header, key, value)
  return writer.take()
}

async function commands(measure: Measure, command: Uint8Array): Promise<void> {
  const arena = new ByteWriter(many * 320)
  await measure({
    name: 'codec.commandEncode/value=256',
    ops: many,
    run() {
      arena.clear()
      for (let i = 0; i < many; i++) writePut(arena, header, key, value)
    },
  })
  const parts = new CommandHeader()
  await measure({
    name: 'codec.commandDecode/value=256',
    ops: many,
    run() {
      for (let i = 0; i < many; i++) decodeCommandHeader(command, 0, command.length, parts)
    },
  })
  const batch = new CommandBatchWriter()
  const addMany = (): Uint8Array => {
    for (let i = 0; i < many; i++) batch.add(i, command)
    return batch.take()
  }
  await measure({ name: 'codec.batchEncode/value=256', ops: many, run: () => void addMany() })
  const payload = addMany()
  let seen = 0
  await measure({
    name: 'codec.batchDecode/value=256',
    ops: many,
    run: () => forEachCommand(payload, (tag, _bytes, start, end) => void (seen += tag + end - start)),
  })
}

async function entries(measure: Measure, command: Uint8Array): Promise<void> {
  const lanes = new Uint32Array(4)
  await measure({
    name: 'codec.hash128/bytes=256',
    ops: many,
    run() {
      for (let i = 0; i < many; i++) hash128Into(lanes, 0, value, 0, value.length)
    },
  })
  const builder = new EntryBuilder()
  for (const count of [1, 256]) {
    const build = (): Uint8Array => {
      builder.clear()
      for (let i = 0; i < count; i++) builder.add(command)
      return builder.finish(1_000, 1_700_000_000_000)
    }
    const entry = build()
    const calls = 512 / count
    await measure({
      name: `codec.entryBuild/commands=${count},value=256`,
      ops: count * calls,
      run() {
        for (let i = 0; i < calls; i++) build()
      },
    })
    await measure({
      name: `codec.entryRead/commands=${count},value=256`,
      ops: count * calls,
      run() {
        for (let i = 0; i < calls; i++) readEntryHeader(entry)
      },
    })
  }
}

async function messages(measure: Measure): Promise<void> {
  const append = newMessage('MsgApp', 2)
  Object.assign(append, { from: 1, term: 7, logTerm: 7, index: 99, commit: 98 })
  append.entries = [{ index: 100, term: 7, type: 'normal', data: random.bytes(65_536) }]
  const response = newMessage('MsgAppResp', 1)
  Object.assign(response, { from: 2, term: 7, index: 100 })
  const cases = [
    { name: 'append,bytes=65536', message: append },
    { name: 'appendResponse', message: response },
  ]
  for (const { name, message } of cases) {
    const writer = new ByteWriter(128 * 1024)
    const calls = 100
    const encode = (): void => {
      writer.clear()
      encodeMessage(writer, message)
    }
    await measure({
      name: `codec.messageEncode/type=${name}`,
      ops: calls,
      run() {
        for (let i = 0; i < calls; i++) encode()
      },
    })
    encode()
    const bytes = writer.take()
    await measure({
      name: `codec.messageDecode/type=${name}`,
      ops: calls,
      run() {
        for (let i = 0; i < calls; i++) decodeMessage(new ByteReader(bytes))
      },
    })
  }
}

async function values(measure: Measure): Promise<void> {
  const order = { id: 12_345, state: 'paid', total: 99.5, lines: [{ sku: 'a-1', count: 2 }], note: value }
  const encoded = encodeValue(order)
  await measure({
    name: 'codec.valueEncode/fields=5,bytes=256',
    ops: many,
    run() {
      for (let i = 0; i < many; i++) encodeValue(order)
    },
  })
  await measure({
    name: 'codec.valueDecode/fields=5,bytes=256',
    ops: many,
    run() {
      for (let i = 0; i < many; i++) decodeValue(encoded)
    },
  })
}
