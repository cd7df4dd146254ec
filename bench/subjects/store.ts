/** The embedded node: one member, in memory and durable, through the public store. */
import { openNode } from '../../src/node/index.ts'
import type { Node } from '../../src/node/index.ts'
import { numberedKey } from '../../src/cli/index.ts'
import { withDirectory } from '../harness/directory.ts'
import type { Measure, Subject } from '../harness/measure.ts'
import { seededRandom } from '../harness/random.ts'

const keySpace = 10_000

/** Puts and gets of `openNode()`. */
export const store: Subject = {
  name: 'store',
  async run(measure) {
    await withNode({}, (node) => requests(measure, node, 'memory'))
    await withDirectory((dataDir) => withNode({ dataDir }, (node) => requests(measure, node, 'disk')))
  },
}

async function withNode(options: { dataDir?: string }, work: (node: Node) => Promise<void>): Promise<void> {
  const node = await openNode(options)
  try {
    await node.ready()
    await work(node)
  } finally {
    await node.close()
  }
}

async function requests(measure: Measure, node: Node, disk: string): Promise<void> {
  const random = seededRandom()
  const value = random.bytes(256)
  const key = (): Uint8Array => numberedKey(random.u32() % keySpace, 8)
  for (const inFlight of [1, 64, 1000]) {
    await together(measure, `store.put/disk=${disk},value=256,inFlight=${inFlight}`, inFlight, () =>
      node.store.put(key(), value),
    )
  }
  for (const inFlight of [1, 64]) {
    await together(measure, `store.get/disk=${disk},consistency=linearizable,inFlight=${inFlight}`, inFlight, () =>
      node.store.get(key()),
    )
  }
  await together(measure, `store.get/disk=${disk},consistency=committed,inFlight=64`, 64, () =>
    node.store.get(key(), { consistency: 'committed' }),
  )
}

function together(measure: Measure, name: string, ops: number, request: () => Promise<unknown>): Promise<void> {
  return measure({
    name,
    ops,
    async run() {
      const all: Promise<unknown>[] = []
      for (let i = 0; i < ops; i++) all.push(request())
      await Promise.all(all)
    },
  })
}
