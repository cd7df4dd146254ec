/** Real editing sessions through the engine, where they are present: sequential ones, and one in which two people type at once. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from '../../base/index.ts'
import { CausalGraph } from '../../crdt/graph/graph.ts'
import { opKind } from '../../crdt/text/op-log.ts'
import { TextSequence } from '../../crdt/text/text.ts'

type Patch = readonly [position: number, deleted: number, inserted: string]

interface Trace {
  readonly endContent: string
  readonly txns: readonly { readonly patches: readonly Patch[]; readonly agent?: number; readonly parents?: number[] }[]
}

const data = process.env['NITROSTATE_TEST_DATA']
const folder = data === undefined ? '' : join(data, 'traces')
const present = data !== undefined && existsSync(folder)

function read(name: string): Trace {
  return JSON.parse(gunzipSync(readFileSync(join(folder, `${name}.json.gz`))).toString('utf8')) as Trace
}

function start(): { graph: CausalGraph; text: TextSequence } {
  const graph = new CausalGraph()
  return { graph, text: new TextSequence(graph) }
}

function typed(trace: Trace): { graph: CausalGraph; text: TextSequence } {
  const made = start()
  for (const { patches } of trace.txns) {
    for (const [position, deleted, inserted] of patches) {
      if (deleted > 0) made.text.delete(position, deleted, made.graph.append(1, deleted))
      if (inserted !== '') made.text.insert(position, inserted, made.graph.append(1, inserted.length))
    }
  }
  return made
}

/** Receives the transactions in order; `after` is told when one has come. */
function received(trace: Trace, after: (text: TextSequence, end: number) => void): ReturnType<typeof start> {
  const made = start()
  const { graph, text } = made
  const ends: number[] = []
  for (const { patches, agent = 0, parents = [] } of trace.txns) {
    const length = patches.reduce((sum, [, deleted, inserted]) => sum + deleted + inserted.length, 0)
    const known = parents.map((txn) => ends[txn] as number).sort((a, b) => a - b)
    let lv = graph.add(agent, graph.nextSeq(agent), length, known)
    for (const [position, deleted, inserted] of patches) {
      if (deleted > 0) text.receiveDelete(opKind.delete, position, deleted, lv)
      if (inserted !== '') text.receiveInsert(position, inserted, lv + deleted)
      lv += deleted + inserted.length
    }
    ends.push(lv - 1)
    after(text, lv)
  }
  text.integrate(graph.length)
  return made
}

/** The same through bytes, into a fresh replica. */
function loaded({ graph, text }: ReturnType<typeof start>): TextSequence {
  const writer = new ByteWriter()
  text.writeOperations(writer, [0, graph.length])
  const other = start()
  const reader = new ByteReader(writer.take())
  const operations = other.text.readOperations(reader, graph.length)
  reader.finish()
  for (const { rid, seq, length, parents } of graph.spans(0, graph.length)) other.graph.add(rid, seq, length, parents)
  other.text.receive(operations, (event) => event)
  other.text.integrate(graph.length)
  return other.text
}

describe('recorded editing sessions', () => {
  test.skipIf(!present)('NITROSTATE_TEST_DATA names a directory with traces', () => {
    expect(existsSync(join(folder, 'friendsforever.json.gz'))).toBe(true)
  })

  test.skipIf(!present).each(['automerge-paper', 'sveltecomponent'])(
    '%s replays exactly, through bytes, too',
    (name) => {
      const trace = read(name)
      const made = typed(trace)
      expect(made.text.toString() === trace.endContent).toBe(true)
      expect(made.text.at(made.graph.frontier) === trace.endContent).toBe(true)
      expect(loaded(made).toString() === trace.endContent).toBe(true)
    },
  )

  test.skipIf(!present)('friendsforever replays exactly, in one go, one by one, and through bytes', () => {
    const trace = read('friendsforever')
    const whole = received(trace, () => undefined)
    expect(whole.text.toString() === trace.endContent).toBe(true)
    expect(whole.text.at(whole.graph.frontier) === trace.endContent).toBe(true)
    expect(loaded(whole).toString() === trace.endContent).toBe(true)
    const oneByOne = received(trace, (text, end) => text.integrate(end))
    expect(oneByOne.text.toString() === trace.endContent).toBe(true)
  })
})
