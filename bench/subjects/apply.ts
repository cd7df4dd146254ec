/** The machine alone: entries in, results out, and the lazy flush. */
import { ByteWriter, decodeValue, encodeValue, latin1 } from '../../base/index.ts'
import type { Value } from '../../base/index.ts'
import { EntryBuilder, Machine, blockKey, encodeCommand, writePut } from '../../execution/index.ts'
import type { Flush, Program } from '../../execution/index.ts'
import { numberedKey } from '../../src/cli/index.ts'
import type { Measure, Subject } from '../harness/measure.ts'
import { seededRandom } from '../harness/random.ts'
import { activateAll } from '../../test/support/activation.ts'

const commandsPerEntry = 256
const keySpace = 10_000
const overlayBytesMax = 4 << 20
const session = new Uint8Array(16).fill(9)

const counter: Program = {
  name: 'counter',
  version: 1,
  methods: {
    increment(tx, by) {
      const now = tx.get('hits')
      const next = Number(now === undefined ? 0 : decodeValue(now)) + Number(by)
      tx.put('hits', encodeValue(next))
      return next
    },
  },
}

/** `Machine`: puts with and without a session, gets, a user's program, sealing. */
export const apply: Subject = {
  name: 'apply',
  async run(measure) {
    const stage = new Stage()
    await puts(measure, stage)
    await programs(measure, stage)
    await gets(measure, stage)
    await seals(measure, stage)
  },
}

async function puts(measure: Measure, stage: Stage): Promise<void> {
  const value = seededRandom().bytes(256)
  const random = seededRandom(3)
  const put = (writer: ByteWriter): void => writePut(writer, undefined, numberedKey(random.u32() % keySpace, 8), value)
  await entryCase(measure, stage, 'apply.put/value=256,session=no', put)
  stage.apply(entryOf(1, (writer) => encodeCommand(writer, { program: 'session', method: 'open', args: session })))
  let seq = 0
  const numbered = (writer: ByteWriter): void => {
    seq++
    const header = { session, seq, answeredUpTo: Math.max(0, seq - 512) }
    writePut(writer, header, numberedKey(random.u32() % keySpace, 8), value)
  }
  await entryCase(measure, stage, 'apply.put/value=256,session=yes', numbered)
}

async function programs(measure: Measure, stage: Stage): Promise<void> {
  const args: Value = 1
  const command = { program: 'counter', method: 'increment', args: encodeValue(args) }
  await entryCase(measure, stage, 'apply.increment/program=user', (writer) => encodeCommand(writer, command))
}

/** Building the entry is not measured: another node did it. */
function entryCase(measure: Measure, stage: Stage, name: string, command: (writer: ByteWriter) => void): Promise<void> {
  let entry: Uint8Array | undefined
  return measure({
    name: `${name},commands=${commandsPerEntry}`,
    ops: commandsPerEntry,
    before: () => void (entry = entryOf(commandsPerEntry, command)),
    run() {
      if (entry !== undefined) stage.apply(entry)
    },
    after: () => stage.flushWhenFull(),
  })
}

async function gets(measure: Measure, stage: Stage): Promise<void> {
  stage.flush()
  const keys = Array.from({ length: 1000 }, (_, at) => numberedKey(at * 7, 8))
  await measure({
    name: 'apply.get/value=256,from=blocks',
    ops: keys.length,
    run() {
      for (const key of keys) stage.machine.query('kv', 'get', key)
    },
  })
}

async function seals(measure: Measure, stage: Stage): Promise<void> {
  const random = seededRandom(5)
  const value = random.bytes(256)
  const records = 4 * commandsPerEntry
  let flush: Flush | undefined
  await measure({
    name: `apply.seal/value=256,records=${records}`,
    ops: records,
    before() {
      const put = (writer: ByteWriter): void =>
        writePut(writer, undefined, numberedKey(random.u32() % keySpace, 8), value)
      for (let at = 0; at < 4; at++) stage.apply(entryOf(commandsPerEntry, put))
    },
    run: () => void (flush = stage.machine.seal()),
    after: () => stage.store(flush),
  })
}

function entryOf(count: number, command: (writer: ByteWriter) => void): Uint8Array {
  const builder = new EntryBuilder()
  const writer = new ByteWriter(512)
  for (let i = 0; i < count; i++) {
    writer.clear()
    command(writer)
    builder.add(writer.view())
  }
  return builder.finish(1_000, 1_700_000_000_000)
}

/** A machine with its blocks in a Map. */
class Stage {
  readonly machine: Machine
  private readonly blocks = new Map<string, Uint8Array>()
  private results = 0

  constructor() {
    const readBlock = (id: number, offset = 0, length = Infinity): Uint8Array | undefined =>
      this.blocks.get(latin1(blockKey(id)))?.subarray(offset, offset + length)
    this.machine = new Machine({ programs: [counter], readBlock })
    this.machine.finishLoad()
    activateAll(this.machine)
  }

  apply(entry: Uint8Array): void {
    const { machine } = this
    machine.startEntry(machine.appliedIndex + 1, 1, entry)
    while (machine.step((_, result) => void (this.results += result.length)));
    machine.finishEntry()
  }

  flushWhenFull(): void {
    if (this.machine.overlayBytes > overlayBytesMax) this.flush()
  }

  flush(): void {
    this.store(this.machine.seal())
  }

  store(flush: Flush | undefined): void {
    if (flush === undefined) return
    for (const { key, value } of flush.changes) {
      if (value === undefined) this.blocks.delete(latin1(key))
      else this.blocks.set(latin1(key), value.slice())
    }
    this.machine.flushed(flush)
  }
}
